"""E-books: the spine's order, the chapters of their contents, and DRM told in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.corpus import read
from kobold_modules.errors import BadText
from tests.corpus.readers.books import epub, left_out, opened, texts, write


FERRY, WALK, REST = "The ferry did not run.", "They walked along the shore.", "They rested."


def test_pages_come_in_the_order_of_the_spine() -> None:
    spine = "".join(f'<itemref idref="p{number}"/>' for number in (2, 0, 1))
    book = epub({"a.xhtml": f"<p>{WALK}</p>", "b.xhtml": f"<p>{REST}</p>", "z.xhtml": f"<p>{FERRY}</p>"}, spine=spine)
    document = opened(book)
    assert texts(document) == [FERRY, WALK, REST]
    assert document.title == "The Ferry"


def test_names_are_percent_decoded_and_may_go_up_a_folder() -> None:
    pages = {"../text/one%20%C3%A9.xhtml": f"<p>{FERRY}</p>", "Two.xhtml": f"<p>{WALK}</p>"}
    book = epub(pages, extra={"text/one é.xhtml": f"<html><body><p>{FERRY}</p></body></html>"})
    assert texts(opened(book)) == [FERRY, WALK]


def test_nothing_outside_of_the_book_is_reached() -> None:
    document = opened(epub({"../../../../etc/passwd.xhtml": "<p>x</p>", "a.xhtml": f"<p>{FERRY}</p>"}))
    assert FERRY in texts(document)


def test_missing_pages_are_skipped_and_told() -> None:
    book = epub({"a.xhtml": f"<p>{FERRY}</p>"}, extra={})
    broken = book.replace(b"OEBPS/a.xhtml", b"OEBPS/b.xhtml")
    whole = opened(epub({"a.xhtml": f"<p>{FERRY}</p>", "b.xhtml": f"<p>{WALK}</p>"}))
    assert texts(whole) == [FERRY, WALK]
    document = opened(broken)
    assert document.blocks == ()
    assert any("not in its file" in warning for warning in document.warnings)


@pytest.mark.parametrize("kind", ["nav", "ncx"])
def test_chapters_are_those_of_the_contents_where_pages_have_no_headings(kind: str) -> None:
    pages = {
        "one.xhtml": f'<p class="x">1</p><p class="x">The Ferry</p><p>{FERRY}</p>',
        "two.xhtml": f'<p>{WALK}</p><p id="c3">The Inn</p><p>{REST}</p>',
    }
    entries = [("one.xhtml", "1: The Ferry"), ("two.xhtml", "The Shore"), ("two.xhtml#c3", "The Inn")]
    nav = "".join(f'<li><a href="{href}">{title}</a></li>' for href, title in entries)
    ncx = "".join(
        f'<navPoint><navLabel><text>{title}</text></navLabel><content src="{href}"/></navPoint>'
        for href, title in entries
    )
    document = opened(epub(pages, nav=nav if kind == "nav" else "", ncx=ncx if kind == "ncx" else ""))
    assert texts(document) == ["# 1", "# The Ferry", FERRY, "# The Shore", WALK, "# The Inn", REST]
    assert document.chapters == 3


def test_a_page_that_was_cut_in_a_chapter_goes_on() -> None:
    document = opened(epub({"a1.xhtml": f"<h1>One</h1><p>{FERRY}</p>", "a2.xhtml": f"<p>{WALK}</p>"}))
    assert texts(document) == ["# One", FERRY, WALK]


def test_covers_titles_contents_and_notes_go() -> None:
    spine = "".join(f'<itemref idref="p{number}"/>' for number in range(5)) + '<itemref idref="nav"/>'
    pages = {
        "cover.xhtml": '<body epub:type="cover"><p>Cover words</p></body>',
        "title.xhtml": '<section epub:type="titlepage"><h1>The Ferry</h1><p>by A. Writer</p></section>',
        "rights.xhtml": '<section epub:type="copyright-page"><p>Some rights</p></section>',
        "a.xhtml": f'<p>She went<a epub:type="noteref" href="n.xhtml#n1">1</a> home.</p><p>{FERRY}</p>'
        '<aside epub:type="footnote" id="x"><p>Below the line.</p></aside>',
        "n.xhtml": '<section epub:type="endnotes"><p id="n1">1 See the map.</p></section>',
    }
    document = opened(epub(pages, nav='<li><a href="a.xhtml">One</a></li>', spine=spine))
    assert [text for text in texts(document) if not text.startswith("#")] == ["She went home.", FERRY]
    assert left_out(document) == {"title pages": 9, "footnotes": 8, "tables of contents": 1}


def test_notes_in_a_page_of_their_own_are_found_by_links() -> None:
    pages = {
        "a.xhtml": '<p>She went<sup><a href="notes.xhtml#n1" id="r1">1</a></sup> home.</p>',
        "notes.xhtml": '<p id="n1"><a href="a.xhtml#r1">1</a>. See the map.</p><p>Afterwards.</p>',
    }
    assert texts(opened(epub(pages))) == ["She went home.", "Afterwards."]


def test_pages_outside_the_reading_order_go() -> None:
    pages = {"a.xhtml": f"<p>{FERRY}</p>", "b.xhtml": "<p>An answer key.</p>"}
    document = opened(epub(pages, spine='<itemref idref="p0"/><itemref idref="p1" linear="no"/>'))
    assert texts(document) == [FERRY]
    assert left_out(document) == {"pages outside the reading order": 3}


def test_the_guide_of_epub_2_names_the_pages_around_the_book() -> None:
    pages = {"toc.html": "<p>One</p><p>Two</p>", "a.html": f"<p>{FERRY}</p>"}
    document = opened(epub(pages, guide='<reference type="toc" href="toc.html"/>'))
    assert texts(document) == [FERRY]
    assert left_out(document) == {"tables of contents": 2}


def test_classes_that_the_style_sheet_hides_are_hidden() -> None:
    document = opened(epub({"a.xhtml": f'<p>{FERRY}</p><p class="secret">Not for you.</p>'}))
    assert texts(document) == [FERRY]
    assert left_out(document) == {"hidden text": 3}


ENCRYPTED = (
    '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:enc="http://www.w3.org/2001/04/xmlenc#">'
    '<enc:EncryptedData><enc:EncryptionMethod Algorithm="{}"/><enc:CipherData><enc:CipherReference URI="{}"/>'
    "</enc:CipherData></enc:EncryptedData></encryption>"
)


def test_drm_is_told_and_scrambled_fonts_are_not_drm(tmp_path: Path, prose: str) -> None:
    fonts = ENCRYPTED.format("http://www.idpf.org/2008/embedding", "OEBPS/font.otf")
    pages = {"a.xhtml": "".join(f"<p>{text}</p>" for text in prose.split("\n\n"))}
    good = write(tmp_path, "a.epub", epub(pages, extra={"META-INF/encryption.xml": fonts}))
    assert read([good]).text == prose
    locked = ENCRYPTED.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OEBPS/a.xhtml")
    bad = write(tmp_path, "b.epub", epub(pages, extra={"META-INF/encryption.xml": locked}))
    with pytest.raises(BadText, match=r"b\.epub is locked with DRM") as error:
        read([bad])
    assert "without DRM" in error.value.hint
    assert error.value.exit_code == 3


def test_entities_that_fill_a_memory_are_refused() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><package><title>&b;</title></package>'
    with pytest.raises(BadText, match="entities"):
        opened(epub({"a.xhtml": "<p>x</p>"}, extra={"OEBPS/content.opf": bomb}))
