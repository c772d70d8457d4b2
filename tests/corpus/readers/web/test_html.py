"""Pages of HTML: what a browser shows of the text, whoever wrote the page and however badly."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.corpus import read
from kobold_modules.corpus.readers.web.tokens import tokens
from tests.corpus.readers.books import left_out, opened, texts, write


FERRY = "The ferry did not run on Sundays."
WALK = "They walked along the shore instead."
P, Q = f"<p>{FERRY}</p>", f"<p>{WALK}</p>"


def page(body: str, head: str = "") -> bytes:
    return f"<!DOCTYPE html><html><head><title>T</title>{head}</head><body>{body}</body></html>".encode()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<p>The fer<i>ry</i> d<b><i>i</i></b>d not run.</p>", ["The ferry did not run."]),
        ("<p>One  \n two&nbsp;three &amp; f&ouml;ur &#8220;five&#x201d;</p>", ["One two\xa0three & föur “five”"]),
        ("<p>some&shy;thing some<wbr>where so\u00adme</p>", ["something somewhere some"]),
        ("<p>A line<br>and another<br/>and one</p>", ["A line\nand another\nand one"]),
        ("One paragraph.<br><br>Another.<br /><br />A third.", ["One paragraph.", "Another.", "A third."]),
        ("<div>One.<div>Two.</div>Three.</div>", ["One.", "Two.", "Three."]),
        ("<p>One.<p>Two.<ul><li>Three.<li>Four.</ul>", ["One.", "Two.", "Three.", "Four."]),
        ("<P CLASS=a>One.</P><P>Two.", ["One.", "Two."]),
        ("<pre>One line\n  two</pre>", ["One line\ntwo"]),
        ("<p>She said <q>no</q>.</p>", ["She said “no”."]),
        ("<h1>One</h1><p>Text.</p><h2>Two <br>lines</h2>", ["# One", "Text.", "# Two lines"]),
        ("<p>One.</p><hr><p>Two.</p><p>***</p><p>Three.</p>", ["One.", "***", "Two.", "***", "Three."]),
        ('<p>One.</p><p class="scene-break"><img src="x.png" alt=""></p><p>Two.</p>', ["One.", "***", "Two."]),
        ('<p><span class="dropcap">W</span>e went.</p>', ["We went."]),
        ('<div class="drop-cap">W</div><p>e went.</p>', ["We went."]),
        ('<p><img src="w.png" alt="W">e went.</p>', ["We went."]),
        ("<p>5 < 6 and <3 and a<b</p>", ["5 < 6 and <3 and a"]),
        ("<p>One.</p><p>&nbsp;</p><p>Two.</p>", ["One.", "", "Two."]),
        ('<p title="a > b">One.</p><p title=it\'s>Two.</p>', ["One.", "Two."]),
        ("<p>漢<ruby>字<rp>(</rp><rt>ji</rt><rp>)</rp></ruby>。</p>", ["漢字。"]),
        ("<o:p></o:p><p class=MsoNormal>One.<o:p></o:p></p>", ["One."]),
        ("<p>One.<!-- a note --> Two.</p><!--[if gte mso 9]><xml>9</xml><![endif]-->", ["One. Two."]),
        ("<p>One.<!-- never closed <p>Two.</p>", ["One. never closed", "Two."]),
        ("<script>var x = '<p>no</p>';</script><style>p { color: red }</style><p>One.</p>", ["One."]),
        ("<blockquote><p>A letter.</p></blockquote><p>One.</p>", ["A letter.", "One."]),
    ],
)
def test_a_page_reads_as_a_browser_shows_it(body: str, said: list[str]) -> None:
    assert texts(opened(page(body))) == said


@pytest.mark.parametrize(
    ("aside", "what", "words"),
    [
        ("<nav><a href='/'>Home again</a></nav>", "navigation", 2),
        ("<header>My own site</header>", "headers and footers", 3),
        ("<footer>All rights kept</footer>", "headers and footers", 3),
        ("<p hidden>Not for you</p>", "hidden text", 3),
        ("<p style='color:red; display: none'>Not for you</p>", "hidden text", 3),
        ("<p class='x gone'>Not for you</p>", "hidden text", 3),
        ("<del>Old words</del>", "deleted text", 2),
        ("<figure><img src=x><figcaption>A boat</figcaption></figure>", "captions", 2),
        ("<div class='footnotes'><p>1. See the map.</p></div>", "footnotes", 4),
        ("<div id='sdfootnote1'><p>See the map.</p></div>", "footnotes", 3),
        ("<div class='toc'><p>One</p><p>Two</p></div>", "tables of contents", 2),
        ("<span class='pagenum'>[Pg 12]</span>", "page numbers", 2),
        ("<table><tr><td>Oars</td><td>12</td></tr></table>", "tables", 2),
        ("<section id='pg-header' class='pg-boilerplate'>The archive says</section>", "licences", 3),
        ("<div style='mso-element:comment-list'><p>Rather slow</p></div>", "comments", 2),
    ],
)
def test_what_is_no_prose_goes_and_is_counted(aside: str, what: str, words: int) -> None:
    document = opened(page(P + aside + Q, "<style>.gone { display: none }</style>"))
    assert texts(document) == [FERRY, WALK]
    assert left_out(document) == {what: words}


def test_a_chapters_own_header_keeps_its_title() -> None:
    document = opened(page(f"<article><header><h2>One</h2></header>{P}</article>"))
    assert texts(document) == ["# One", FERRY]


def test_notes_and_their_marks_are_found_by_their_links() -> None:
    body = (
        "<p>She went<sup><a href='#n1' id='r1'>1</a></sup> home<a href='#n2' id='r2'>[2]</a>.</p>"
        "<p>In 12<sup>th</sup> place.</p>"
        "<p id='n1'><a href='#r1'>1</a> See the map.</p><p><a id='n2'></a>[2] Or the chart.</p>"
    )
    document = opened(page(body))
    assert texts(document) == ["She went home.", "In 12th place."]
    assert left_out(document)["footnotes"] >= 7


def test_links_of_a_contents_page_do_not_make_chapters_into_notes() -> None:
    body = f"<p><a href='#c1'>1</a></p><h2 id='c1'>1</h2><div id='c2'>{P}</div><p>see <a href='#c2'>1</a></p>"
    assert FERRY in texts(opened(page(body)))


def test_layout_tables_keep_their_prose() -> None:
    body = f"<table><tr><td>{P}</td></tr><tr><td><table><tr><td>{WALK}</td></tr></table></td></tr></table>"
    assert texts(opened(page(body))) == [FERRY, WALK]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('<html><meta charset="windows-1251"><p>Тихий вечер.</p></html>'.encode("cp1251"), "Тихий вечер."),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><html><p>café “x”</p></html>'.encode("cp1252"), "café “x”"),
        (
            '<html><meta http-equiv="Content-Type" content="text/html; charset=shift_jis"><p>雨。</p>'.encode("cp932"),
            "雨。",
        ),
        ("\ufeff<html><p>café</p></html>".encode(), "café"),
        ("<html><p>café</p></html>".encode("utf-16"), "café"),
        ('<html><meta charset="utf-8"><p>café</p></html>'.encode("cp1252"), "café"),
        ('<html><meta charset="klingon"><p>café</p></html>'.encode(), "café"),
    ],
    ids=["cp1251", "latin1", "shift_jis", "bom", "utf16", "declares-one-is-another", "unknown"],
)
def test_the_declared_encoding_counts_where_it_is_true(data: bytes, said: str) -> None:
    assert texts(opened(data)) == [said]


def test_a_page_is_told_by_content(tmp_path: Path, paragraphs: list[str]) -> None:
    body = "".join(f"<p>{text}</p>" for text in paragraphs)
    for name, data in [("a.txt", page(body)), ("b.html", f"<div>{body}</div>".encode())]:
        corpus = read([write(tmp_path, name, data)])
        assert corpus.documents[0].text.split("\n\n") == paragraphs
        assert corpus.reports[0].encoding == "web page, HTML"


def test_prose_that_begins_with_a_bracket_is_no_page(tmp_path: Path, prose: str) -> None:
    corpus = read([write(tmp_path, "a.txt", f"<Can you hear me?>\n\n{prose}".encode())])
    assert corpus.reports[0].encoding == "ASCII"


@pytest.mark.parametrize(
    "piece",
    ["<", "<!--", "<a ", '<a b="', "<a b='c", "<![CDATA[", "<script>", "</", "<!", "<p>", "<b>", "&"],
)
def test_time_is_linear_in_what_is_left_open(piece: str) -> None:
    """A reader that looks for the end of each anew would take minutes here."""
    assert len(list(tokens(piece * 100_000))) <= 300_001
    opened(page(piece * 100_000))


def test_an_archive_of_one_page_is_read() -> None:
    data = (
        b"From: <Saved by Blink>\r\nSubject: The Ferry\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n"
        b'\ttype="text/html";\r\n\tboundary="x"\r\n\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\n'
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"<html><body><p>A caf=C3=A9 by the =\r\nsea.</p></body></html>"
        b"\r\n--x--\r\n"
    )
    assert texts(opened(data)) == ["A café by the sea."]


def test_markdown_that_begins_with_a_tag_is_no_page(tmp_path: Path, paragraphs: list[str]) -> None:
    text = '<p align="center">The Ferry</p>\n\n' + "\n\n".join(paragraphs)
    corpus = read([write(tmp_path, "a.md", text.encode())])
    assert corpus.text.split("\n\n")[-len(paragraphs) :] == paragraphs


def test_a_picture_that_comes_back_between_paragraphs_parts_scenes() -> None:
    ornament, other = '<div class="x"><img src="../o.png"/></div>', '<p><img src="map.png" alt="A map"/></p>'
    document = opened(page(P + (ornament + Q) * 3 + other + P + '<p><img src="y.png" alt="* * *"></p>' + Q))
    assert texts(document) == [FERRY, "***", WALK, "***", WALK, "***", WALK, FERRY, "***", WALK]


def test_html_left_in_a_text_file_goes_whole(tmp_path: Path, paragraphs: list[str]) -> None:
    """T31: markup that leaked into a .txt."""
    body = "\n".join(f"<p>{text}</p>" for text in paragraphs)
    rest = "<o:p></o:p><hr><h2>Two</h2>\n<p>He <ins>really</ins> had a caf&eacute; &pound;5.</p><!-- note -->"
    path = write(tmp_path, "a.txt", f"{body}\n{rest}\n<script>var x=1;</script>\n".encode())
    assert read([path]).text.split("\n\n") == [*paragraphs, "* * *", "He really had a café £5."]
