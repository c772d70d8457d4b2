"""Long texts end where a writer would end them, however the words come in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.stories.stop_criteria import StopCriteria, tokens_for


PROSE = 'The rain had stopped. "Go," she said. He went out and did not come back\nNobody spoke. The end. More words.'


def fed(ending: StopCriteria, pieces: list[str]) -> str:
    text = ""
    for piece in pieces:
        text += ending.feed(piece)
        if ending.met:
            break
    return text


@pytest.mark.parametrize(
    ("words", "end"),
    [(1, "stopped."), (4, "stopped."), (5, "said."), (8, "back"), (15, "back"), (16, "spoke."), (500, "words.")],
)
def test_a_text_of_so_many_words_goes_on_to_the_end_of_its_sentence(words: int, end: str) -> None:
    ending = StopCriteria(words)
    text = fed(ending, [PROSE])

    assert text.endswith(end)
    assert ending.met == ("words" if words < 500 else "")


def test_a_sentence_without_end_is_cut_at_a_word() -> None:
    ending = StopCriteria(10)
    text = fed(ending, ["and on "] * 100)

    assert len(text.split()) == 30
    assert ending.met == "words"


def test_what_is_awaited_is_part_of_the_text() -> None:
    ending = StopCriteria(until=("THE END", "The end."))
    assert fed(ending, list(PROSE)) == PROSE[: PROSE.index(" More")]
    assert ending.met == "until"
    assert ending.feed("more") == ""


@given(st.lists(st.text(alphabet='ab. \n"', max_size=7), max_size=20), st.integers(1, 8), st.text("ab. ", max_size=4))
def test_the_end_does_not_depend_on_how_the_text_is_cut_into_pieces(pieces: list[str], words: int, until: str) -> None:
    whole, parts = StopCriteria(words, (until,)), StopCriteria(words, (until,))
    text = "".join(pieces)

    assert fed(whole, [text]) == fed(parts, pieces) == fed(StopCriteria(words, (until,)), list(text))
    assert whole.met == parts.met


@given(st.text(alphabet="ab. \n", max_size=40))
def test_words_are_counted_as_everywhere(text: str) -> None:
    ending = StopCriteria()
    assert fed(ending, list(text)) == text
    assert ending.words == len(text.split())


def test_tokens_are_enough_for_the_words() -> None:
    assert tokens_for(500) > 500 * 3
