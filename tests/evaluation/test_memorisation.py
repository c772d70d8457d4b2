"""What is recited: found to the word, told from what every author repeats, and fast enough to look at a whole novel."""

from __future__ import annotations

import random
from difflib import SequenceMatcher
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.evaluation.memorisation import LEAST_RUN, RUN, Overlap, extraction, overlap
from kobold_modules.evaluation.style.tokens import words


SAMPLES = Path(__file__).resolve().parents[2] / "sample_texts"
NOIR = (SAMPLES / "noir" / "the-long-drop.txt").read_text(encoding="utf-8")
TRAIN, HELD_OUT = NOIR[:25_000], NOIR[25_000:]
FARCE = (SAMPLES / "farce" / "a-weekend-at-plumley.txt").read_text(encoding="utf-8")


def test_a_copied_page_is_recited() -> None:
    found = overlap([TRAIN[5000:8000]], [TRAIN], [HELD_OUT])

    assert found.recites
    assert found.share > 0.99
    assert found.longest_run >= found.words - 2
    assert "recites its training text" in found.sentence
    assert "not recite" not in found.sentence


def test_the_authors_own_other_pages_are_not() -> None:
    found = overlap([HELD_OUT[:6000]], [TRAIN], [HELD_OUT[6000:]])

    assert not found.recites
    assert found.share < 0.02
    assert "does not recite" in found.sentence


def test_one_long_run_in_new_prose_is_found_with_its_words() -> None:
    copied = " ".join(words(TRAIN)[1000 : 1000 + LEAST_RUN + 5])
    found = overlap([f"{FARCE[:15_000]} {copied}. {FARCE[15_000:30_000]}"], [TRAIN], [HELD_OUT])

    assert found.recites
    assert copied in found.longest_text
    assert found.longest_run >= LEAST_RUN + 5
    assert found.share < 0.02


def test_capitals_and_punctuation_do_not_hide_it() -> None:
    shouted = " -- ".join(TRAIN[5000:8000].upper().split())

    assert overlap([shouted], [TRAIN], [HELD_OUT]).recites


def test_what_an_author_always_repeats_is_not_recited() -> None:
    """A refrain of a dozen words in every chapter is the author's, and not the module's memory."""
    refrain = "and the lamps went out along the quay one after another as they did every night"
    train = TRAIN + refrain.join(["\n"] * 20)
    page = f"{HELD_OUT[:3000]} {refrain}. {HELD_OUT[3000:6000]}"

    assert not overlap([page], [train], [f"{refrain}. {HELD_OUT[6000:]}. {refrain}."]).recites


def test_a_run_does_not_go_over_the_end_of_a_text() -> None:
    first, second = words(TRAIN)[100:112], words(TRAIN)[112:124]

    found = overlap([" ".join(first), " ".join(second)], [TRAIN])

    assert found.longest_run == 12
    assert overlap([" ".join(first + second)], [" ".join(first), " ".join(second)]).longest_run == 12


def test_nothing_and_no_training_text() -> None:
    assert overlap([], []) == Overlap(0.0, 0.0, 0, "", 0, 0, False)
    assert "Nothing was written" in overlap([""], [TRAIN]).sentence
    assert not overlap(["A page."], []).recites


def test_scripts_without_spaces() -> None:
    page = (
        "".join(chr(0x4E00 + random.Random(1).randrange(900)) for _ in range(1))
        + "我们在河边走了很久谁也没有说话天黑以后灯亮了起来"
    )

    assert overlap([page], [page * 2]).recites


@given(st.lists(st.sampled_from("abc"), max_size=60), st.lists(st.sampled_from("abc"), max_size=60))
def test_the_longest_run_is_the_longest(generated: list[str], training: list[str]) -> None:
    found = overlap([" ".join(generated)], [" ".join(training)])
    match = SequenceMatcher(None, generated, training, autojunk=False).find_longest_match()

    assert found.longest_run == match.size
    text = found.longest_text.split()
    assert any(training[place : place + len(text)] == text for place in range(len(training) + 1))
    covered = {
        place + step
        for place in range(len(generated) - RUN + 1)
        for start in range(len(training) - RUN + 1)
        if generated[place : place + RUN] == training[start : start + RUN]
        for step in range(RUN)
    }
    assert found.share == pytest.approx(len(covered) / max(1, len(generated)))


def test_extraction_counts_words_to_the_first_difference() -> None:
    found = extraction(
        [
            ("and then she left the room without a word", "And then she left the room without a sound"),
            ("the door was shut", "a door"),
            ("It rained.", "it rained. And then"),
        ]
    )

    assert found.words == pytest.approx((8 + 0 + 2) / 3)
    assert found.longest == 8
    assert found.share == pytest.approx(1 / 3)
    assert found.passages == 3
    assert extraction([]).passages == 0


@pytest.mark.slow
def test_no_author_recites_an_earlier_work(corpora: Path) -> None:
    for path in sorted(corpora.glob("*.txt"))[::3]:
        text = path.read_text(encoding="utf-8")
        half = len(text) // 2
        for place in range(half, len(text) - 11_000, max(1, half // 5)):
            found = overlap([text[place : place + 11_000]], [text[: min(half, 500_000)]])
            assert not found.recites, (path.stem, place, found)
