"""Words, sentences and windows: in any script, and nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.evaluation.style.function_words import ENGLISH, choose_function_words
from kobold_modules.evaluation.style.tokens import all_windows, sentences, tokens, windows, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don’t ask; I'm late.", ["don't", "ask", "i'm", "late"]),
        ("the cat's pyjamas — 12 of them", ["the", "cat's", "pyjamas", "12", "of", "them"]),
        ("'Quoted,' he said", ["quoted", "he", "said"]),
        ("Où est-il né?", ["où", "est", "il", "né"]),
        ("हिन्दी में लिखो", ["हिन्दी", "में", "लिखो"]),
        ("我喜欢书", ["我", "喜", "欢", "书"]),
        ("cafe\u0301 CAFÉ", ["café", "café"]),
        ("", []),
        ("...!", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_tokens_keep_case_and_punctuation() -> None:
    assert tokens('"Wait--" said Ada... ') == ['"', "Wait", "--", '"', "said", "Ada", "..."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He left. She stayed.", ["He left.", "She stayed."]),
        ('"Why?" he asked. "Go!"', ['"Why?" he asked.', '"Go!"']),
        ("Mr. Holt met Dr. A. Finn. They spoke.", ["Mr. Holt met Dr. A. Finn.", "They spoke."]),
        ("So did I. He knew.", ["So did I.", "He knew."]),
        ("A heading\n\nThe text", ["A heading", "The text"]),
        ("one line\nand the next. End", ["one line\nand the next.", "End"]),
        ("你好。再见！", ["你好。", "再见！"]),
        ("And then... nothing. Well...", ["And then... nothing.", "Well..."]),
        ("", []),
        ("word", ["word"]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(max_size=400))
def test_sentences_lose_nothing_but_space(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


@given(st.text(max_size=400), st.integers(1, 20))
def test_windows_are_in_order_and_hold_no_word_twice(text: str, size: int) -> None:
    found = windows(text, size)
    place = 0
    for window in found:
        place = text.index(window, place) + len(window)
    assert sum(len(words(window)) for window in found) <= len(words(text)) + len(found)  # a cut between marks


def test_windows_are_about_as_long_as_asked_for() -> None:
    text = "The rain fell on the roof of the shed. " * 100
    found = windows(text, 50)

    assert all(50 <= len(words(window)) < 59 for window in found[:-1])
    assert len(found) == 17


def test_a_sentence_without_end_is_cut_between_words() -> None:
    found = windows("and so " * 500, 100)

    assert [len(words(window)) for window in found] == [100] * 10
    assert all(set(words(window)) == {"and", "so"} for window in found)


def test_a_short_rest_is_left_out_unless_it_is_all_there_is() -> None:
    assert [len(words(window)) for window in windows("A cat sat. " * 37, 100)] == [102]
    assert windows("A cat sat.", 100) == ["A cat sat."]
    assert all_windows(["", "...", "One."]) == ["One."]


def test_english_has_its_own_function_words() -> None:
    assert 300 <= len(ENGLISH) <= 450
    assert set(choose_function_words(words("It was the best of times, it was the worst of times."))) == ENGLISH


def test_another_language_has_its_most_frequent_words() -> None:
    text = "Der Hund und die Katze und der Vogel saßen auf dem Dach, und der Hund bellte. "
    chosen = choose_function_words(words(text * 5))

    assert {"der", "und", "hund"} <= set(chosen)
    assert chosen == tuple(sorted(chosen))
