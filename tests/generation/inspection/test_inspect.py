"""Peeking, scoring and ranking say what the model itself thinks, with the stack and without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.errors import BadUsage
from kobold_modules.generation.inspection.inspect import as_json, best_of, peek, score
from kobold_modules.generation.protocol import Request
from kobold_modules.models.reference import ModelFile
from kobold_modules.records import TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.module import Module
from kobold_modules.soft_prompt.stack import Stack


OPENING = "Once upon a time, there was a little girl named Lily. She loved to play outside."


def test_peek_shows_both_sides_of_a_stack(
    exact_stories: LlamaEngine, some_module: Callable[[int, int], Module]
) -> None:
    stack = Stack().add(some_module(12, 1))
    stacked, plain = peek(exact_stories, Request(text=OPENING, stack=stack), 6)
    assert len(stacked) == len(plain) == 6
    for found in (stacked, plain):
        assert [c.probability for c in found] == sorted((c.probability for c in found), reverse=True)
        assert all(exact_stories.piece(c.token).decode(errors="replace") == c.text for c in found)
    assert {c.token: c.other for c in stacked}.items() >= {
        c.token: c.probability for c in plain if c.token in {s.token for s in stacked}
    }.items()
    ids = exact_stories.tokenize(OPENING)
    for candidate in stacked:
        expected = exact_stories.score([*ids, candidate.token], stack)[-1]
        assert np.log(candidate.probability) == pytest.approx(expected, abs=1e-3)
    assert as_json(stacked)[0].keys() == {"token", "text", "probability", "other"}


def test_peek_agrees_with_what_is_written(engine: LlamaEngine) -> None:
    request = Request(text=OPENING, max_tokens=1, sampler=Sampler(temperature=0, repetition=1))
    likeliest, _ = peek(engine, request, 1)
    written = [record.text for record in engine.generate(request) if isinstance(record, TextChunk)]
    assert "".join(written) == likeliest[0].text


def test_peek_without_a_stack_and_behind_nothing(engine: LlamaEngine) -> None:
    stacked, plain = peek(engine, Request(text="", stack=Stack()), 3)
    assert stacked == plain
    assert all(candidate.other == candidate.probability for candidate in plain)
    for top in (0, 1001):
        with pytest.raises(BadUsage):
            peek(engine, Request(text=OPENING), top)


def test_a_passage_is_scored_token_by_token(
    exact_stories: LlamaEngine, some_module: Callable[[int, int], Module]
) -> None:
    stack, text = Stack().add(some_module(12, 1)), OPENING + " né 🙂"
    found = score(exact_stories, text, stack)
    assert "".join(found.tokens) == text
    assert len(found.tokens) == len(found.stacked) == len(found.plain) == len(exact_stories.tokenize(text))
    assert found.plain[0] is None
    assert found.stacked[0] is not None
    assert found.plain[1:] == pytest.approx(exact_stories.log_probabilities(text, Stack()).tolist())
    assert found.stacked == pytest.approx(exact_stories.log_probabilities(text, stack).tolist())
    stacked, plain = found.nats
    assert plain == pytest.approx(-exact_stories.log_probabilities(text, Stack()).mean())
    assert stacked == pytest.approx(-exact_stories.log_probabilities(text, stack)[1:].mean())


def test_a_passage_longer_than_the_context_is_scored_whole(
    exact_stories: LlamaEngine, some_module: Callable[[int, int], Module]
) -> None:
    stack = Stack().add(some_module(12, 1))
    text = " ".join(f"Number {n} went to the park and saw a cat." for n in range(90))
    found = score(exact_stories, text, stack)
    assert len(found.tokens) > 2 * exact_stories.info.context
    assert "".join(found.tokens) == text
    assert None not in found.stacked
    assert found.plain.index(None) == 0
    assert found.plain.count(None) == 1
    # The windows' seams are no worse than the rest: every token has at least half a context before it.
    room = exact_stories.info.context - stack.tokens
    seam = [value for value in found.stacked[room : room + 20] if value is not None]
    assert np.mean(seam) > np.mean([value for value in found.stacked if value is not None]) - 1.5


def test_a_cancelled_score_leaves_the_rest_open(exact_stories: LlamaEngine) -> None:
    found = score(exact_stories, OPENING * 40, Stack(), cancelled=lambda: True)
    assert set(found.plain) == {None}
    assert found.nats == (0.0, 0.0)
    assert score(exact_stories, "", Stack()).tokens == ()


def test_the_best_of_several_takes_is_the_likeliest(
    engine: LlamaEngine, some_module: Callable[[int, int], Module]
) -> None:
    stack, done = Stack().add(some_module(12, 1)), list[object]()
    request = Request(text=OPENING, stack=stack, max_tokens=12, sampler=Sampler(seed=10))
    takes = best_of(engine, request, 10, wrote=done.append)
    assert sorted(take.seed for take in takes) == list(range(10, 20))
    assert done == [8, 10]
    assert [take.nats_per_token for take in takes] == sorted(take.nats_per_token for take in takes)
    for take in takes[:2]:
        alone = Request(text=OPENING, stack=stack, max_tokens=12, sampler=Sampler(seed=take.seed))
        assert "".join(r.text for r in engine.generate(alone) if isinstance(r, TextChunk)) == take.text
        expected = engine.score(engine.tokenize(OPENING) + engine.tokenize(take.text), stack)
        count = len(engine.tokenize(take.text))
        assert take.nats_per_token == pytest.approx(-expected[-count:].mean(), abs=1e-4)


def test_ranking_needs_a_seed_and_a_sensible_number(engine: LlamaEngine) -> None:
    with pytest.raises(BadUsage, match="seed"):
        best_of(engine, Request(text=OPENING), 2)
    with pytest.raises(BadUsage, match="65 takes"):
        best_of(engine, Request(text=OPENING, sampler=Sampler(seed=1)), 65)
    stopped = best_of(engine, Request(text=OPENING, max_tokens=9, sampler=Sampler(seed=1)), 20, cancelled=lambda: True)
    assert all(take.reason == "cancelled" for take in stopped)
    assert len(stopped) <= 8


def test_looking_leaves_nothing_behind(stories: Path, some_module: Callable[[int, int], Module], home: Path) -> None:
    """A text goes on as if nobody had looked."""
    stack = Stack().add(some_module(12, 1))
    request = Request(text=OPENING, stack=stack, max_tokens=12, sampler=Sampler(seed=3))
    with LlamaEngine(ModelFile.at(stories / "stories260K-F16.gguf")) as engine:
        before = [record.text for record in engine.generate(request) if isinstance(record, TextChunk)]
        peek(engine, request)
        score(engine, OPENING, stack)
        best_of(engine, request, 3)
        after = [record.text for record in engine.generate(request) if isinstance(record, TextChunk)]
    assert after == before
