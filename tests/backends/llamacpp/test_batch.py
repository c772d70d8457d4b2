"""A running batch: texts join and leave between two steps, and each reads as it would alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from kobold_modules.backends.llamacpp.batch import EngineBatch
from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.errors import BadUsage, WrongModel
from kobold_modules.generation.protocol import Request
from kobold_modules.records import Finished, TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack
from tests.backends.conftest import decoder_of


OPENING = "Once upon a time, there was a little girl named Lily. She loved to play outside."
GREEDY = Sampler(temperature=0, repetition=1)


class Written:
    """What a batch has written so far, by number."""

    def __init__(self, batch: EngineBatch) -> None:
        self.batch = batch
        self.texts: dict[int, str] = defaultdict(str)
        self.ends: dict[int, Finished] = {}

    def step(self) -> None:
        for record in self.batch.step():
            if isinstance(record, TextChunk):
                self.texts[record.sequence] += record.text
            else:
                self.ends[record.sequence] = record

    def rest(self) -> None:
        while self.batch:
            self.step()


def alone(engine: LlamaEngine, request: Request) -> str:
    return "".join(record.text for record in engine.generate(request) if isinstance(record, TextChunk))


def test_one_that_joins_later_reads_as_alone(
    exact_stories: LlamaEngine, some_module: Callable[[int, int], Module]
) -> None:
    requests = [
        Request(text=OPENING, stack=Stack().add(some_module(6 + n, n)), max_tokens=20 + n, sampler=GREEDY)
        for n in range(4)
    ]
    written = Written(exact_stories.batch())
    for number, request in enumerate(requests):
        written.batch.add(number, request)
        for _ in range(3):
            written.step()
    written.rest()
    assert [written.texts[number] for number in range(4)] == [alone(exact_stories, one) for one in requests]
    assert [written.ends[number].reason for number in range(4)] == ["length"] * 4


def test_a_long_text_is_read_in_parts_while_others_go_on(engine: LlamaEngine) -> None:
    written = Written(engine.batch())
    written.batch.add(
        0, Request(text=OPENING, max_tokens=200, sampler=Sampler(seed=1, bias=(("#1", -99), ("#2", -99))))
    )
    for _ in range(3):
        written.step()
    before = len(written.texts[0])
    written.batch.add(1, Request(text=" ".join([OPENING] * 14), max_tokens=1, sampler=GREEDY))
    while 1 not in written.ends:
        written.step()
    assert len(engine.tokenize(written.texts[0][before:])) >= 3


def test_a_text_nobody_wants_any_more_ends_and_the_others_do_not(engine: LlamaEngine) -> None:
    wanted = [True, True]

    def unwanted(number: int) -> bool:
        return not wanted[number]

    written = Written(engine.batch())
    for number in range(2):
        written.batch.add(number, Request(text=OPENING, max_tokens=30, sampler=GREEDY), partial(unwanted, number))
    for _ in range(4):
        written.step()
    wanted[0] = False
    written.step()
    assert written.ends[0].reason == "cancelled"
    written.rest()
    assert written.ends[1].reason == "length"
    assert alone(engine, Request(text=OPENING, max_tokens=30, sampler=GREEDY)).startswith(written.texts[0])


def test_a_text_that_fails_ends_alone(engine: LlamaEngine) -> None:
    rows, start = np.full((3, 64), 1e38, np.float32), np.zeros((3, 64), np.float32)
    broken = Stack().add(Module(rows, Card("broken"), start), 10.0)
    written = Written(engine.batch())
    written.batch.add(0, Request(text=OPENING, max_tokens=8, sampler=GREEDY))
    with np.errstate(over="ignore"):
        written.batch.add(1, Request(text=OPENING, stack=broken, max_tokens=8, sampler=GREEDY))
        written.rest()
    assert (written.ends[0].reason, written.ends[1].reason) == ("length", "failed")
    failure = written.batch.failure(1)
    assert failure is not None
    assert "not numbers" in failure.message
    assert written.batch.failure(1) is None
    assert not any(cached.busy for cached in decoder_of(engine).sequences)


def test_what_cannot_join_is_refused_at_once(engine: LlamaEngine) -> None:
    batch = engine.batch()
    with pytest.raises(WrongModel):
        batch.add(0, Request(text="a", stack=Stack().add(Module(np.ones((1, 128), np.float32), Card("wide")))))
    with pytest.raises(BadUsage, match="that were asked for"):
        batch.add(
            0, Request(text="a", stack=Stack().add(Module(np.ones((60, 64), np.float32), Card("long")))), context=64
        )
    assert not batch


def test_likelihoods_are_the_models_own(exact_stories: LlamaEngine) -> None:
    written = Written(exact_stories.batch())
    written.batch.add(0, Request(text=OPENING, max_tokens=6, sampler=GREEDY), likely=3)
    found = []
    for _ in range(40):
        for record in written.batch.step():
            found += written.batch.likelihoods(record.sequence)
            if isinstance(record, Finished):
                written.ends[0] = record
    text = b"".join(piece for piece, _ in found)
    assert text.decode() == alone(exact_stories, Request(text=OPENING, max_tokens=6, sampler=GREEDY))
    whole = exact_stories.tokenize(OPENING) + [one.token for _, one in found]
    expected = exact_stories.score(whole, Stack())[-len(found) :]
    assert [one.logprob for _, one in found] == pytest.approx([float(value) for value in expected], abs=1e-4)
    for _, one in found:
        assert one.top[0][0] == one.token  # greedy
        assert [chance for _, chance in one.top] == sorted((chance for _, chance in one.top), reverse=True)


def test_special_words_are_tokens_only_where_that_is_asked_for(engine: LlamaEngine) -> None:
    batch = engine.batch()
    words = batch.add(0, Request(text="<s>", max_tokens=1, sampler=GREEDY))
    token = batch.add(1, Request(text="<s>", max_tokens=1, sampler=GREEDY), special=True)
    assert token == 1 < words
    batch.close()
