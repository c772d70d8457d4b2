"""Files of public reports, rebuilt with a text of ours: each must come out as the prose it holds, and nothing else.

The rows are those of ``shared/cases/reports.md``; each test stands for its kind.
"""

from __future__ import annotations

import random
import re
import textwrap

import pytest

from kobold_modules.corpus.cleaning.clean import clean
from kobold_modules.corpus.warnings import cleaning_warnings


LICENCE = "\n\n".join(
    f"Section {number}. Copies of this Project Gutenberg etext may be given away, and no money is given back for them."
    for number in range(1, 12)
)
START = "The Project Gutenberg EBook of Boats, by N\n\n*** START OF THIS PROJECT GUTENBERG EBOOK BOATS ***\n\n"
END = f"\n\n*** END OF THIS PROJECT GUTENBERG EBOOK BOATS ***\n\n{LICENCE}"


@pytest.fixture
def book(paragraphs: list[str]) -> str:
    """Return the prose with its lines broken at 70 characters."""
    return "\n\n".join(textwrap.fill(paragraph, 70) for paragraph in paragraphs)


def cleaned(text: str, *, markdown: bool = False) -> str:
    return clean(text, markdown=markdown)[0]


@pytest.mark.parametrize(
    "line",
    [
        "*END THE SMALL PRINT! FOR PUBLIC DOMAIN EBOOKS*Ver.10/04/01*END*",
        "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*",
    ],
)
def test_small_print_ends_where_the_book_begins(line: str, book: str, prose: str) -> None:
    """T02."""
    head = f"The Project Gutenberg Etext of Boats\n\n{LICENCE}\n\n{line}\n\n"
    assert cleaned(f"{head}{book}\n\nEnd of Project Gutenberg Etext of Boats\n") == prose


@pytest.mark.parametrize(
    "line",
    [
        "Ende dieses Projekt Gutenberg Etextes Boats",
        "Fin de Project Gutenberg's Boats, par N",
        "Fin del Proyecto Gutenberg de Boats",
        "Fine del Progetto Gutenberg di Boats",
        "Einde van Project Gutenberg's Boats",
    ],
)
def test_end_lines_of_other_languages(line: str, book: str, prose: str) -> None:
    """T03."""
    assert cleaned(f"{START}{book}\n\n{line}\n\n{LICENCE}") == prose


def test_an_end_line_without_a_frame_deletes_nothing(prose: str) -> None:
    """T03: a story about the archive keeps what follows its jokes."""
    text = f"{prose}\n\nEnd of Project Gutenberg nonsense\n\n{prose}"
    assert cleaned(text).count("Marta put down") == 2


def test_licence_goes_on_behind_the_newsletter(book: str, prose: str) -> None:
    """T05."""
    paths = (
        "Subscribe to our email newsletter to hear about new eBooks.\n\neBooks filed before 2003 are found here:\n\n"
        "    http://www.example.org/etext06\n\n  (Or /etext 05, 04, 03, 02, 01, 00, 99,\n   98, 97, 96, 95 or 90)\n\n"
        "*** END: FULL LICENSE ***\n"
    )
    assert cleaned(f"{START}{book}\n\nEnd of the Project Gutenberg EBook of Boats\n\n{LICENCE}\n\n{paths}") == prose


def test_start_line_of_three_lines(book: str, prose: str) -> None:
    """T07."""
    start = "Project Gutenberg\n\n*** START OF THE PROJECT GUTENBERG EBOOK A LONG\nTITLE OVER\nTHREE LINES ***\n\n"
    assert cleaned(f"{start}{book}{END}") == prose


@pytest.mark.parametrize(
    "credit",
    [
        "This etext was prepared by Nan Nobody",
        "Transcribed from the 1908 edition by N, email n@example.org",
        "Scanned and proofed by Nan Nobody",
        "+------------------------+\n| Transcriber's Note     |\n| Spelling is retained.  |\n"
        "+------------------------+",
        "Transcriber's Notes:\n\nObvious printer's errors were corrected; spelling stands as it was.",
        "Anmerkungen zur Transkription:\n\nDruckfehler wurden korrigiert.",
    ],
    ids=["etext", "transcribed", "scanned", "box", "heading", "german"],
)
def test_credits_below_the_start_go(credit: str, book: str, prose: str) -> None:
    """T08."""
    assert cleaned(f"{START}{credit}\n\n{book}{END}") == prose


def test_rights_words_in_a_story_stay(paragraphs: list[str]) -> None:
    """T11."""
    said = [
        "She turned the postcard over. © Harrow & Sons, 1951, it said, and under that a number.",
        '"All rights reserved," said Mulley, and grinned.',
        "He looked for the ISBN on the back, found none, and put it down.",
    ]
    text = "\n\n".join([*paragraphs[:3], *said, *paragraphs[3:]])
    assert cleaned(text) == text
    assert cleaned("\n\n".join(textwrap.fill(part, 70) for part in text.split("\n\n"))) == text


@pytest.mark.parametrize("indent", [False, True], ids=["wider-gap", "indent"])
def test_double_spaced_manuscript(indent: bool, book: str, prose: str) -> None:
    """T20: where a wider gap or an indent tells the paragraphs, they are the writer's."""
    paragraphs = ["\n\n".join(part.split("\n")) for part in book.split("\n\n")]
    text = "\n\n".join(f"     {part}" for part in paragraphs) if indent else "\n\n\n".join(paragraphs)
    assert cleaned(text) == prose


def test_double_spaced_without_a_sign_is_a_guess_and_said_to_be_one(book: str, prose: str) -> None:
    """T20."""
    text, changes = clean("\n\n".join(re.sub(r"\n+", "\n", book).split("\n")))
    assert text.split() == prose.split()
    assert any("double-spaced" in warning for warning in cleaning_warnings(changes, len(text)))


def test_chinese_and_japanese_lines_are_joined_without_a_space() -> None:
    """T21."""
    for text, width in (
        ("老人坐在火边，听着雨声，想起了很久以前的那个冬天。他的女儿走到外面去看河水。天已经黑了，没有人说话。", 35),
        ("昔々、ある所に、お爺さんとお婆さんがいました。お爺さんは山へ芝刈りに、お婆さんは川へ洗濯に行きました。", 30),
    ):
        cut = "\n".join(text[at : at + width] for at in range(0, len(text), width))
        assert cleaned("\n\n".join([cut] * 40)) == "\n\n".join([text] * 40)


def test_page_numbers_in_small_roman_numerals(book: str, prose: str) -> None:
    """T24."""
    out: list[str] = []
    numbers = iter(["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"])
    for number, line in enumerate(book.split("\n"), 1):
        out += [line, "", next(numbers), ""] if number in (1, 8, 13, 20) else [line]
    assert cleaned("\n".join(out)) == prose


@pytest.mark.parametrize(
    ("torn", "whole"),
    [
        ("W e went down.", "We went down."),
        ("W\n\nE went down.", "We went down."),
        ("T HE boat came.", "The boat came."),
        ("W\nhen the rain came, they went.", "When the rain came, they went."),
        ("A man came.", "A man came."),
        ("I was there.", "I was there."),
        ("M smiled at them.", "M smiled at them."),
    ],
)
def test_torn_initials(torn: str, whole: str, paragraphs: list[str]) -> None:
    """T26."""
    text = "\n\n".join([*paragraphs[:4], torn, *paragraphs[4:]])
    assert cleaned(text) == "\n\n".join([*paragraphs[:4], whole, *paragraphs[4:]])


@pytest.mark.parametrize(("one", "two"), [("{1}", "{2}"), ("¹", "²"), ("[1]", "[2]"), ("[*]", "[†]")])
def test_footnotes_in_other_habits(one: str, two: str, paragraphs: list[str], prose: str) -> None:
    """T27."""
    noted = [*paragraphs[:4], paragraphs[4] + one, paragraphs[5] + two, *paragraphs[6:]]
    assert cleaned("\n\n".join([*noted, f"{one} On the harbour.", f"{two} On the boats, and longer."])) == prose


def test_starred_note_below_its_paragraph(paragraphs: list[str], prose: str) -> None:
    """T27."""
    noted = [*paragraphs[:4], paragraphs[4] + "*", "* On the harbour, by the author.", *paragraphs[5:]]
    assert cleaned("\n\n".join(noted)) == prose


@pytest.mark.parametrize("quoted", [r"``\1''", r"`\1'", r"''\1''"])
def test_typewriter_quotes(quoted: str, book: str, prose: str) -> None:
    """T29."""
    assert cleaned(re.sub(r'"([^"]*?)"', quoted, book)) == prose


def test_html_in_a_text_file(paragraphs: list[str], prose: str) -> None:
    """T31."""
    page = "".join(f"<p>{part}</p>\n" for part in paragraphs)
    page += (
        "<o:p></o:p><hr><h2>Two</h2><p>It was <ins>there</ins>.</p><!-- note --><script>var x=1;</script>"
        "<p>A caf&eacute; for &pound;5.</p>"
    )
    assert cleaned(page) == f"{prose}\n\n* * *\n\nIt was there.\n\nA café for £5."


def test_archive_preface_and_authors_notes(paragraphs: list[str], prose: str) -> None:
    """T33."""
    front = (
        "Boats\nPosted originally on the Archive of Our Own at http://archiveofourown.org/works/1.\n\nRating: Teen\n"
        "Additional Tags: Sea, Rain\nLanguage: English\n\nSummary\n\nTwo people wait.\n\nNotes\n\nBe kind, please!\n\n"
    )
    noted = [*paragraphs[:6], "A/N: sorry for the delay, exams!", *paragraphs[6:], "Please comment and kudos!"]
    assert cleaned(front + "\n\n".join(noted)) == prose


def test_summary_and_notes_in_a_novel_stay(paragraphs: list[str]) -> None:
    """T33: without an archive around them they are anybody's words."""
    text = "\n\n".join([*paragraphs[:4], '"Please review it," he said.', "Notes fell from the piano.", *paragraphs[4:]])
    assert cleaned(text) == text


@pytest.mark.parametrize(
    "page",
    [
        "Nan Nobody\n14 Harbour Street\nSaltmere, NX 12345\nTel. 01234 567890\nnan@example.org\n\nabout 1,300 words\n",
        "Nan Nobody                          about 1,300 words\n14 Harbour Street\n01234 567890\nnan@example.org\n",
        "Nan Niemand\nHafenstraße 14\n12345 Salzmeer\nTelefon: 01234/567890\nca. 1.300 Wörter\n",
    ],
    ids=["english", "two-columns", "german"],
)
def test_name_and_address_never_reach_a_module(page: str, prose: str) -> None:
    """T34."""
    text = cleaned(f"{page}\n\n\nTHE BOATS\n\nby Nan Nobody\n\n\n{prose}")
    assert text == prose


def test_address_below_the_end_goes(prose: str) -> None:
    """T34."""
    text = cleaned(f"{prose}\n\nTHE END\n\nNan Nobody\n14 Harbour Street\nnan@example.org\n")
    assert text == prose


def test_a_letter_keeps_its_head(prose: str) -> None:
    """T34: a letter or a mail in a story is no manuscript's first page."""
    letter = "From: mara@example.org\nTo: tom@example.org\nSubject: The boats\n\nDear Tom, come at once."
    assert "mara@example.org" in cleaned(f"{letter}\n\n{prose}")


@pytest.mark.parametrize("ornament", ["─────────", "＊　＊　＊", "† † †", "═══", "~*~", "❖ ❖ ❖", "-x-", "✻"])
def test_ornaments_are_scene_breaks(ornament: str, paragraphs: list[str]) -> None:
    """T35."""
    text = "\n\n".join([*paragraphs[:4], ornament, *paragraphs[4:]])
    assert cleaned(text) == "\n\n".join([*paragraphs[:4], "* * *", *paragraphs[4:]])


def test_silence_is_no_scene_break(paragraphs: list[str]) -> None:
    """T35: what is said stays."""
    for said in ("...", "?!", '"..."', "& so on", "100 %"):
        assert said in cleaned("\n\n".join([*paragraphs[:4], said, *paragraphs[4:]])).split("\n\n")


NOISE = "".join(random.Random(1).choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", k=22_000))


@pytest.mark.parametrize("shape", ["inline", "reference", "bare", "lines"])
def test_pictures_pasted_as_letters(shape: str, paragraphs: list[str], prose: str) -> None:
    """T37."""
    picture = {
        "inline": f"![](data:image/png;base64,{NOISE})",
        "reference": f"![a][b]\n\n[b]: <data:image/png;base64,{NOISE}>",
        "bare": NOISE,
        "lines": "\n".join(textwrap.wrap(NOISE, 76)),
    }[shape]
    text = "\n\n".join([*paragraphs[:4], picture, *paragraphs[4:]])
    assert cleaned(text, markdown=shape in ("inline", "reference")) == prose


def test_notes_to_oneself_in_a_vault(paragraphs: list[str], prose: str) -> None:
    """T38."""
    noted = [*paragraphs[:4], paragraphs[4] + " ^block1", "> [!note] Plot hole\n> Who had the key?", "#lifts/rope"]
    text = "\n\n".join([*noted, "- [ ] look at the rope", "mood:: grey", *paragraphs[5:]])
    assert cleaned(text, markdown=True) == prose


@pytest.mark.parametrize(
    ("marked", "words"),
    [
        ("[Harrow]{.smallcaps} said so.", "Harrow said so."),
        ("[]{#a}It was so.", "It was so."),
        ("The 1^st^ of H~2~O.", "The 1st of H2O."),
        ("It was `x`{=html} there.", "It was x there."),
        ("| Down came the rope\n| and he.", "Down came the rope\nand he."),
        ("As said [@doe99, p. 3].", "As said."),
    ],
)
def test_pandoc_signs_go_and_words_stay(marked: str, words: str) -> None:
    """T40."""
    assert cleaned(marked, markdown=True) == words


def test_scrivener_rests_go(paragraphs: list[str], prose: str) -> None:
    """T42."""
    assert cleaned("<$n>\n\n" + "\n\n".join(f"<$Scr_Ps::0>{part}<!$Scr_Cs::1>" for part in paragraphs)) == prose


def test_role_play_stars_stay_where_most_paragraphs_have_them(prose: str) -> None:
    """T44: and are told; elsewhere --keep stars keeps them."""
    play = "\n\n".join(f'Mara: *steps back, {number} paces* "No, Tom."' for number in range(12))
    text, changes = clean(play)
    assert text == play
    assert any("stars were kept" in warning for warning in cleaning_warnings(changes, len(text)))
    one = f'{prose}\n\nMara: *steps back* "No."'
    assert "*steps back*" not in cleaned(one)
    assert "*steps back*" in clean(one, keep=["stars"])[0]


def test_a_deletion_over_a_tenth_is_said(book: str) -> None:
    text, changes = clean(f"{START}{book}{END}")
    (warning,) = cleaning_warnings(changes, len(text))
    assert "Project Gutenberg frames removed" in warning
    assert "--keep gutenberg" in warning
