"""Held-out bits: every token is scored once, with text before it, and the unit is right."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.evaluation.bits import HeldOut, measure, windows


@given(st.integers(2, 5000), st.integers(2, 600))
def test_windows_score_every_token_but_the_first_exactly_once(length: int, window: int) -> None:
    scored = [t for start, first, stop in windows(length, window) for t in range(first, stop)]

    assert scored == list(range(1, length))
    assert all(0 <= start < first and stop - start <= max(window, 2) for start, first, stop in windows(length, window))


@given(st.integers(600, 5000))
def test_later_windows_have_half_a_window_of_text_before_what_they_score(length: int) -> None:
    assert all(first - start >= 256 for start, first, _ in windows(length, 512)[1:])


def test_bits_per_byte_is_the_total_over_the_bytes() -> None:
    held_out = HeldOut.of(("naïve words",), lambda text: list(range(len(text))))

    assert held_out.bytes == len("naïve words".encode())
    assert held_out.tokens == len("naïve words") - 1


def test_a_limit_keeps_the_front_of_each_text() -> None:
    held_out = HeldOut.of(("a" * 900, "b" * 100), lambda text: [ord(c) for c in text], most_tokens=100)

    assert [len(ids) for ids in held_out.documents] == [90, 10]


def test_the_starter_predicts_prose_better_than_noise(starter: Path) -> None:
    from kobold_modules.backends.torch.load import load_torch_model
    from kobold_modules.forward.prompt_loss import PromptLoss
    from kobold_modules.models.find import resolve

    frozen = load_torch_model(resolve("starter"), "cpu")
    loss = PromptLoss(frozen)
    prose = HeldOut.of(
        ("She opened the door and looked out into the street, but there was nobody there.",), frozen.encode
    )
    noise = HeldOut.of(("xq zzv kkjw pqrt vvbn wqz jjkx zpt qqw xxk vzt",), frozen.encode)

    good, bad = measure(loss, None, prose, 20), measure(loss, None, noise, 20)

    assert good.bits_per_byte < 2.5 < bad.bits_per_byte
    assert good.bits_per_byte == pytest.approx(good.nats_per_token * good.tokens / math.log(2) / good.bytes)


def test_a_measurement_keeps_the_loss_of_each_stretch_so_that_two_can_be_compared(starter: Path) -> None:
    from kobold_modules.backends.torch.load import load_torch_model
    from kobold_modules.forward.prompt_loss import PromptLoss
    from kobold_modules.models.find import resolve

    frozen = load_torch_model(resolve("starter"), "cpu")
    loss = PromptLoss(frozen)
    story = (Path(__file__).parents[2] / "sample_texts" / "noir" / "the-long-drop.txt").read_text()[4000:8000]
    text = HeldOut.of((story, story[:700]), frozen.encode)
    words = frozen.table[frozen.encode(story[:200])[:20]].float()

    plain, behind = measure(loss, None, text, 20), measure(loss, words, text, 20)
    gain = behind.compared_to(plain)

    assert sum(plain.stretches) == pytest.approx(plain.nats_per_token * plain.tokens)
    assert len(plain.stretches) == len(behind.stretches) == pytest.approx(plain.tokens / 64, rel=0.3)
    assert gain.share == pytest.approx(behind.gain_over(plain), abs=1e-6)
    assert gain.low is not None
    assert gain.high is not None
    assert gain.low < gain.share < gain.high
