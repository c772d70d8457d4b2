"""The whole report: an author's pages near the ceiling, another's near the floor, sentences for what is missing."""

from __future__ import annotations

import dataclasses
import json

import pytest

from kobold_modules.evaluation.style.report import StyleReport, measure_style
from tests.evaluation.style.voices import split, voice


OTHERS = {"gothic": [voice("gothic")], "farce": [voice("farce")[:20_000]]}


@pytest.fixture(scope="module")
def own() -> StyleReport:
    """Return the report on noir pages that nothing was learned from, with farce as what the plain model wrote."""
    train, held_out = split("noir")
    half = len(held_out[0]) // 2
    return measure_style(
        [held_out[0][:half]], train, [held_out[0][half:]], OTHERS, base=[voice("farce")[20_000:25_000]]
    )


def test_the_authors_own_pages_lie_at_the_ceiling(own: StyleReport) -> None:
    for name in ("delta", "ngrams", "grammar"):
        score = own.score(name)
        assert score is not None
        assert score.place is not None
        assert score.base_place is not None
        assert score.place.share > 0.6 > score.base_place.share
        assert set(score.floors) == {"gothic", "farce"}
    assert own.place is not None
    assert own.place > 0.6


def test_another_voice_lies_at_the_floor() -> None:
    train, held_out = split("noir")
    report = measure_style([voice("farce")[20_000:30_000]], train, held_out, OTHERS)

    assert report.place is not None
    assert report.place < 0.4
    assert (report.base_profile, report.base_cliches, report.base_repetition) == (None, None, None)


def test_it_has_everything_a_page_shows(own: StyleReport) -> None:
    assert [score.measure for score in own.scores] == ["delta", "ngrams", "grammar", "profile"]
    assert [line.measure for line in own.drift] == ["delta", "ngrams", "grammar", "profile"]
    assert own.words > 500
    assert own.windows >= 3
    assert own.profile.words_per_sentence > 0
    assert own.base_profile is not None
    assert own.base_cliches is not None


def test_it_is_json(own: StyleReport) -> None:
    found = json.loads(json.dumps(dataclasses.asdict(own)))

    assert found["scores"][0]["measure"] == "delta"


def test_it_is_the_same_every_time() -> None:
    train, held_out = split("noir")
    texts = [voice("farce")[20_000:25_000]]

    assert measure_style(texts, train, held_out, OTHERS) == measure_style(texts, train, held_out, OTHERS)


def test_what_is_missing_is_said() -> None:
    train, held_out = split("noir")

    nothing = measure_style([""], train, held_out, OTHERS)
    assert nothing.scores == ()
    assert any("Nothing was written" in note for note in nothing.notes)

    alone = measure_style(held_out, train, held_out, {})
    assert [score.measure for score in alone.scores] == ["profile"]
    assert alone.place is None
    assert any("no other writer" in note for note in alone.notes)

    no_ceiling = measure_style(held_out, train, [], OTHERS)
    assert all(score.place is None for score in no_ceiling.scores)
    assert any("no ceiling" in note for note in no_ceiling.notes)

    assert measure_style([], [], [], {}).notes


def test_other_languages_are_measured() -> None:
    """No list of words, and no words at all: the measures count what is there."""
    mine = "Der Regen fiel auf das Dach, und niemand kam. Sie wartete am Fenster. " * 60
    other = "Wir aber, die wir dies alles sahen, sprachen nicht davon; denn es war vorbei. " * 60
    report = measure_style([mine[:3000]], [mine], [mine[:3000]], {"b": [other], "c": [other[:2000]]})
    assert report.score("delta") is not None

    characters = measure_style(
        ["他们走了。" * 200], ["他们走了。我们来了。" * 300], ["我们来了。" * 200], {"b": ["你好吗？" * 300]}
    )
    assert characters.words == 800
