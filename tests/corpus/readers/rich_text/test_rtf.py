r"""RTF: what a word processor would show of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.corpus import read
from tests.corpus.readers.books import left_out, opened, texts, write


def rtf(body: str, head: str = r"\ansi\ansicpg1252\deff0") -> bytes:
    return f"{{\\rtf1{head} {body}}}".encode("latin-1")


STYLES = (
    r"{\stylesheet{\s0 Normal;}{\s1\sbasedon0\outlinelevel0 heading 1;}{\s2 Title;}{\s3 toc 1;}{\s4\v Notes;}"
    r"{\*\cs10 Strong;}{\s5 Scene Break;}}"
)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (r"One.\par Two.\par", ["One.", "Two."]),
        (r"The fer{\i ry} {\b ran}.\par", ["The ferry ran."]),
        ("One\r\n two.\\par\r\nThree.", ["One two.", "Three."]),
        (r"A line\line and\tab more\par", ["A line\nand\tmore"]),
        (r"caf\'e9 \'93x\'94 \u8217?s \u8212\'97 \emdash \ldblquote y\rdblquote\par", ["café “x” ’s — —“y”"]),
        (r"\uc0\u233 t\u233 \uc2 \u8230..x\par", ["été…x"]),
        (r"\u-10179?\u-8704? smile\par", ["\U0001f600 smile"]),
        (r"some\-thing half\_done a\~b \{x\} \\\par", ["something half-done a\xa0b {x} \\"]),
        (r"One\par\par Two\par", ["One", "", "Two"]),
        (r"{\s1 }\pard\s1\outlinelevel0 One\par\pard Two\par", ["# One", "Two"]),
        (r"One.\page Two.\par He went\page home.\par", ["One.", "Two.", "He went home."]),
        (r"One.\par\pard\qc * * *\par\pard Two.\par", ["One.", "***", "Two."]),
        (r"{\field{\*\fldinst HYPERLINK x}{\fldrslt the map}}.\par", ["the map."]),
        (r"\pard\plain{\listtext\pard\plain 1.\tab}\ls1 An item.\par", ["An item."]),
        (r"{\pict\pngblip 89504e470d0a}Words.\par", ["Words."]),
        ("{\\pict\\bin5 }{\\xy}Words.\\par", ["Words."]),
        (r"{\*\unknown some data}Words.\par", ["Words."]),
        (
            r"{\shp{\*\shpinst\shpz0{\sp{\sn a}{\sv b}}{\shptxt In a box.\par}}{\shprslt In a box.}}Words.\par",
            ["Words.", "In a box."],
        ),
        (
            r"\trowd\cellx100\intbl They walked along the shore.\cell\row\pard Words.\par",
            ["They walked along the shore.", "Words."],
        ),
        (r"\pard\dropcapli3 W\par\pard e went.\par", ["We went."]),
    ],
)
def test_the_text_is_that_of_the_page(body: str, said: list[str]) -> None:
    assert texts(opened(rtf(STYLES + body))) == said


@pytest.mark.parametrize(
    ("aside", "what", "words"),
    [
        (r"{\v not for you}", "hidden text", 3),
        (r"\v not for you\v0 ", "hidden text", 3),
        (r"{\deleted old words}", "deleted text", 2),
        (r"{\footnote \pard\plain See the map.\par}", "footnotes", 3),
        (r"{\*\atnid Ed}{\chatn{\*\annotation\pard Rather slow\par}}", "comments", 2),
        (r"{\field{\*\fldinst PAGE }{\fldrslt 7}}", "page numbers", 1),
        (r"{\header\pard A. Writer\par}", "headers and footers", 2),
    ],
)
def test_what_is_no_prose_goes_and_is_counted(aside: str, what: str, words: int) -> None:
    document = opened(rtf(rf"{STYLES}\pard She went{aside} home.\par Later.\par"))
    assert texts(document) == ["She went home.", "Later."]
    assert left_out(document) == {what: words}


def test_a_reading_above_a_word_goes_and_the_word_stays() -> None:
    code = r"{\field{\*\fldinst { EQ \\* jc3 \\o\\al(\\s\\up 11(hana),flower)}}{\fldrslt {}}}"
    document = opened(rtf(rf"A {code}.\par\sect\sectd One.\par"))
    assert texts(document) == ["A flower.", "One."]
    assert left_out(document) == {"pronunciation guides": 1}


def test_insertions_stay_and_a_struck_out_paragraph_mark_joins() -> None:
    assert texts(opened(rtf(r"She {\revised really }went{\deleted\par} home.\par"))) == ["She really went home."]


def test_styles_say_what_is_a_title_hidden_or_a_list_of_contents() -> None:
    body = r"\pard\s2 The Ferry\par\pard\s3 One\tab 3\par\pard\s4 Fix this.\par\pard\s5 #\par\pard Words.\par"
    document = opened(rtf(STYLES + body))
    assert texts(document) == ["# The Ferry", "***", "Words."]
    assert left_out(document) == {"tables of contents": 2, "hidden text": 2}


def test_each_font_has_its_own_encoding() -> None:
    fonts = r"{\fonttbl{\f0\fcharset0 Times;}{\f1\fcharset204 Cyr;}{\f2\fcharset2 Wingdings;}{\f3\fcharset128 M;}}"
    body = r"caf\'e9 {\f1 \'c4\'e0} {\f3 \'89\'4a}\par\pard{\f2 \'9b}\par"
    assert texts(opened(rtf(fonts + body))) == ["café Да 雨", "***"]


def test_a_file_that_breaks_off_is_read_as_far_as_it_goes() -> None:
    document = opened(rtf(r"One.\par Two.\par Thr")[:-1])
    assert texts(document) == ["One.", "Two.", "Thr"]
    assert any("breaks off" in warning for warning in document.warnings)


def test_groups_may_nest_as_deep_as_they_like() -> None:
    assert "Words." in texts(opened(rtf("{" * 100_000 + "x" + "}" * 100_000 + r"\par Words.\par")))


def test_an_rtf_document_is_read_whatever_it_is_called(tmp_path: Path, paragraphs: list[str]) -> None:
    data = rtf("".join(rf"{text}\par " for text in paragraphs))
    corpus = read([write(tmp_path, "novel.txt", data)])
    assert corpus.text.split("\n\n") == paragraphs
    assert corpus.reports[0].encoding == "RTF document"
