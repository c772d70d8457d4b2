"""Stacks side by side through the worker: told apart, the same words as alone, cancelled together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np
import pytest

from kobold_modules.formats import kobold
from kobold_modules.records import Finished, Record, TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.worker.client import WorkerClient
from kobold_modules.worker.messages import Compare, Generate, Load
from tests.worker.conftest import ask, failure


TEXT = "Once upon a time, there was a little girl named Lily."


@pytest.fixture
def module_file(stories: Path, tmp_path: Path) -> str:
    reader = gguf.GGUFReader(stories / "stories260K-F32.gguf")
    table = np.array(next(t for t in reader.tensors if t.name == "token_embd.weight").data, dtype=np.float32)
    kobold.write(Module(table[5:17].copy(), Card("twelve")), tmp_path / "twelve.zip")
    return str(tmp_path / "twelve.zip")


def takes(records: Sequence[Record]) -> dict[int, tuple[str, Finished]]:
    finished = {record.sequence: record for record in records if isinstance(record, Finished)}
    return {
        number: (
            "".join(r.text for r in records if isinstance(r, TextChunk) and r.sequence == number),
            finished[number],
        )
        for number in finished
    }


async def test_each_stack_writes_its_own_take(loaded: WorkerClient, module_file: str) -> None:
    stacks = ((), (Layer(module_file),), (Layer(module_file, on=False),))
    found = takes(await ask(loaded, Compare(TEXT, stacks, 20, Sampler(seed=3))))
    alone = takes(await ask(loaded, Generate(TEXT, (), 20, Sampler(seed=3))))
    assert sorted(found) == [0, 1, 2]
    assert {finished.seed for _, finished in found.values()} == {3}
    assert found[0][0] == found[2][0] == alone[0][0]
    assert found[1][0] != found[0][0]
    assert found[1][1].prefix_decoded == 12


async def test_without_a_seed_all_draw_with_the_same_one(loaded: WorkerClient) -> None:
    found = takes(await ask(loaded, Compare(TEXT, ((), ()), 20)))
    assert found[0][0] == found[1][0]
    assert found[0][1].seed == found[1][1].seed


async def test_seeds_make_takes_of_one_stack(loaded: WorkerClient, module_file: str) -> None:
    stack = (Layer(module_file, 0.5),)
    found = takes(await ask(loaded, Compare(TEXT, (stack,) * 3, 20, seeds=(1, 2, 1))))
    assert found[0][0] == found[2][0] != found[1][0]
    assert [found[number][1].seed for number in range(3)] == [1, 2, 1]


async def test_memory_and_note_travel(loaded: WorkerClient) -> None:
    settings = Sampler(temperature=0.0)
    memory = "Tim is a big red dragon. " * 8
    plain = takes(await ask(loaded, Compare(TEXT, ((),), 20, settings)))
    minded = takes(await ask(loaded, Compare(TEXT, ((),), 20, settings, memory=memory)))
    alone = takes(await ask(loaded, Generate(TEXT, (), 20, settings, memory=memory)))
    assert plain[0][0] != minded[0][0] == alone[0][0]


async def test_a_cancel_ends_all(loaded: WorkerClient) -> None:
    heard = 0
    endings = []
    sampler = Sampler(bias=(("#1", -99.0), ("#2", -99.0)))
    async for record in loaded.run(Compare(TEXT, ((), (), ()), 10**5, sampler, seeds=(1, 2, 3))):
        heard += isinstance(record, TextChunk)
        if heard == 20:
            loaded.cancel()
        if isinstance(record, Finished):
            endings.append(record.reason)
    assert endings == ["cancelled"] * 3


@pytest.mark.parametrize(
    ("job", "says"),
    [
        (Compare(TEXT, ()), "0 stacks"),
        (Compare(TEXT, ((),) * 9), "9 stacks"),
        (Compare(TEXT, ((), ()), seeds=(1,)), "1 seeds for 2"),
        (Compare(TEXT, ((), (Layer("/no/such.zip"),))), "no module file"),
    ],
)
async def test_what_makes_no_sense_is_a_sentence(loaded: WorkerClient, job: Compare, says: str) -> None:
    assert says in failure(await ask(loaded, job)).message


async def test_no_model_is_a_sentence(client: WorkerClient) -> None:
    assert failure(await ask(client, Compare(TEXT, ((), ())))).message == "No model is loaded."


async def test_the_client_without_a_worker_compares_too() -> None:
    client = FakeClient()
    await ask(client, Load("starter"))
    found = takes(await ask(client, Compare("The rain", ((), (Layer("noir.zip"),)), 10)))
    assert sorted(found) == [0, 1]
    assert found[0][0] != found[1][0]
