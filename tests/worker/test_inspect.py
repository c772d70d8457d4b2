"""Peek, Score and Nearest through a real child, and through the client that has none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from kobold_modules import corpus
from kobold_modules.answers import NearestWords, NextTokens, Scores, StackDivergence, VectorWorth
from kobold_modules.formats import kobold
from kobold_modules.library import evidence
from kobold_modules.records import Finished, Loaded, Progress, Record
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.worker.client import WorkerClient
from kobold_modules.worker.messages import Ablate, Divergence, Generate, Load, Nearest, Peek, Score
from tests.backends import tiny_folder
from tests.last import last
from tests.worker.conftest import ask, failure, text_of


OPENING = "Once upon a time, there was a little girl named Lily."


@pytest.fixture
def noir(tmp_path: Path) -> str:
    vectors = np.random.default_rng(1).normal(0, 0.3, (5, 64)).astype(np.float32)
    kobold.write(Module(vectors, Card("noir")), tmp_path / "noir.zip")
    return str(tmp_path / "noir.zip")


A = TypeVar("A")


def answer(records: Sequence[Record], kind: type[A]) -> A:
    assert isinstance(records[-1], kind), records
    return records[-1]


async def test_a_child_answers_what_could_come_next(loaded: WorkerClient, noir: str) -> None:
    found = answer(await ask(loaded, Peek(OPENING, (Layer(noir),), 5)), NextTokens)
    assert [len(found.stacked), len(found.plain)] == [5, 5]
    assert found.stacked != found.plain
    assert all(0 < candidate.probability <= 1 for candidate in found.stacked)
    alone = answer(await ask(loaded, Peek(OPENING, top=2)), NextTokens)
    assert alone.stacked == alone.plain
    assert [c.probability for c in alone.stacked] == [c.probability for c in found.plain[:2]]


@pytest.mark.parametrize("aside", [{"memory": "Lily has a dog."}, {"note": "[A dog barks.]", "note_depth": 1}])
async def test_memory_and_note_change_what_could_come_next(loaded: WorkerClient, aside: dict[str, Any]) -> None:
    plain = answer(await ask(loaded, Peek(OPENING)), NextTokens)
    assert answer(await ask(loaded, Peek(OPENING, **aside)), NextTokens).plain != plain.plain


async def test_a_child_says_how_much_each_layer_has_to_say(loaded: WorkerClient, noir: str) -> None:
    stack = (Layer(noir), Layer(noir, 0.0), Layer(noir, 1.0, on=False))
    found = answer(await ask(loaded, Divergence(OPENING, stack)), StackDivergence)
    assert found.layers[1:] == (0.0, 0.0)
    assert found.layers[0] == found.whole
    assert found.whole is not None
    assert 0 < found.whole <= 1
    nothing = answer(await ask(loaded, Divergence(OPENING)), StackDivergence)
    assert (nothing.layers, nothing.whole) == ((), 0.0)


async def test_a_child_scores_a_passage(loaded: WorkerClient, noir: str) -> None:
    found = answer(await ask(loaded, Score(OPENING, (Layer(noir),))), Scores)
    assert "".join(found.tokens) == OPENING
    assert len(found.tokens) == len(found.stacked) == len(found.plain)
    assert found.plain[0] is None
    assert found.stacked[0] is not None
    assert found.stacked[0] < 0
    assert found.stacked[1:] != found.plain[1:]


async def test_a_child_names_the_nearest_words(loaded: WorkerClient, noir: str) -> None:
    found = answer(await ask(loaded, Nearest(noir, 2)), NearestWords)
    assert [len(row) for row in found.rows] == [2] * 5
    assert found.rows[0][0].cosine >= found.rows[0][1].cosine
    assert "curiosity" in found.note.lower()
    assert len(found.places) == 5
    assert all(place.from_words > 0 for place in found.places)
    assert failure(await ask(loaded, Nearest("/nowhere/noir.zip"))).code == 3


async def test_a_child_says_what_each_vector_is_worth(loaded: WorkerClient, tmp_path: Path) -> None:
    """Issue 17, 5: on the pages that its training kept back, where they still lie."""
    page = tmp_path / "tale.txt"
    page.write_text("Once upon a time there was a cat. It lived by the sea and had a red ball.\n\n" * 40)
    read = corpus.read([page])
    sources = tuple({"name": d.name, "words": d.words, "sha256": d.sha256} for d in read.documents)
    vectors = np.random.default_rng(1).normal(0, 0.3, (3, 64)).astype(np.float32)
    (tmp_path / "noir").mkdir()
    kobold.write(Module(vectors, Card("noir", sources=sources)), tmp_path / "noir" / "noir.zip")
    evidence.write_sources(tmp_path / "noir", [str(page)], (), ())
    path = str(tmp_path / "noir" / "noir.zip")

    records = await ask(loaded, Ablate(path))

    assert [record.done for record in records if isinstance(record, Progress)] == [0, 1, 2]
    found = answer(records, VectorWorth)
    assert len(found.nats_per_token) == 3
    assert found.tokens > 20
    page.unlink()
    assert failure(await ask(loaded, Ablate(path))).code == 3


async def test_looking_needs_a_model(client: WorkerClient) -> None:
    for job in (Peek("a"), Divergence("a"), Score("a"), Nearest("a"), Ablate("a")):
        assert failure(await ask(client, job)).message == "No model is loaded."


async def test_a_child_writes_with_a_folder(client: WorkerClient, tmp_path: Path) -> None:
    folder = tiny_folder.write(tmp_path / "tiny")
    records = await ask(client, Load(str(folder)))
    assert isinstance(records[-1], Loaded), records
    assert records[-1].name == "tiny"
    first = await ask(client, Generate(OPENING, max_tokens=8, sampler=Sampler(seed=3, min_p=0.2)))
    again = await ask(client, Generate(OPENING, max_tokens=8, sampler=Sampler(seed=3, min_p=0.2)))
    assert text_of(first) == text_of(again)
    assert len(answer(await ask(client, Peek(OPENING, top=4)), NextTokens).stacked) == 4


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
    found = answer(await ask(client, Nearest("/shelf/noir.zip", 2)), NearestWords)
    assert [len(row) for row in found.rows] == [2] * 5
    assert answer(await ask(client, Nearest("/shelf/noir.zip", 2)), NearestWords) == found
    assert answer(await ask(client, Nearest("/shelf/gothic.zip", 2)), NearestWords) != found
    assert answer(await ask(client, Peek("The rain", (Layer("noir.zip"),), 3)), NextTokens).stacked
    assert answer(await ask(client, Score("The rain")), Scores).tokens
    light = answer(await ask(client, Divergence("The rain", (Layer("noir.zip"), Layer("b.zip", 0.0)))), StackDivergence)
    assert light.layers[0]
    assert light.layers[1] == 0
    records = await ask(client, Generate("The rain", sampler=Sampler(repetition=1.1, seed=2), max_tokens=3))
    assert last(records, Finished).seed == 2
