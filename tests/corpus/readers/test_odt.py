"""OpenDocument texts: the text of the page, without what stands in the file beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.corpus import read
from kobold_modules.errors import BadText
from tests.corpus.readers.books import left_out, odt, opened, texts, write


FERRY, WALK = "The ferry did not run on Sundays.", "They walked along the shore instead."
P, Q = f"<text:p>{FERRY}</text:p>", f"<text:p>{WALK}</text:p>"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<text:p>The fer<text:span>ry</text:span> ran.</text:p>", ["The ferry ran."]),
        ("<text:p>A<text:s text:c='3'/>b<text:tab/>c<text:line-break/>d</text:p>", ["A   b\tc\nd"]),
        ("<text:p>One\n   two</text:p>", ["One two"]),
        ("<text:p>some\u00adthing half\u2011done</text:p>", ["something half-done"]),
        ("<text:h text:outline-level='2'>One</text:h>" + P, ["# One", FERRY]),
        ("<text:list><text:list-item><text:p>Item.</text:p></text:list-item></text:list>", ["Item."]),
        ("<text:section><text:p>In a part.</text:p></text:section>", ["In a part."]),
        ("<text:p>A <text:a>link</text:a>.</text:p>", ["A link."]),
        (P + "<text:p>* * *</text:p>" + Q, [FERRY, "***", WALK]),
        (P + "<text:p/>" + Q, [FERRY, "", WALK]),
        (
            f"<text:p>Outside<draw:frame><draw:text-box>{Q}</draw:text-box></draw:frame> text.</text:p>",
            ["Outside text.", WALK],
        ),
        (f"<text:p>Out<draw:custom-shape>{Q}</draw:custom-shape>side.</text:p>", ["Outside.", WALK]),
        ("<text:p>A <text:soft-page-break/>page.</text:p>", ["A page."]),
        ("<text:p>See <text:bookmark-start/>here<text:bookmark-end/>.</text:p>", ["See here."]),
    ],
)
def test_the_text_is_that_of_the_page(body: str, said: list[str]) -> None:
    assert texts(opened(odt(body))) == said


@pytest.mark.parametrize(
    ("aside", "what", "words"),
    [
        ("<office:annotation><text:p>Rather</text:p><text:p>slow</text:p></office:annotation>", "comments", 2),
        (
            "<text:note text:note-class='footnote'><text:note-citation>1</text:note-citation><text:note-body>"
            "<text:p>See the map</text:p></text:note-body></text:note>",
            "footnotes",
            4,
        ),
        (
            "<text:note text:note-class='endnote'><text:note-body><text:p>Fin</text:p></text:note-body></text:note>",
            "endnotes",
            1,
        ),
        ("<text:span text:style-name='T1'>not for you</text:span>", "hidden text", 3),
        ("<text:page-number>7</text:page-number>", "page numbers", 1),
        ("<text:placeholder>&lt;Name&gt;</text:placeholder>", "placeholders", 1),
    ],
)
def test_what_stands_inside_a_paragraph_and_is_no_prose_goes(aside: str, what: str, words: int) -> None:
    hidden = (
        '<style:style style:name="T1" style:family="text"><style:text-properties text:display="none"/></style:style>'
    )
    document = opened(odt(f"<text:p>She went{aside} home.</text:p>{P}", styles=hidden))
    assert texts(document) == ["She went home.", FERRY]
    assert left_out(document) == {what: words}


@pytest.mark.parametrize(
    ("aside", "what", "words"),
    [
        (
            "<text:tracked-changes><text:changed-region><text:deletion><text:p>Old</text:p><text:p>words</text:p>"
            "</text:deletion></text:changed-region></text:tracked-changes>",
            "deleted text",
            2,
        ),
        (
            "<text:table-of-content><text:index-body><text:index-title><text:p>Contents</text:p></text:index-title>"
            "<text:p>One<text:tab/>3</text:p></text:index-body></text:table-of-content>",
            "tables of contents",
            3,
        ),
        ("<text:section text:display='none'><text:p>Not for you</text:p></text:section>", "hidden text", 3),
        ("<text:p text:style-name='Caption'>A boat</text:p>", "captions", 2),
        (
            "<table:table><table:table-row><table:table-cell><text:p>Oars</text:p></table:table-cell>"
            "<table:table-cell><text:p>12</text:p></table:table-cell></table:table-row></table:table>",
            "tables",
            2,
        ),
    ],
)
def test_what_stands_between_paragraphs_and_is_no_prose_goes(aside: str, what: str, words: int) -> None:
    document = opened(odt(P + aside + Q))
    assert texts(document) == [FERRY, WALK]
    assert left_out(document) == {what: words}


def test_ruby_keeps_the_words_and_not_their_reading() -> None:
    ruby = "<text:ruby><text:ruby-base>flower</text:ruby-base><text:ruby-text>hana</text:ruby-text></text:ruby>"
    document = opened(odt(f"<text:p>A {ruby}.</text:p>"))
    assert texts(document) == ["A flower."]
    assert left_out(document) == {"pronunciation guides": 1}


def test_titles_are_told_by_what_their_style_is_based_on() -> None:
    common = (
        '<office:styles><style:style style:name="Title" style:family="paragraph"/><style:style style:name="Own" '
        'style:family="paragraph" style:default-outline-level="1"/></office:styles><office:master-styles>'
        "<style:master-page><style:header><text:p>A. Writer</text:p></style:header></style:master-page>"
        "</office:master-styles>"
    )
    styles = '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Title"/>'
    body = f"<text:p text:style-name='P1'>The Ferry</text:p><text:p text:style-name='Own'>One</text:p>{P}"
    document = opened(odt(body, styles=styles, common=common))
    assert texts(document) == ["# The Ferry", "# One", FERRY]
    assert left_out(document) == {"headers and footers": 2}


def test_a_locked_text_is_told(tmp_path: Path) -> None:
    manifest = "<manifest><file-entry><encryption-data/></file-entry></manifest>"
    with pytest.raises(BadText, match=r"a\.odt is locked with a password"):
        read([write(tmp_path, "a.odt", odt(P, manifest=manifest))])


def test_an_opendocument_text_is_read_whatever_it_is_called(tmp_path: Path, paragraphs: list[str]) -> None:
    data = odt("".join(f"<text:p>{text}</text:p>" for text in paragraphs))
    corpus = read([write(tmp_path, "novel.txt", data)])
    assert corpus.text.split("\n\n") == paragraphs
    assert corpus.reports[0].encoding == "OpenDocument text"


def test_a_picture_that_comes_back_between_paragraphs_parts_scenes() -> None:
    image = "<draw:image xlink:href='o.png' xmlns:xlink='http://www.w3.org/1999/xlink'/>"
    frame = f"<text:p><draw:frame>{image}</draw:frame></text:p>"
    assert texts(opened(odt(P + (frame + Q) * 3))) == [FERRY, "***", WALK, "***", WALK, "***", WALK]
