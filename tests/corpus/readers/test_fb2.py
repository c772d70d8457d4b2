"""FictionBook: the first body, in any encoding, well-formed or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.corpus import read
from kobold_modules.errors import BadText
from tests.corpus.readers.books import fb2, left_out, opened, texts, write, zipped


FERRY, WALK = "The ferry did not run on Sundays.", "They walked along the shore instead."
BODY = f"<section><title><p>One</p><p>The Ferry</p></title><p>{FERRY}</p></section><section><p>{WALK}</p></section>"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (BODY, ["# One", "# The Ferry", FERRY, WALK]),
        ("<p>The fer<emphasis>ry</emphasis> <strong>ran</strong>.</p>", ["The ferry ran."]),
        (f"<p>{FERRY}</p><empty-line/><p>{WALK}</p>", [FERRY, "", WALK]),
        (f"<p>{FERRY}</p><subtitle>* * *</subtitle><p>{WALK}</p>", [FERRY, "***", WALK]),
        (f"<subtitle>Part two</subtitle><p>{WALK}</p>", ["# Part two", WALK]),
        ("<poem><stanza><v>A boat,</v><v>a bell,</v></stanza></poem>", ["A boat,\na bell,"]),
        ("<epigraph><p>To the sea.</p><text-author>Anon</text-author></epigraph>", ["To the sea.", "Anon"]),
        (f"<image l:href='#cover.jpg'/><p>{FERRY}</p>", [FERRY]),
        ("<p>Fish & chips, <b>2 < 3</p><p>Next.</p>", ["Fish & chips, 2 < 3", "Next."]),
        ("<p>a&nbsp;b &mdash; c</p>", ["a\xa0b — c"]),
    ],
)
def test_a_book_reads_as_its_elements_say(body: str, said: list[str]) -> None:
    assert texts(opened(fb2(body))) == said


def test_notes_their_marks_and_what_stands_in_front_go() -> None:
    mark = "<a l:href='#n1' type='note'>[1]</a>"
    body = f"<section><annotation><p>In short</p></annotation><p>She went{mark} home.</p></section>"
    document = opened(fb2(body, notes="<section id='n1'><title><p>1</p></title><p>See the map.</p></section>"))
    assert texts(document) == ["She went home."]
    assert left_out(document) == {"annotations": 2, "footnotes": 5}


@pytest.mark.parametrize("encoding", ["windows-1251", "koi8-r", "utf-16", "utf-8"])
def test_the_declared_encoding_is_used(encoding: str) -> None:
    assert texts(opened(fb2("<p>Тихий вечер.</p>", encoding=encoding))) == ["Тихий вечер."]


@pytest.mark.parametrize("name", ["book.fb2", "book.fb2.zip", "book.txt"])
def test_a_zipped_book_is_read_too(tmp_path: Path, paragraphs: list[str], name: str) -> None:
    data = fb2("".join(f"<p>{text}</p>" for text in paragraphs))
    write(tmp_path, name, zipped({"a book.fb2": data}) if "zip" in name else data)
    corpus = read([tmp_path])
    assert corpus.text.split("\n\n") == paragraphs
    assert corpus.reports[0].encoding == "FictionBook"


def test_entities_of_its_own_are_refused() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE FictionBook [<!ENTITY a "aa">]>' + fb2("<p>&a;</p>").partition(b"\n")[2]
    with pytest.raises(BadText, match="entities"):
        opened(bomb)
