"""Phrases that models overuse: found however they are written, once a place, and rare in people's prose."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.evaluation.style.cliches import PHRASES, cliches
from tests.evaluation.style.voices import FILES, voice


def test_phrases_are_found_with_any_word_in_their_gap() -> None:
    found = cliches(["A shiver ran. She felt a lump in her throat; he, A LUMP IN HIS throat. Little did they know!"])

    assert dict(found.most) == {"a lump in her throat": 1, "a lump in his throat": 1, "little did they know": 1}
    assert found.per_1000 == pytest.approx(1000 * 3 / found.words)


def test_a_place_counts_once() -> None:
    found = cliches(["It sent shivers down her spine."])

    assert len(found.most) == 1
    assert cliches(["He took a deep breath."]).most[0][1] == 1


def test_curly_apostrophes_and_hyphens_are_found() -> None:
    assert cliches(["I couldn’t help but laugh."]).most == (("couldn't help but", 1),)
    assert cliches(["the ever-changing sky"]).most == (("ever changing", 1),)


def test_nothing_has_none() -> None:
    assert cliches([]) == cliches([""])
    assert cliches([]).per_1000 == 0


def test_the_list_names_no_phrase_twice() -> None:
    assert len(set(PHRASES)) == len(PHRASES) > 150


def test_machine_prose_has_more_of_them_than_our_voices() -> None:
    machine = (
        "Once upon a time, in the heart of a bustling city, Elara took a deep breath. Little did she know that her "
        "life would never be the same. Her heart pounding in her chest, she couldn't help but feel a surge of hope, a "
        "testament to the power of friendship."
    )

    assert cliches([machine]).per_1000 > 20 * max(cliches([voice(name)]).per_1000 for name in FILES)


@pytest.mark.slow
def test_they_are_rare_in_the_prose_of_people(corpora: Path) -> None:
    for path in sorted(corpora.glob("*.txt")):
        assert cliches([path.read_text(encoding="utf-8")[:300_000]]).per_1000 < 0.3, path.stem
