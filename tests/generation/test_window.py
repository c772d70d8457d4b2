"""Which end of a text is read, and that it holds still while the text grows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.generation.window import fit


def words(text: str) -> list[int]:
    """Return about a token a word."""
    return [len(word) for word in text.split(" ")] if text else []


def story(sentences: int) -> str:
    return " ".join(f"Sentence {n} is about rain." for n in range(sentences))


def test_a_text_that_fits_is_kept_whole() -> None:
    window = fit(story(10), 50, words)
    assert (window.start, len(window.tokens), window.dropped) == (0, 50, False)
    assert fit("", 10, words).tokens == []


def test_a_longer_text_begins_with_a_sentence() -> None:
    text = story(100)
    window = fit(text, 100, words)
    assert window.dropped
    assert text[window.start :].startswith("Sentence ")
    assert 50 <= len(window.tokens) <= 100


def test_the_beginning_holds_still_while_the_text_grows() -> None:
    starts = [fit(story(n), 200, words).start for n in range(60, 160)]
    assert starts == sorted(starts)
    assert len(set(starts)) <= 16  # of a hundred


def test_a_text_without_sentences_begins_with_a_word() -> None:
    text = "word " * 500
    window = fit(text, 100, words)
    assert window.dropped
    assert text[window.start :].startswith("word")
    assert len(window.tokens) <= 100


def letters(text: str) -> list[int]:
    """Return a token a character."""
    return [ord(letter) for letter in text]


def test_a_text_without_words_is_cut_where_it_must() -> None:
    window = fit("x" * 5000, 100, letters)
    assert len(window.tokens) == 100


@given(st.text(alphabet="ab .\n!", max_size=400), st.integers(1, 60))
def test_it_always_fits(text: str, room: int) -> None:
    window = fit(text, room, letters)
    assert len(window.tokens) <= room
    assert "".join(map(chr, window.tokens)) == text[len(text) - len(window.tokens) :]
    assert 0 <= window.start <= len(text)
    if len(text) <= room:
        assert window.start == 0
