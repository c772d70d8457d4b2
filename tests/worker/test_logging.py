"""What a worker writes is in the log, so that the bench's takes can be written again by the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.generation.log import entries
from kobold_modules.library.library import Library
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.worker.client import WorkerClient
from kobold_modules.worker.messages import Compare, Generate
from tests.worker.conftest import TO_THE_LENGTH, ask, text_of


@pytest.fixture
def stack() -> tuple[Layer[str], ...]:
    vectors = np.random.default_rng(1).normal(0, 0.5, (5, 64)).astype(np.float32)
    entry = Library().add(Module(vectors, Card("noir"), vectors * 0.9))
    return (Layer(str(entry.path), 0.5), Layer("/off", on=False))


async def test_a_take_of_the_bench_is_logged_and_written_again(
    loaded: WorkerClient, stack: tuple[Layer[str], ...], capsys: pytest.CaptureFixture[str]
) -> None:
    job = Generate("Once upon a time", stack, 12, Sampler(temperature=1.2), memory="A cat.", note="Sad.", note_depth=1)
    records = await ask(loaded, job)

    (entry,) = entries()
    assert entry["door"] == "bench"
    assert entry["ended"]["text"] == text_of(records)
    assert entry["sampler"]["seed"] == records[-1].seed  # type: ignore[union-attr]
    assert entry["stack"]["modules"][0]["source"] == stack[0].module
    assert (entry["memory"], entry["note"], entry["note_depth"]) == ("A cat.", "Sad.", 1)
    await loaded.close()
    assert main(["generate", "--replay", "last"]) == 0
    assert "identical" in capsys.readouterr().err


async def test_texts_side_by_side_are_logged_each(loaded: WorkerClient, stack: tuple[Layer[str], ...]) -> None:
    await ask(loaded, Compare("Once upon a time", ((), stack), 6, replace(TO_THE_LENGTH, seed=5)))

    logged = entries()
    assert [entry["door"] for entry in logged] == ["compare"] * 2
    assert [entry["stack"]["label"] for entry in logged] == ["no module", "noir ×0.5"]
    assert all(entry["sampler"]["seed"] == 5 and entry["ended"]["tokens"] == 6 for entry in logged)


async def test_a_writer_who_wants_no_log_has_none(monkeypatch: pytest.MonkeyPatch, home: Path, stories: Path) -> None:
    from kobold_modules.worker.messages import Load

    monkeypatch.setenv("KOBOLD_MODULES_JOURNAL", "nothing")
    client = WorkerClient()
    await ask(client, Load(str(stories / "stories260K-F16.gguf")))
    await ask(client, Generate("Once upon a time", max_tokens=3))
    await client.close()

    assert entries() == []
    assert not (home / "state" / "journal").exists()
