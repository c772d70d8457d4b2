"""A long day at the desk: memory stays flat, and after thousands of tokens a cancel is still heard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.generation.protocol import Request
from kobold_modules.models.reference import ModelFile
from kobold_modules.records import Finished
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.module import Module
from kobold_modules.soft_prompt.stack import Stack
from tests.backends.conftest import decoder_of


OPENING = "Once upon a time, there was a little girl named Lily. She loved to play outside."
ENDLESS = Sampler(seed=3, bias=(("#1", -100.0), ("#2", -100.0)))


def resident_bytes() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


@pytest.mark.slow
def test_a_thousand_switches_and_ten_thousand_tokens_leave_memory_flat(
    stories: Path, some_module: Callable[[int, int], Module]
) -> None:
    stacks = [Stack(), *(Stack().add(some_module(4 + seed, seed)) for seed in range(40))]
    with LlamaEngine(ModelFile.at(stories / "stories260K-F16.gguf"), snapshots=2**20, disk=0) as engine:

        def switch(number: int) -> None:
            list(
                engine.generate(
                    Request(text=OPENING, stack=stacks[number % len(stacks)], max_tokens=10, sampler=ENDLESS)
                )
            )

        for number in range(100):  # caches and pools fill
            switch(number)
        list(engine.generate(Request(text=OPENING, stack=stacks[1], max_tokens=1000, sampler=ENDLESS)))
        before = resident_bytes()
        for number in range(1000):
            switch(number)
        after_switches = resident_bytes()
        *_, finished = engine.generate(Request(text=OPENING, stack=stacks[1], max_tokens=10_000, sampler=ENDLESS))
        after_tokens = resident_bytes()
        assert isinstance(finished, Finished)
        assert finished.tokens == 10_000
        assert len(decoder_of(engine).sequences) <= 16
    assert after_switches - before < 8 * 2**20
    assert after_tokens - after_switches < 8 * 2**20


def test_a_cancel_is_heard_after_many_fast_tokens(stories: Path) -> None:
    """Fast steps are not listened to while they compute; the next one is."""
    records: list[object] = []
    heard: list[int] = []

    def cancelled() -> bool:
        if len(records) > 500:
            heard.append(len(records))
        return bool(heard)

    with LlamaEngine(ModelFile.at(stories / "stories260K-F16.gguf"), disk=0) as engine:
        for record in engine.generate(
            Request(text=OPENING, stack=Stack(), max_tokens=5000, sampler=ENDLESS), cancelled
        ):
            records.append(record)
    assert isinstance(records[-1], Finished)
    assert records[-1].reason == "cancelled"
    assert len(records) <= heard[0] + 2  # a last piece, perhaps, and Finished
