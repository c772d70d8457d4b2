"""PDF: paragraphs guessed from where lines stand, and said to be a guess."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from kobold_modules.corpus import read
from kobold_modules.errors import BadText
from tests.corpus.readers.books import left_out, opened, texts, write
from tests.corpus.readers.pdfs import Word, pdf


pytest.importorskip("pypdf", reason="PDF files are read with the extra `pdf`")
LINES = [
    "It was in the last week of October, when the ferry did not run any more,",
    "that the two of them walked along the shore until the path gave out, and",
    "then sat down on the boats.",
    "Nobody came to tell them to get off, and by four they had eaten the bread",
    "and most of the cheese as well.",
]
FIRST, SECOND = " ".join(LINES[:3]), " ".join(LINES[3:])


def page(*lines: tuple[str, float], top: float = 700.0, step: float = 14.0) -> list[Word]:
    """Return lines from the top down, each with how far it is set in; an empty one leaves a gap."""
    return [(72.0 + indent, top - step * at, 12.0, text) for at, (text, indent) in enumerate(lines) if text]


def test_indents_begin_paragraphs() -> None:
    data = pdf([page(*[(line, 18.0 if at in (0, 3) else 0.0) for at, line in enumerate(LINES)])])
    assert texts(opened(data)) == [FIRST, SECOND]


def test_gaps_begin_paragraphs() -> None:
    lines = [(line, 0.0) for line in LINES]
    assert texts(opened(pdf([page(*lines[:3], ("", 0), *lines[3:])]))) == [FIRST, SECOND]


def test_a_paragraph_goes_on_over_the_page_without_its_head_and_its_number() -> None:
    pages = []
    for number in range(4):
        head, foot = (72.0, 760.0, 12.0, "A. WRITER"), (300.0, 40.0, 12.0, str(number + 1))
        body = page((LINES[0], 18.0), (LINES[1], 0.0)) if number % 2 == 0 else page((LINES[2], 0.0), *[(" ", 0.0)])
        pages.append([head, *body, foot])
    document = opened(pdf(pages))
    assert texts(document) == [FIRST, FIRST]
    assert left_out(document) == {"headers and footers": 8, "page numbers": 4}


def test_a_word_cut_at_the_end_of_a_line_is_mended_as_the_text_writes_it() -> None:
    cut = ["Something was there; some-", "thing was not, and some-", "thing else was: the drawing-"]
    lines = [*cut, "room, or a drawing-room, or some-", "thing."]
    data = pdf([page(*[(line, 18.0 if at == 0 else 0.0) for at, line in enumerate(lines)])])
    said = "Something was there; something was not, and something else was: "
    assert texts(opened(data)) == [said + "the drawing-room, or a drawing-room, or something."]


def test_larger_letters_are_a_heading_and_small_print_below_is_a_note() -> None:
    lines = page(*[(line, 18.0 if at in (0, 3) else 0.0) for at, line in enumerate(LINES)])
    words = [(72.0, 740.0, 18.0, "The Ferry"), *lines]
    words += [(72.0, 60.0, 8.0, "1 See the map.")]
    document = opened(pdf([words]))
    assert texts(document) == ["# The Ferry", FIRST, SECOND]
    assert left_out(document) == {"footnotes": 4}


def test_it_is_said_to_be_a_guess(tmp_path: Path) -> None:
    lines = [(line, 18.0 if at % 5 in (0, 3) else 0.0) for at, line in enumerate(LINES * 2)]
    corpus = read([write(tmp_path, "novel.txt", pdf([page(*lines)]))])
    assert corpus.reports[0].encoding == "PDF, a guess"
    assert any("these are a guess" in sentence for sentence in corpus.describe())


def test_pictures_of_pages_are_told() -> None:
    with pytest.raises(BadText, match="pictures of pages"):
        opened(pdf([[], []]))


def test_without_pypdf_a_sentence_names_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name == "pypdf":
            raise ImportError(name)
        return imported(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(BadText, match="not installed") as error:
        opened(pdf([page((LINES[0], 0.0))]))
    assert "kobold-modules[pdf]" in error.value.hint


def test_lines_that_stop_early_are_verse_or_a_list() -> None:
    verse = ["O the tide comes in", "And the tide goes out", "And the salt is in the cellar."]
    lines = [(line, 18.0 if at in (0, 3) else 0.0) for at, line in enumerate(LINES)]
    data = pdf([page(*lines, ("", 0), *[(line, 0.0) for line in verse])])
    assert texts(opened(data))[-1] == "\n".join(verse)


def test_a_drop_capital_goes_back_to_its_word_and_raised_marks_go() -> None:
    words = [
        (72.0, 672.0, 40.0, "W"),
        (104.0, 700.0, 12.0, "e went down to the shore, slowly, in the last full week of"),
    ]
    words += [(104.0, 686.0, 12.0, LINES[0]), (72.0, 672.0, 12.0, LINES[1])]
    words += [(72.0, 658.0, 12.0, LINES[2]), (240.0, 662.0, 7.0, "1")]
    document = opened(pdf([words]))
    assert texts(document) == [f"We went down to the shore, slowly, in the last full week of {FIRST}"]
    assert left_out(document) == {"footnotes": 1}


def test_columns_are_read_one_behind_the_other() -> None:
    left = page(*[(line, 18.0 if at in (0, 3) else 0.0) for at, line in enumerate(LINES)])
    right = [(x + 260, y, size, text.upper()) for x, y, size, text in left]
    assert texts(opened(pdf([[*left, *right]]))) == [FIRST, SECOND, FIRST.upper(), SECOND.upper()]
