import pytest

from kobold_modules.corpus.cleaning.apparatus.titles import is_heading, is_numbered, is_numeral, titles, underlined
from kobold_modules.corpus.cleaning.layout.breaks import tidy_breaks


def cleaned(text: str) -> str:
    return tidy_breaks(titles(text)[0])[0]


ONE = "It was the first day of the fair, and nobody had thought to bring the horses, or the rope, or the priest."
TWO = "The second day was colder, and by then the horses had come of their own accord, and stood about in the rain."


@pytest.mark.parametrize(
    "line",
    [
        "Chapter IV",
        "CHAPTER 12",
        "Chapter Twenty-One",
        "Chapter the First",
        "Chapter One: The Late Lord's Wishes",
        "CHAPTER I. THE PERIOD",
        "Chapter 3 - Down the Well",
        "Chapter 3: The boy who lived",
        "PART TWO",
        "Book the First",
        "Part III. The Sea",
        "Letter IV",
        "Prologue",
        "EPILOGUE.",
        "Prologue: The Long Night",
        "Author's Note",
        "THE END",
        "Fin",
        "End of Book One",
        "The Third Part",
        "# Chapter One",
        "## The Mail",
        "Kapitel 3",
        "Глава 2",
    ],
)
def test_headings_are_known(line: str) -> None:
    assert is_heading(line)


@pytest.mark.parametrize(
    "line",
    [
        "Chapter one was the hardest to write.",
        "Part of me died that day.",
        "Book one a room, please.",
        "Day one went well, and so did the night.",
        "Letter in hand, he left.",
        "Introduction to a life of crime",
        "the end",
        "The end of the affair came in June.",
        "chapter two",
        "#1 fan",
        "Parting is such sweet sorrow",
        "In the end",
    ],
)
def test_sentences_are_no_headings(line: str) -> None:
    assert not is_heading(line)


@pytest.mark.parametrize("line", ["I", "IV", "XIV.", "1", "12.", "- 3 -", "[7]", "Seven", "TWENTY-ONE"])
def test_numerals_are_known(line: str) -> None:
    assert is_numeral(line)


@pytest.mark.parametrize(
    "line",
    [
        "I—",
        "Three.",
        "I am.",
        "1914",
        "seven",
        "1. buy milk",
        "Mix",
        "L. Frank Baum",
        "C. Vindex",
        "One!",
        "I.V.",
        "Did",
        "5 — 1 X",
    ],
)
def test_other_short_lines_are_no_numerals(line: str) -> None:
    assert not is_numeral(line)


@pytest.mark.parametrize(
    "title", ["Chapter II", "II", "2", "PART TWO", "II\n\nThe Colder Day", "Chapter 2\n\nthe end of it all"]
)
def test_title_gives_way_to_a_scene_break(title: str) -> None:
    expected = f"{ONE}\n\n* * *\n\n{TWO}"
    if title.endswith("all"):  # lower case: no title, so it stays
        expected = expected.replace(TWO, f"the end of it all\n\n{TWO}")
    assert cleaned(f"{ONE}\n\n{title}\n\n{TWO}") == expected


def test_title_at_the_start_leaves_nothing() -> None:
    assert cleaned(f"THE FAIR\n\nby Anna Somebody\n\nChapter One\n\n{ONE}") == ONE


def test_story_title_after_a_wide_gap_goes() -> None:
    assert cleaned(f"{ONE}\n\n\n\nThe Blue Cross\n\n{TWO}\n\n{ONE}") == f"{ONE}\n\n* * *\n\n{TWO}\n\n{ONE}"


def test_short_line_without_a_gap_stays() -> None:
    text = f"{ONE}\n\nNo Trespassing\n\n{TWO}"
    assert cleaned(text) == text


@pytest.mark.parametrize(
    "line", ['"Yes."', "Tom Sawyer.", "Monday, 3 May", '"Come in"', "He left;", "And then nothing."]
)
def test_first_line_after_a_number_stays_if_it_is_prose(line: str) -> None:
    assert cleaned(f"{ONE}\n\nII\n\n{line}\n\n{TWO}") == f"{ONE}\n\n* * *\n\n{line}\n\n{TWO}"


def test_verse_after_a_number_stays() -> None:
    verse = "Tyger Tyger burning bright\nIn the forests of the night"
    assert cleaned(f"II\n\n{verse}\n\n{ONE}") == f"{verse}\n\n{ONE}"


def test_underlined_title_goes() -> None:
    text, change = underlined(f"{ONE}\n\nThe Colder Day\n==============\n\n{TWO}")
    assert tidy_breaks(text)[0] == f"{ONE}\n\n* * *\n\n{TWO}"
    assert change.count == 1


def test_scene_break_under_a_sentence_is_no_underline() -> None:
    text = f"{ONE}\n\nHe left at last.\n---------------\n\n{TWO}"
    assert underlined(text)[0] == text


@pytest.mark.parametrize("line", ["IV. The Mail", "3: THE PIT", "12 - The Long Night", "XII The Mail"])
def test_numbered_titles_are_known(line: str) -> None:
    assert is_numbered(line)
    assert cleaned(f"{ONE}\n\n{line}\n\n{TWO}") == f"{ONE}\n\n* * *\n\n{TWO}"


def test_numbered_list_stays() -> None:
    text = f"{ONE}\n\n1. Bread\n\n2. Rope\n\n3. Lamps\n\n{TWO}"
    assert cleaned(text) == text


def test_pronoun_alone_is_no_number() -> None:
    text = f"{ONE}\n\nI\n\nwas falling.\n\n{TWO}"
    assert cleaned(text) == text


def test_title_page_before_the_first_chapter_goes() -> None:
    page = "My Novel, draft 3\nBy Anna Somebody\nanna@example.org\n\nFor my mother"
    assert cleaned(f"{page}\n\nChapter One\n\n{ONE}") == ONE


def test_opening_sentence_before_the_first_chapter_stays() -> None:
    assert cleaned(f"All of this is true.\n\nChapter One\n\n{ONE}") == f"All of this is true.\n\n* * *\n\n{ONE}"
