"""Peek, Score and Nearest through a real child, and through the client that has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobold_modules.formats import kobold
from kobold_modules.records import Finished, Loaded, Result
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.worker.client import WorkerClient
from kobold_modules.worker.messages import Generate, Load, Nearest, Peek, Score
from tests.backends import tiny_folder
from tests.last import last
from tests.worker.conftest import ask, failure, text_of


OPENING = "Once upon a time, there was a little girl named Lily."


@pytest.fixture
def noir(tmp_path: Path) -> str:
    vectors = np.random.default_rng(1).normal(0, 0.3, (5, 64)).astype(np.float32)
    kobold.write(Module(vectors, Card("noir")), tmp_path / "noir.zip")
    return str(tmp_path / "noir.zip")


def answer(records: list[Any], what: str) -> dict[str, Any]:
    assert isinstance(records[-1], Result), records
    assert records[-1].what == what
    return records[-1].data


async def test_a_child_answers_what_could_come_next(loaded: WorkerClient, noir: str) -> None:
    data = answer(await ask(loaded, Peek(OPENING, (Layer(noir),), 5)), "peek")
    assert [len(data["with"]), len(data["without"])] == [5, 5]
    assert data["with"] != data["without"]
    for candidate in data["with"]:
        assert 0 < candidate["probability"] <= 1
        assert isinstance(candidate["text"], str)
    alone = answer(await ask(loaded, Peek(OPENING, top=2)), "peek")
    assert alone["with"] == alone["without"]
    assert [c["probability"] for c in alone["with"]] == [c["probability"] for c in data["without"][:2]]


@pytest.mark.parametrize("aside", [{"memory": "Lily has a dog."}, {"note": "[A dog barks.]", "note_depth": 1}])
async def test_memory_and_note_change_what_could_come_next(loaded: WorkerClient, aside: dict[str, Any]) -> None:
    plain = answer(await ask(loaded, Peek(OPENING)), "peek")
    assert answer(await ask(loaded, Peek(OPENING, **aside)), "peek")["without"] != plain["without"]


async def test_a_child_scores_a_passage(loaded: WorkerClient, noir: str) -> None:
    data = answer(await ask(loaded, Score(OPENING, (Layer(noir),))), "score")
    assert "".join(data["tokens"]) == OPENING
    assert len(data["tokens"]) == len(data["with"]) == len(data["without"])
    assert data["without"][0] is None
    assert data["with"][0] < 0
    assert data["with"][1:] != data["without"][1:]


async def test_a_child_names_the_nearest_words(loaded: WorkerClient, noir: str) -> None:
    data = answer(await ask(loaded, Nearest(noir, 2)), "nearest")
    assert [len(row) for row in data["rows"]] == [2] * 5
    assert data["rows"][0][0]["cosine"] >= data["rows"][0][1]["cosine"]
    assert "curiosity" in data["note"].lower()
    assert failure(await ask(loaded, Nearest("/nowhere/noir.zip"))).code == 3


async def test_looking_needs_a_model(client: WorkerClient) -> None:
    for job in (Peek("a"), Score("a"), Nearest("a")):
        assert failure(await ask(client, job)).message == "No model is loaded."


async def test_a_child_writes_with_a_folder(client: WorkerClient, tmp_path: Path) -> None:
    folder = tiny_folder.write(tmp_path / "tiny")
    records = await ask(client, Load(str(folder)))
    assert isinstance(records[-1], Loaded), records
    assert records[-1].name == "tiny"
    first = await ask(client, Generate(OPENING, max_tokens=8, sampler=Sampler(seed=3, min_p=0.2)))
    again = await ask(client, Generate(OPENING, max_tokens=8, sampler=Sampler(seed=3, min_p=0.2)))
    assert text_of(first) == text_of(again)
    assert len(answer(await ask(client, Peek(OPENING, top=4)), "peek")["with"]) == 4


async def test_every_setting_reaches_the_sampler(loaded: WorkerClient) -> None:
    settings = {
        "seed": 5,
        "banned": ["was", "the "],
        "bias": {"dog": 1.5, "#3": -100},
        "dry_multiplier": 0.8,
        "dry_breakers": ["\n", "."],
        "rep_pen": 1.1,
        "xtc_probability": 0.3,
    }
    text = text_of(await ask(loaded, Generate(OPENING, max_tokens=40, sampler=Sampler.from_dict(settings))))
    assert "was" not in text.lower()
    assert "the " not in text.lower()


async def test_the_client_without_a_worker_answers_alike() -> None:
    client = FakeClient()
    await ask(client, Load("starter"))
    data = answer(await ask(client, Nearest("/shelf/noir.zip", 2)), "nearest")
    assert [len(row) for row in data["rows"]] == [2] * 5
    assert answer(await ask(client, Nearest("/shelf/noir.zip", 2)), "nearest") == data
    assert answer(await ask(client, Nearest("/shelf/gothic.zip", 2)), "nearest") != data
    assert answer(await ask(client, Peek("The rain", (Layer("noir.zip"),), 3)), "peek")["with"]
    assert answer(await ask(client, Score("The rain")), "score")["tokens"]
    records = await ask(client, Generate("The rain", sampler=Sampler(repetition=1.1, seed=2), max_tokens=3))
    assert last(records, Finished).seed == 2
