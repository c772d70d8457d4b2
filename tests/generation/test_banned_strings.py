"""G06: wildcards in banned strings."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.generation.banned_strings import MOST_WILD, Wildcard, literal, parse
from kobold_modules.generation.text_stream import TextStream


@pytest.mark.parametrize(
    ("banned", "meant"),
    [
        ("not * but", Wildcard(("not ", " but"))),
        ("knuckl* whit*", Wildcard(("knuckl", " whit"))),  # a star at the end says nothing
        ("*smirks*", "smirks"),
        (r"\*smirks\*", "*smirks*"),
        ("***", "***"),
        ("* * *", "* * *"),
        ("plain", "plain"),
        ("a**b", Wildcard(("a", "b"))),
        (". *. *.", Wildcard((". ", ". ", "."))),
    ],
)
def test_what_a_star_means(banned: str, meant: object) -> None:
    assert parse(banned) == meant


def test_strings_of_programs_without_wildcards_keep_their_stars() -> None:
    assert parse(literal("*smirks*")) == "*smirks*"
    assert parse(literal("***")) == "***"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("it was not a house but a ruin", True),
        ("not but", False),
        ("not  but", True),
        ("it was not a house. He went but slowly", False),  # another sentence
        ("not\nmuch but", False),
        ("not " + "x" * MOST_WILD + " but", True),
        ("not " + "x" * (MOST_WILD + 1) + " but", False),
    ],
)
def test_a_star_is_a_few_words_of_one_sentence(text: str, found: bool) -> None:
    word = parse("not * but")
    assert isinstance(word, Wildcard)
    assert (word.find(text, 0) >= 0) is found


def streamed(pieces: list[str], banned: tuple[str, ...], before: str = "") -> tuple[str, int]:
    """Return what was shown of ``pieces`` until one was taken back, and how many were."""
    stream, shown = TextStream((), banned, before), ""
    for piece in pieces:
        text, _ = stream.feed(piece.encode())
        shown += text
        if stream.undone:
            return shown, stream.undone
    return shown + stream.finish(), 0


def test_the_text_goes_back_to_where_the_string_began() -> None:
    pieces = ["It", " was", " NOT", " a", " house", ",", " but", " a", " ruin"]
    assert streamed(pieces, ("not * but",)) == ("It was", 5)
    assert streamed(pieces, ("not * and",)) == ("".join(pieces), 0)


def test_text_is_held_back_no_longer_than_a_star_reaches() -> None:
    stream = TextStream((), ("not * but",))
    assert stream.feed(b"It was not much. ")[0] == "It was not much. "
    assert stream.feed(b"It was not ")[0] == ""
    assert stream.feed(b"a house")[0] == ""
    assert stream.feed(b" of stone.")[0] == "It was not a house of stone."


def test_it_may_begin_in_the_writers_text() -> None:
    assert streamed([" a", " house", " but"], ("not * but",), "It was not")[1] == 3
    assert streamed([" a", " house", " but"], ("not * but",), "It was not here. It was")[1] == 0


words = st.text("not abu.x", max_size=40)


@given(st.lists(words.filter(bool), max_size=8), words)
def test_nothing_banned_is_ever_seen(pieces: list[str], before: str) -> None:
    """Against a regular expression: shown text never holds a match that ends in it."""
    shown, _ = streamed(pieces, ("not * bu", "a*x"), before)
    for pattern in (rf"not [^.]{{0,{MOST_WILD}}} bu", rf"a[^.]{{0,{MOST_WILD}}}x"):
        for start in range(len(before + shown)):
            found = re.compile(pattern).match(before + shown, start)
            assert not found or found.end() <= len(before)
