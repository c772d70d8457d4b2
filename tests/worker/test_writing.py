"""What the interface's worker says and does about the end of a text, a context and a bias: as the command line does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kobold_modules.answers import NextTokens
from kobold_modules.records import Loaded, Note, Record, TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.worker.client import WorkerClient
from kobold_modules.worker.messages import Compare, Generate, Load, Peek
from tests.worker.conftest import ask, failure


TEXT = "Once upon a time, there was a little girl named Lily"
GREEDY = Sampler(temperature=0, repetition=1)


def text_of(records: Sequence[Record]) -> str:
    return "".join(record.text for record in records if isinstance(record, TextChunk))


def notes(records: Sequence[Record]) -> list[str]:
    return [record.text for record in records if isinstance(record, Note)]


async def test_a_space_at_the_end_of_the_page_is_given_to_the_first_word(loaded: WorkerClient) -> None:
    """G09: the space is part of the next word."""
    free = text_of(await ask(loaded, Generate(TEXT + ". She loved to play outside", (), 12, GREEDY)))
    spaced = text_of(await ask(loaded, Generate(TEXT + ". She loved to play outside ", (), 12, GREEDY)))
    assert free.startswith(" ")
    assert spaced == free[1:]
    assert text_of(await ask(loaded, Compare(TEXT + ". She loved to play outside ", ((),), 12, GREEDY))) == spaced


async def test_next_words_say_what_they_add_to_the_page(loaded: WorkerClient) -> None:
    (found,) = [
        r for r in await ask(loaded, Peek(TEXT + ". She loved to play outside ", (), 5)) if isinstance(r, NextTokens)
    ]
    for candidate in found.stacked:
        assert candidate.text.startswith(" ")
        assert candidate.adds == candidate.text[1:]


async def test_a_bias_is_checked_and_said_once(loaded: WorkerClient) -> None:
    """G16: say once what a bias cannot do."""
    biased = replace(GREEDY, bias=(("hippopotamus", 2.0),))
    assert "hippopotamus" in notes(await ask(loaded, Generate(TEXT, (), 2, biased)))[0]
    assert notes(await ask(loaded, Generate(TEXT, (), 2, biased))) == []
    unknown = Sampler(bias=(("#999", 1.0),))
    assert "There is no token #999" in failure(await ask(loaded, Generate(TEXT, (), 2, unknown))).message


async def test_a_context_above_the_models_is_said(client: WorkerClient, stories: Path) -> None:
    """G12: say so where the model has a smaller context than was asked for."""
    records = await ask(client, Load(str(stories / "stories260K-F32.gguf"), 9000))
    assert [record.context for record in records if isinstance(record, Loaded)] == [512]
    assert "its context is 512 and not 9,000" in notes(records)[-1]
