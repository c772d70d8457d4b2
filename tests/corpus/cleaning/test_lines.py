import pytest

from kobold_modules.corpus.cleaning.lines import Vocabulary, ends_sentence, joined, starts_low


@pytest.mark.parametrize(
    "line", ["He left.", 'He left."', "Why?", "as follows:", '"But I—"', "Stop!)", "He left...", ""]
)
def test_sentence_can_end_here(line: str) -> None:
    assert ends_sentence(line)


@pytest.mark.parametrize("line", ["He left,", "He", '"Well,"', "he said—", "some-", "the Blue Cross"])
def test_sentence_runs_on(line: str) -> None:
    assert not ends_sentence(line)


def test_lower_case_start_is_seen_behind_quotes() -> None:
    assert starts_low('"and so')
    assert not starts_low('"And so')
    assert not starts_low("...")


def test_word_cut_by_the_typesetter_is_made_whole() -> None:
    text = "There was some-\nthing there, and something in the win-\ndow; the window was open and noth-\ning else."
    vocabulary = Vocabulary(text + " The nothing.")
    assert joined("There was some-", "thing there", vocabulary) == "There was something there"
    assert joined("a lan-", "tern", vocabulary) == "a lantern"


def test_compound_at_line_end_keeps_its_hyphen() -> None:
    vocabulary = Vocabulary("the drawing-room was dark; the drawing-\nroom was cold, and the half-\nopen door")
    assert joined("the drawing-", "room was cold", vocabulary) == "the drawing-room was cold"
    assert joined("the half-", "open door", vocabulary) == "the half-open door"


def test_hyphenated_name_keeps_its_hyphen() -> None:
    assert joined("the Attorney-", "General rose", Vocabulary("")) == "the Attorney-General rose"


def test_dash_at_line_end_takes_no_space() -> None:
    assert joined("he said--", "and left", Vocabulary("")) == "he said--and left"
    assert joined("he said —", "and left", Vocabulary("")) == "he said — and left"
