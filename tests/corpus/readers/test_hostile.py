"""Files that lie, are cut short or were altered: a sentence and the exit code 3, never anything else."""

from __future__ import annotations

import zlib
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kobold_modules.corpus import read
from kobold_modules.corpus.readers import Source, recognise
from kobold_modules.corpus.readers.container import Container
from kobold_modules.errors import BadText, KoboldModulesError
from tests.corpus.readers import manuscript
from tests.corpus.readers.books import binder_item, docx, epub, fb2, odt, opened, para, run, scrivener, write, zipped
from tests.corpus.readers.pdfs import pdf


@cache
def books() -> dict[str, bytes]:
    """Return one file of each format with something of everything in it."""
    words = "The ferry did not run on Sundays."
    project = scrivener(
        binder_item("D", "DraftFolder", "D", binder_item("Z", "Text", "a")), {"Z/content.rtf": rf"{words}\par"}
    )
    field = '<w:r><w:fldChar w:fldCharType="begin"/></w:r>' + run("TOC", tag="instrText")
    table = f"<w:tbl><w:tr><w:tc>{para(words)}</w:tc></w:tr></w:tbl>"
    styled = r"{\rtf1{\fonttbl{\f0 A;}}{\stylesheet{\s1 heading 1;}}\pard\s1 One\par\pard "
    page = f'<h1>One</h1><p>{words}<sup><a href="#n">1</a></sup></p><table><tr><td>1</td></tr></table><p id="n">1 N</p>'
    return {
        "docx": docx(para(words, field) + table, parts={"comments": para(words)}),
        "odt": odt(f"<text:h>One</text:h><text:p>{words}<text:note><text:p>n</text:p></text:note></text:p>"),
        "fodt": manuscript.flat(["# One", words, words], asides=True).encode(),
        "epub": epub({"a.xhtml": page}, nav='<li><a href="a.xhtml">One</a></li>'),
        "html": f"<!DOCTYPE html><html><head><title>T</title></head><body>{page}</body></html>".encode(),
        "fb2": fb2(f"<section><title><p>One</p></title><p>{words}</p></section>", notes="<p>n</p>"),
        "rtf": f"{styled}{words}\\par}}".encode(),
        "scriv": zipped({f"N.scriv/{name}": text for name, text in project.items()}),
        "pdf": pdf([[(60, 700, 12, words), (60, 680, 12, words)]]),
    }


KINDS = ["docx", "odt", "fodt", "epub", "html", "fb2", "rtf", "scriv", "pdf"]
LOOK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def try_to_read(data: bytes) -> None:
    """Read ``data`` as whatever it looks like; an error of ours is as good as a text."""
    with suppress(BadText):
        source = Source("book", data)
        reader = recognise(source)
        if reader is not None:
            reader.read(source).prose()


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_file_is_read(kind: str) -> None:
    assert "The ferry did not run on Sundays." in opened(books()[kind]).prose()


@pytest.mark.parametrize("kind", KINDS)
@LOOK
@given(data=st.data())
def test_a_file_cut_short_is_a_text_or_a_sentence(kind: str, data: st.DataObject) -> None:
    whole = books()[kind]
    try_to_read(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize("kind", KINDS)
@LOOK
@given(data=st.data())
def test_altered_bytes_are_a_text_or_a_sentence(kind: str, data: st.DataObject) -> None:
    altered = bytearray(books()[kind])
    places = data.draw(st.lists(st.integers(0, len(altered) - 1), min_size=1, max_size=8))
    for place in places:
        altered[place] = data.draw(st.integers(0, 255))
    try_to_read(bytes(altered))


@pytest.mark.parametrize("kind", ["docx", "odt", "epub", "scriv"])
@LOOK
@given(data=st.data())
def test_altered_bytes_inside_a_zip_are_a_text_or_a_sentence(kind: str, data: st.DataObject) -> None:
    """The zip is whole, and what it holds was cut, altered or repeated."""
    container = Container(books()[kind], "book")
    members = {name: container.read(name) for name in container.names}
    name = data.draw(st.sampled_from(sorted(members)))
    content = bytearray(members[name])
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 60)))
    other = [b"", bytes(content[start:end]) * 3, b"<", b"\xff", b"</w:p>", b"&x;"]
    content[start:end] = data.draw(st.sampled_from(other))


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_line_says_one_sentence(tmp_path: Path, kind: str) -> None:
    data = books()[kind]
    for number, cut in enumerate((20, len(data) // 2, len(data) - 30)):
        path = write(tmp_path, f"{number}.{kind}", data[:cut])
        with suppress(KoboldModulesError):
            read([path])


def bomb(size: int) -> bytes:
    """Make a Word document whose text is ``size`` bytes of nothing."""
    return zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": b"<a>" + bytes(size) + b"</a>"})


def test_a_zip_that_fills_a_memory_is_refused_before_it_is_inflated() -> None:
    with pytest.raises(BadText, match="times its size"):
        opened(bomb(80 << 20))


def test_many_members_that_fill_a_memory_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from kobold_modules.corpus.readers import container

    monkeypatch.setattr(container, "MOST_INFLATED", 100_000)
    book = epub({f"{number}.xhtml": f"<p>{number} {'words ' * 5000}</p>" for number in range(10)})
    with pytest.raises(BadText, match="more than any book needs"):
        opened(book)


def test_elements_may_not_nest_without_end() -> None:
    deep = "<w:sdt>" * 5_000 + "</w:sdt>" * 5_000
    with pytest.raises(BadText, match="nests its elements deeper"):
        opened(docx(deep))
    with pytest.raises(BadText, match="nests its elements deeper"):
        opened(odt("<text:section>" * 5_000 + "</text:section>" * 5_000))


@pytest.mark.parametrize("kind", ["document", "styles", "comments"])
def test_entities_are_refused_in_every_part(kind: str) -> None:
    container = Container(books()["docx"], "book")
    members = {name: container.read(name) for name in container.names}
    members[f"word/{kind}.xml"] = b'<!DOCTYPE a [<!ENTITY x "y">]>' + b"<a>&x;</a>"
    with pytest.raises(BadText, match="entities"):
        opened(zipped(members))


def test_nothing_outside_of_a_document_is_fetched(tmp_path: Path) -> None:
    secret = write(tmp_path, "secret.txt", b"A secret.")
    outside = f'<!DOCTYPE a SYSTEM "{secret.as_uri()}">'.encode()
    container = Container(books()["docx"], "book")
    members = {name: container.read(name) for name in container.names}
    members["word/document.xml"] = outside + members["word/document.xml"].partition(b"?>\n")[2]
    assert "secret" not in opened(zipped(members)).prose()


def test_a_locked_zip_is_told() -> None:
    data = bytearray(books()["docx"])
    at = -1
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        data[at + 8] |= 1
    with pytest.raises(BadText, match="locked with a password"):
        opened(bytes(data))


def test_a_checksum_that_is_wrong_is_told() -> None:
    data = books()["docx"]
    content = Container(data, "book").read("word/document.xml")
    crc = zlib.crc32(content).to_bytes(4, "little")
    with pytest.raises(BadText, match="damaged"):
        opened(data.replace(crc, bytes(4)))
