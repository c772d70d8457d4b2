"""Issue 13, Show it: the same story through LibreOffice into every format gives the same text, to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.corpus import read
from kobold_modules.corpus.document import FileReport
from tests.corpus.readers.manuscript import SOFFICE, convert, flat, story


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(SOFFICE is None, reason="LibreOffice (soffice) is not installed"),
]
FORMATS = ["odt", "docx", "rtf", "html", "epub", "pdf"]
WITHOUT_DELETIONS = ["odt", "docx", "rtf"]  # into the others LibreOffice writes deleted words like any others


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """Write the story in every format: ``plain``, with ``asides``, and ``spaced`` out by gaps instead of indents."""
    folder = tmp_path_factory.mktemp("manuscripts")
    found = {}
    for name, options in (("plain", {}), ("asides", {"asides": True}), ("spaced", {"indents": False})):
        source = folder / f"{name}.fodt"
        source.write_text(flat(story(), **options), encoding="utf-8")
        formats = FORMATS if name != "asides" else [*WITHOUT_DELETIONS, "html"]
        found[name] = {"fodt": source, **convert(source, formats, folder)}
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("text") / "story.txt"
    path.write_text("\n\n".join(text.removeprefix("# ") for text in story()), encoding="utf-8")
    return read([path]).text


def text_and_report(path: Path) -> tuple[str, FileReport]:
    if path.suffix == ".pdf":
        pytest.importorskip("pypdf", reason="PDF files are read with the extra `pdf`")
    corpus = read([path])
    return corpus.text, corpus.reports[0]


@pytest.mark.parametrize("kind", ["fodt", *FORMATS])
@pytest.mark.parametrize("name", ["plain", "spaced"])
def test_every_format_gives_the_same_text(
    made: dict[str, dict[str, Path]], expected: str, name: str, kind: str
) -> None:
    if kind not in made[name]:
        pytest.skip(f"this LibreOffice does not write .{kind}")
    text, report = text_and_report(made[name][kind])
    assert text == expected
    assert report.chapters == sum(text.startswith("# ") for text in story())


@pytest.mark.parametrize("kind", ["fodt", *WITHOUT_DELETIONS])
def test_notes_comments_deletions_hidden_text_and_headers_stay_out(
    made: dict[str, dict[str, Path]], expected: str, kind: str
) -> None:
    text, report = text_and_report(made["asides"][kind])
    assert text == expected
    left = {part.what: part.words for part in report.left_out}
    assert left.keys() >= {"footnotes", "comments", "deleted text", "hidden text", "headers and footers"}
    assert left["deleted text"] >= 5
    assert left["hidden text"] == 5


def test_a_page_of_html_keeps_notes_and_hidden_text_out(made: dict[str, dict[str, Path]], expected: str) -> None:
    text, _ = text_and_report(made["asides"]["html"])
    assert text.replace("Words that were struck out. ", "") == expected
