import pytest

from kobold_modules.corpus.cleaning.markup.emphasis import emphasis
from kobold_modules.corpus.cleaning.markup.html import tags
from kobold_modules.corpus.cleaning.typography import accents, dashes, ellipses, quotes


def test_quotes_become_straight() -> None:
    text, change = quotes("“I don’t,” said ‘Tom’. „Ja“")
    assert text == '"I don\'t," said \'Tom\'. "Ja"'
    assert change.count == 7


def test_accents_become_apostrophes() -> None:
    assert accents("don´t, it`s; ´quoted´")[0] == "don't, it's; ´quoted´"


def test_ellipses_become_three_dots() -> None:
    assert ellipses("Well… I . . . never. . . . And")[0] == "Well... I ... never.... And"


@pytest.mark.parametrize("text", ["He left. . Then", "Mr. J. R. R. Smith", "He left. He", "wait....", "1. 2. 3."])
def test_other_dots_stay(text: str) -> None:
    assert ellipses(text)[0] == text


def test_double_hyphens_become_dashes() -> None:
    assert dashes("yes--no --- Mr. B---- well-known")[0] == "yes—no — Mr. B—— well-known"


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("It was _very_ good.", "It was very good."),
        ("It was *very* good.", "It was very good."),
        ("**Stop!** she said.", "Stop! she said."),
        ("**_Stop_**", "Stop"),
        ("_two words\nand a line_ more", "two words\nand a line more"),
        ('"_No_," he said', '"No," he said'),
        ("_Daily News_ and _Times_", "Daily News and Times"),
    ],
)
def test_emphasis_marks_go_and_words_stay(marked: str, plain: str) -> None:
    assert emphasis(marked)[0] == plain


@pytest.mark.parametrize(
    "text",
    [
        "f*** off and s**t",
        "2 * 3 * 4",
        "* * *",
        "***",
        "snake_case_name",
        "a footnote* and another*",
        "*one paragraph\n\nanother*",
        "_____",
        "5*",
        "* an item\n* another",
    ],
)
def test_marks_that_are_no_emphasis_stay(text: str) -> None:
    assert emphasis(text)[0] == text


def test_tags_and_codes_go() -> None:
    assert tags("<i>Yes</i>&mdash;no &amp; [b]maybe[/b]<br/>x")[0] == "Yes—no & maybe\nx"


@pytest.mark.parametrize("text", ["a < b and c > d", "<Can you hear me?>", "AT&T; he said", "[aside] he said", "<3"])
def test_angles_that_are_no_tags_stay(text: str) -> None:
    assert tags(text)[0] == text
