"""Several takes in one batch read as each alone would, and what is cached is not read again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.backends.sequential import sequentially
from kobold_modules.errors import BadUsage, WrongModel
from kobold_modules.generation.protocol import Request
from kobold_modules.models.reference import ModelFile
from kobold_modules.records import Finished, TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack
from tests.backends.conftest import decoder_of
from tests.backends.tiny_gguf import write as write_tiny


NEVER_ENDING = (("#1", -99.0), ("#2", -99.0))  # BOS and EOS of stories260K
OPENING = "Once upon a time, there was a little girl named Lily. She loved to play outside."


def split(records: Iterable[TextChunk | Finished]) -> tuple[dict[int, str], dict[int, Finished]]:
    texts: dict[int, str] = defaultdict(str)
    finished: dict[int, Finished] = {}
    for record in records:
        assert record.sequence not in finished  # nothing follows the end of a take
        if isinstance(record, TextChunk):
            texts[record.sequence] += record.text
        else:
            finished[record.sequence] = record
    return texts, finished


def alone(engine: LlamaEngine, request: Request) -> str:
    return split(engine.generate(request))[0][0]


def test_each_take_reads_as_it_would_alone(
    exact_stories: LlamaEngine, some_module: Callable[[int, int], Module]
) -> None:
    one, two = Stack().add(some_module(12, 1)), Stack().add(some_module(9, 2))
    requests = [
        Request(text=OPENING, stack=stack, max_tokens=length, sampler=Sampler(seed=seed, bias=NEVER_ENDING))
        for stack, length, seed in ((one, 40, 1), (two, 25, 1), (Stack(), 60, 1), (one, 40, 2), (one, 33, 3))
    ]
    texts, finished = split(exact_stories.together(requests))
    assert [texts[number] for number in range(5)] == [alone(exact_stories, request) for request in requests]
    assert [finished[number].tokens for number in range(5)] == [40, 25, 60, 40, 33]
    assert [finished[number].seed for number in range(5)] == [1, 1, 1, 2, 3]


def test_on_the_starter_too(starter: Path) -> None:
    with LlamaEngine(ModelFile.at(starter), exact=True) as engine:
        requests = [
            Request(text="The rain had stopped,", stack=Stack(), max_tokens=20, sampler=Sampler(seed=seed))
            for seed in range(4)
        ]
        texts, _ = split(engine.together(requests))
        assert [texts[number] for number in range(4)] == [alone(engine, request) for request in requests]


def test_they_stream_together_and_one_may_end_early(
    engine: LlamaEngine, some_module: Callable[[int, int], Module]
) -> None:
    stack = Stack().add(some_module(12, 1))
    requests = [
        Request(text=OPENING, stack=stack, max_tokens=30, sampler=Sampler(seed=1)),
        Request(text=OPENING, stack=Stack(), max_tokens=3, sampler=Sampler(seed=1)),
    ]
    order = [record.sequence for record in engine.together(requests)]
    assert set(order[:4]) == {0, 1}
    assert order[-1] == 0
    assert order.count(1) <= 4


def test_takes_of_one_stack_read_the_text_once(engine: LlamaEngine, some_module: Callable[[int, int], Module]) -> None:
    stack = Stack().add(some_module(12, 1))
    requests = [Request(text=OPENING, stack=stack, max_tokens=5, sampler=Sampler(seed=seed)) for seed in range(8)]
    _, finished = split(engine.together(requests))
    count = len(engine.tokenize(OPENING))
    assert [finished[number].prefix_decoded for number in range(8)] == [12] + [0] * 7
    assert [finished[number].text_decoded for number in range(8)] == [count] + [1] * 7


def test_going_back_to_a_resident_stack_reads_one_token(
    engine: LlamaEngine, some_module: Callable[[int, int], Module]
) -> None:
    stacks = [Stack(), *(Stack().add(some_module(5 + n, n)) for n in range(4))]
    text = OPENING
    for stack in stacks:
        split(engine.generate(Request(text=text, stack=stack, max_tokens=5)))
    for stack in reversed(stacks):
        _, finished = split(engine.generate(Request(text=text, stack=stack, max_tokens=5)))
        assert (finished[0].prefix_decoded, finished[0].text_decoded) == (0, 1)


def test_another_story_does_not_push_the_first_out(
    engine: LlamaEngine, some_module: Callable[[int, int], Module]
) -> None:
    stack = Stack().add(some_module(12, 1))
    for text in (OPENING, "A dog ran home. It was late.", OPENING, "A dog ran home. It was late."):
        _, finished = split(engine.generate(Request(text=text, stack=stack, max_tokens=5)))
    assert finished[0].text_decoded == 1


def test_an_edited_page_is_read_from_the_first_change(
    engine: LlamaEngine, some_module: Callable[[int, int], Module]
) -> None:
    stack = Stack().add(some_module(12, 1))
    page = " ".join(f"Sam saw cat {n}." for n in range(20))
    _, finished = split(engine.generate(Request(text=page, stack=stack, max_tokens=3)))
    whole = finished[0].text_decoded
    place = page.index("cat 15")
    edited = page[:place] + "dog" + page[place + 3 :]
    _, finished = split(engine.generate(Request(text=edited, stack=stack, max_tokens=3)))
    changed = len(engine.tokenize(edited)) - len(engine.tokenize(page[:place]))
    assert finished[0].prefix_decoded == 0
    assert finished[0].text_decoded <= changed + 2 < whole


def test_more_than_the_cells_hold_wait_their_turn(stories: Path, some_module: Callable[[int, int], Module]) -> None:
    page = " ".join([OPENING] * 8)
    requests = [
        Request(
            text=page, stack=Stack().add(some_module(8, n)), max_tokens=60, sampler=Sampler(seed=1, bias=NEVER_ENDING)
        )
        for n in range(4)
    ]
    with LlamaEngine(ModelFile.at(stories / "stories260K-F32.gguf"), kept=0, exact=True) as engine:
        texts, finished = split(engine.together(requests))
        assert [finished[number].tokens for number in range(4)] == [60] * 4
        assert [texts[number] for number in range(4)] == [alone(engine, request) for request in requests]


def test_long_takes_slide_side_by_side(engine: LlamaEngine, some_module: Callable[[int, int], Module]) -> None:
    settings = Sampler(seed=3, bias=NEVER_ENDING)
    requests = [
        Request(text=OPENING, stack=Stack().add(some_module(8, n)), max_tokens=700, sampler=settings) for n in range(2)
    ]
    _, finished = split(engine.together(requests))
    assert [finished[number].tokens for number in range(2)] == [700, 700]
    assert all(finished[number].left_out > 0 for number in range(2))


def test_a_cancel_ends_all_and_spoils_nothing(engine: LlamaEngine, some_module: Callable[[int, int], Module]) -> None:
    requests = [
        Request(text=OPENING, stack=Stack().add(some_module(8, n)), max_tokens=50, sampler=Sampler(seed=1))
        for n in range(3)
    ]
    records: list[TextChunk | Finished] = []
    for record in engine.together(requests, lambda: len(records) > 7):
        records.append(record)
    texts, finished = split(records)
    assert [finished[number].reason for number in range(3)] == ["cancelled"] * 3
    for number, request in enumerate(requests):
        assert alone(engine, request).startswith(texts[number])


def test_leaving_early_frees_everything(engine: LlamaEngine, some_module: Callable[[int, int], Module]) -> None:
    endless = Sampler(bias=NEVER_ENDING)
    stacks = [Stack().add(some_module(8, n)) for n in range(8)]
    requests = [Request(text=OPENING, stack=stack, max_tokens=50, sampler=endless) for stack in stacks]
    for _ in range(5):
        for record in engine.together(requests):
            assert isinstance(record, TextChunk)
            break
    assert not any(cached.busy for cached in decoder_of(engine).sequences)
    assert len(split(engine.together(requests))[1]) == 8


def test_two_writers_may_alternate(exact_stories: LlamaEngine) -> None:
    """A screen may leave one continuation open while it asks for another."""
    one, two = (Request(text=OPENING, stack=Stack(), max_tokens=20, sampler=Sampler(seed=seed)) for seed in (1, 2))
    texts = ["", ""]
    writers = [exact_stories.generate(one), exact_stories.generate(two)]
    for pair in zip(*writers, strict=False):
        for number, record in enumerate(pair):
            texts[number] += record.text if isinstance(record, TextChunk) else ""
    assert texts == [alone(exact_stories, one), alone(exact_stories, two)]


def test_bad_requests_are_refused_before_anything_is_written(engine: LlamaEngine) -> None:
    wide = Stack().add(Module(np.ones((1, 128), dtype=np.float32), Card("wide")))
    with pytest.raises(BadUsage, match="9 texts"):
        engine.together([Request(text=OPENING)] * 9)
    with pytest.raises(WrongModel):
        engine.together([Request(text=OPENING), Request(text=OPENING, stack=wide)])
    assert list(engine.together([])) == []


def test_memory_and_note_reach_the_model_and_stay(engine: LlamaEngine) -> None:
    settings = Sampler(temperature=0)
    plain = alone(engine, Request(text=OPENING, stack=Stack(), max_tokens=30, sampler=settings))
    minded = alone(
        engine, Request(text=OPENING, stack=Stack(), max_tokens=30, sampler=settings, memory="Tim is a big red dragon.")
    )
    noted = alone(
        engine,
        Request(
            text=OPENING, stack=Stack(), max_tokens=30, sampler=settings, note="Tim is a big red dragon.", note_depth=0
        ),
    )
    assert len({plain, minded, noted}) == 3
    long = " ".join([OPENING] * 60)
    _, finished = split(
        engine.generate(Request(text=long, stack=Stack(), max_tokens=5, sampler=settings, memory="Tim is a dragon."))
    )
    memory = len(engine.tokenize("Tim is a dragon.\n"))
    assert finished[0].left_out > 0
    cached = decoder_of(engine).sequences[-1]
    assert cached.tokens[:memory] == engine.tokenize("Tim is a dragon.\n")


def test_a_recurrent_model_writes_side_by_side_too(tmp_path: Path) -> None:
    table = write_tiny(tmp_path / "tiny.gguf", "mamba")
    stack = Stack().add(Module(table[:10], Card("ten")))
    with LlamaEngine(ModelFile.at(tmp_path / "tiny.gguf"), exact=True) as engine:
        requests = [
            Request(text="The fox", stack=behind, max_tokens=12, sampler=Sampler(seed=seed))
            for behind, seed in ((stack, 1), (stack, 2), (Stack(), 1))
        ]
        texts, _ = split(engine.together(requests))
        assert [texts[number] for number in range(3)] == [alone(engine, request) for request in requests]


def test_a_recurrent_model_does_not_go_back_into_a_word(tmp_path: Path) -> None:
    """It cannot forget a token: going on behind its own words would cost reading the whole text again."""
    for kind, within_words in (("mamba", False), ("llama", True)):
        write_tiny(tmp_path / f"{kind}.gguf", kind)
        with LlamaEngine(ModelFile.at(tmp_path / f"{kind}.gguf"), exact=True) as engine:
            assert engine._prefixes.within_words is within_words


def test_an_engine_without_batches_takes_turns(engine: LlamaEngine) -> None:
    requests = [Request(text=OPENING, stack=Stack(), max_tokens=5, sampler=Sampler(seed=seed)) for seed in (1, 2)]
    texts, finished = split(sequentially(engine, requests))
    assert [texts[number] for number in range(2)] == [alone(engine, request) for request in requests]
    assert sorted(finished) == [0, 1]
