import textwrap
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kobold_modules.corpus.cleaning.clean import clean


def test_clean_prose_is_left_alone(prose: str) -> None:
    assert clean(prose) == (prose, ())


def test_everything_at_once(paragraphs: list[str], prose: str) -> None:
    curly = [paragraph.replace(' "', " “").replace('"', "”").replace("'", "’") for paragraph in paragraphs]
    broken = "\r\n\r\n".join(textwrap.fill(paragraph, 70).replace("\n", "\r\n") for paragraph in curly)
    text, changes = clean(f"\ufeffTHE SOUND\r\n\r\nI\r\n\r\n{broken}\r\n\r\n***\r\n\r\n{broken}\r\n\r\nTHE END\r\n")
    assert text == f"{prose}\n\n* * *\n\n{prose}"
    assert all(change.count > 0 and change.why for change in changes)


def test_curly_quotes_can_be_kept() -> None:
    assert clean("“I don’t,” she said.", straight_quotes=False)[0] == "“I don’t,” she said."


# Pieces that make rules meet: arbitrary text alone would hardly ever draw a heading, a page number or a fence.
PIECES = [
    "Chapter I",
    "IV",
    "12",
    "[12]",
    "* * *",
    "***",
    "---",
    "\n",
    "\n\n",
    "\n\n\n",
    "    ",
    "\t",
    "_",
    "*",
    "**",
    "--",
    "-",
]
PIECES += [
    "#",
    "# A",
    "Contents",
    "The End",
    "He left.",
    '"Yes," she said',
    "and so",
    "some-",
    "thing",
    "… ",
    ". . .",
    "“",
    "’",
    "&amp;",
]
PIECES += [
    "<i>",
    "</i>",
    "<br>",
    "© 2020",
    "The Blue Cross",
    "a line of prose that goes on for a while and does not stop,",
]
PIECES += [
    "\r\n",
    "\f",
    "\u00ad",
    "\u200b",
    "\u00a0",
    "~~~",
    "```",
    "> ",
    "- x",
    "The Fair .... 3",
    "======",
    "x" * 90,
    "[^1]",
    "\\*",
]
PIECES += [
    "*** START OF THE PROJECT GUTENBERG EBOOK X ***",
    "*** END OF THE PROJECT GUTENBERG EBOOK X ***",
    "é",
    "e\u0301",
    "ﬁ",
    "â€™",
]
tangles = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=40).map("".join)
rows = st.lists(st.sampled_from([*PIECES, ""]), max_size=40).map("\n".join)


@given(st.one_of(tangles, rows, st.text()), st.booleans())
@settings(max_examples=250, deadline=None)
def test_cleaning_clean_text_changes_nothing(text: str, markdown: bool) -> None:
    once, _ = clean(text, markdown=markdown)
    twice, changes = clean(once)
    assert twice == once
    assert changes == ()


@given(st.one_of(tangles, rows))
@settings(max_examples=60, deadline=None)
def test_clean_text_is_tidy(text: str) -> None:
    cleaned, _ = clean(text)
    assert cleaned == cleaned.strip("\n ")
    for sign in ("\r", "\t", "\n\n\n", " \n", "“", "\u00a0", "\u200b"):
        assert sign not in cleaned


# No word of one letter: at the beginning of a paragraph it may be a torn initial, which is put back.
words = st.text(alphabet="abcdefghijklmnop", min_size=2, max_size=9)
sentences = st.lists(words, min_size=4, max_size=30).map(lambda many: " ".join(many).capitalize() + ".")
stories = st.lists(st.lists(sentences, min_size=1, max_size=5).map(" ".join), min_size=1, max_size=12)


@given(stories)
@settings(max_examples=60, deadline=None)
def test_plain_prose_is_never_damaged(story: list[str]) -> None:
    text = "\n\n".join(story)
    assert clean(text)[0] == text


@given(stories, st.integers(min_value=45, max_value=90))
@settings(max_examples=60, deadline=None)
def test_no_word_is_lost_in_broken_lines(story: list[str], width: int) -> None:
    broken = "\n\n".join(textwrap.fill(paragraph, width) for paragraph in story)
    assert clean(broken)[0].split() == " ".join(story).split()


@pytest.mark.parametrize(
    "hostile",
    [
        "_a " * 60_000,
        "*" * 200_000,
        "-" * 200_000,
        "[" * 100_000,
        "<" * 100_000,
        "<i " * 60_000,
        "&#" * 60_000,
        " " * 200_000 + "x",
        "\n" * 200_000,
        "[[" * 60_000,
        "`" * 100_000,
        "```\n" * 30_000,
        "<!--" * 30_000,
        "![" * 60_000,
        "> " * 60_000,
        "a-\n" * 60_000,
        "Chapter I\n" * 30_000,
        "1\n" * 60_000,
        "x" * 500_000,
        ". " * 100_000,
        "|" * 100_000,
        "| a |\n" * 30_000,
        "Contents\n" * 30_000,
        "[^1]: x\n" * 20_000,
        "---\n" * 30_000,
        "%%" * 40_000 + "x",
        "© 2020\n\n" * 20_000,
        "*** START OF THE PROJECT GUTENBERG EBOOK X ***\n" * 5_000,
        "[Illustration " * 20_000,
        "A " * 50_000 + "\n" + "b " * 50_000,
    ],
    ids=lambda text: repr(text[:12]),
)
@pytest.mark.parametrize("markdown", [False, True])
def test_hostile_text_takes_no_unreasonable_time(hostile: str, markdown: bool) -> None:
    started = time.process_time()
    clean(hostile, markdown=markdown)
    assert time.process_time() - started < 10
