"""Inputs for ``corpus_quality``: known prose, broken the way the files of public reports are broken.

Each is a name, the bytes of a file with its suffix, and the words that must come out. The reports are rows T of
``shared/cases/reports.md``; the recipes are theirs, the texts our own.
"""

from __future__ import annotations

import random
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common import SHARED


SAMPLES = Path(__file__).parent.parent / "sample_texts"
CORPORA = SHARED / "corpora"
START = (
    "The Project Gutenberg EBook of X, by N\n\nThis is for anyone.\n\n*** START OF THIS PROJECT GUTENBERG "
    "EBOOK X ***\n\n"
)
LICENCE = "\n\n".join(
    f"Paragraph {number} of the licence: you may copy this Project Gutenberg etext and give it away under these "
    f"terms, and "
    f"money paid for copies is not given back, as said in section {number}."
    for number in range(1, 12)
)
END = f"\n\n*** END OF THIS PROJECT GUTENBERG EBOOK X ***\n\n{LICENCE}"


NO_QUOTES = str.maketrans({"„": '"', "“": '"', "”": '"', "’": "'", "…": "..."})  # DOS had none


@dataclass(frozen=True)
class Input:
    """A file to read and what must come out of it.

    Attributes:
        name: which row or format.
        suffix: of the file.
        data: its bytes.
        prose: the known text.
    """

    name: str
    suffix: str
    data: bytes
    prose: str


def prose() -> str:
    """Return the text that most inputs hold: 59 paragraphs below a title."""
    text = (SAMPLES / "noir" / "the-long-drop.txt").read_text("utf-8")
    paragraphs = [part for part in text.split("\n\n")[1:60] if part.strip()]
    heading = re.compile(r"[\dIVX]+\.?|\* \* \*")
    return "\n\n".join(part for part in paragraphs if not heading.fullmatch(part.strip()))


def wrapped(text: str, width: int = 70) -> str:
    """Return ``text`` with its lines broken at ``width``."""
    return "\n\n".join(textwrap.fill(part, width) for part in text.split("\n\n"))


def inputs() -> Iterator[Input]:
    """Yield the rebuilt inputs."""
    known = prose()
    for name, text, suffix, expected in (*_frames(known), *_pages(known), *_markup(known), *_layouts(known)):
        yield Input(name, suffix, text.encode(), expected)
    yield from _encodings()
    for file in sorted(CORPORA.glob("*.txt")):
        text = _part(file.read_text("utf-8"))
        book = f"{START}{wrapped(text)}{END}".replace("\n", "\r\n")
        yield Input(f"corpus {file.stem}", ".txt", book.encode(), text)


def _part(text: str) -> str:
    """Return some hundred paragraphs from the middle of a book, sentences all."""
    paragraphs = text.split("\n\n")
    middle = paragraphs[len(paragraphs) // 3 :][:400]
    return "\n\n".join(part for part in middle if len(part) > 60 and "\n" not in part and part[-1] in ".!?\"'")


def _frames(known: str) -> Iterator[tuple[str, str, str, str]]:
    book = wrapped(known)
    small = "*END THE SMALL PRINT! FOR PUBLIC DOMAIN EBOOKS*Ver.10/04/01*END*"
    yield (
        "T02",
        f"The Project Gutenberg Etext of X\n\n{LICENCE}\n\n{small}\n\n{book}\n\nEnd of Project Gutenberg Etext of X\n",
        ".txt",
        known,
    )
    for language, line in (
        ("de", "Ende dieses Projekt Gutenberg Etextes X"),
        ("fr", "Fin de Project Gutenberg's X, par N"),
        ("es", "Fin del Proyecto Gutenberg de X"),
        ("nl", "Einde van Project Gutenberg's X"),
    ):
        yield f"T03 {language}", f"{START}{book}\n\n{line}\n\n{LICENCE}", ".txt", known
    paths = (
        "Subscribe to our email newsletter to hear about new eBooks.\n\neBooks filed before 2003 are found below:\n\n"
        "    http://www.example.org/etext06\n\n  (Or /etext 05, 04, 03, 02, 01, 00, 99,\n   98, 97, 96, 95 or 90)\n\n"
        "EBooks filed since then, with numbers OVER #10000, are filed in another way.\n\n"
        "    http://www.example.org/1/0/2/3/10234\n\n*** END: FULL LICENSE ***\n"
    )
    yield (
        "T05",
        f"{START}{book}\n\nEnd of the Project Gutenberg EBook of X, by N\n\n{LICENCE}\n\n{paths}",
        ".txt",
        known,
    )
    three = "*** START OF THIS PROJECT GUTENBERG EBOOK A LONG\nTITLE OVER\nTHREE LINES ***"
    yield "T07", f"The Project Gutenberg EBook of A\n\n{three}\n\n{book}{END}", ".txt", known
    box = (
        "+------------------------------+\n| Transcriber's Note           |\n|                              "
        "|\n| Spelling is retained.        |\n+------------------------------+"
    )
    for number, credit in enumerate(
        (
            "This etext was prepared by Nan Nobody",
            "Transcribed from the 1908 edition by N, email n@example.org",
            "Scanned and proofed by Nan Nobody",
            box,
            "Transcriber's Notes:\n\nObvious printer's errors were corrected; spelling stands as it was.",
        )
    ):
        yield f"T08.{number}", f"{START}{credit}\n\n{book}{END}", ".txt", known
    signs = (
        "She turned the postcard over. © Harrow & Sons, 1951, it said, and under that a number.",
        '"All rights reserved," said Mulley, and grinned.',
        "He looked for the ISBN on the back, found none, and put it down.",
    )
    paragraphs = known.split("\n\n")
    with_signs = "\n\n".join([*paragraphs[:3], *signs, *paragraphs[3:]])
    yield "T11", with_signs, ".txt", with_signs
    yield "T11 wrapped", wrapped(with_signs), ".txt", with_signs
    imprint = (
        "Copyright © 2019 by Nan Nobody\n\nAll rights reserved.\n\nISBN 978-3-16-148410-0\n\nThis is a "
        "work of fiction. Names, characters and places are invented."
    )
    yield "imprint", f"{imprint}\n\n{known}", ".txt", known


def _pages(known: str) -> Iterator[tuple[str, str, str, str]]:
    paragraphs = known.split("\n\n")
    lines = wrapped(known).split("\n")
    for name, numbers in (
        ("T24", ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"]),
        ("page numbers", [str(n) for n in range(9, 20)]),
    ):
        out: list[str] = []
        for number, line in enumerate(lines, 1):
            out += [line, "", numbers[number // 40 - 1], ""] if number % 40 == 0 else [line]
        yield name, "\n".join(out), ".txt", known
    at = next(at for at, part in enumerate(paragraphs) if part.startswith("The "))
    for name, torn in (("T26", "T he "), ("T26 line", "T\nHE "), ("T26 paragraph", "T\n\nhe ")):
        yield name, "\n\n".join([*paragraphs[:at], torn + paragraphs[at][4:], *paragraphs[at + 1 :]]), ".txt", known
    for name, first, second in (("T27 {}", "{1}", "{2}"), ("T27 ¹", "¹", "²"), ("T27 []", "[1]", "[2]")):
        noted = [*paragraphs[:4], paragraphs[4] + first, *paragraphs[5:7], paragraphs[7] + second, *paragraphs[8:]]
        yield (
            name,
            "\n\n".join([*noted, f"{first} On the harbour.", f"{second} On the boats, and longer."]),
            ".txt",
            known,
        )
    starred = [*paragraphs[:4], paragraphs[4] + "*", "* On the harbour, by the author.", *paragraphs[5:]]
    yield "T27 *", "\n\n".join(starred), ".txt", known
    front = (
        "The Long Drop\nPosted originally on the Archive of Our Own at http://archiveofourown.org/works/1.\n\n"
        "Rating: Teen\n"
        "Archive Warning: None\nFandom: Original Work\nAdditional Tags: Noir, Rain\nLanguage: English\n\n"
        "Summary\n\nA man falls.\n\n"
        "Notes\n\nWritten in a week, be kind!\n\n"
    )
    noted = [*paragraphs[:20], "A/N: sorry for the delay, exams!", *paragraphs[20:], "Please comment and kudos!"]
    yield "T33", front + "\n\n".join(noted), ".txt", known
    first_page = (
        "Nan Nobody\n14 Harbour Street\nSaltmere, NX 12345\nTel. 01234 567890\nnan@example.org\n\n"
        "about 1,300 words\n\n\n\n"
    )
    yield "T34", f"{first_page}THE LONG DROP\n\nby Nan Nobody\n\n\n{known}", ".txt", known


def _markup(known: str) -> Iterator[tuple[str, str, str, str]]:
    paragraphs = known.split("\n\n")
    html = "".join(f"<p>{part}</p>\n" for part in paragraphs)
    html += (
        "<o:p></o:p><hr><p>It was <ins>there</ins> at the door.</p><!-- note --><script>var "
        "x=1;</script><p>A caf&eacute; for &pound;5.</p>"
    )
    yield "T31", html, ".txt", f"{known}\n\nIt was there at the door.\n\nA café for £5."
    chance = random.Random(1)
    noise = "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", k=22_000))
    halves = "\n\n".join(paragraphs[:9]), "\n\n".join(paragraphs[9:])
    yield "T37", f"{halves[0]}\n\n![](data:image/png;base64,{noise})\n\n{halves[1]}", ".md", known
    yield "T37 named", f"{halves[0]}\n\n![a][b]\n\n{halves[1]}\n\n[b]: <data:image/png;base64,{noise}>\n", ".md", known
    yield "T37 txt", f"{halves[0]}\n\n{noise}\n\n{halves[1]}", ".txt", known
    vault = (
        f"{halves[0]} ^block1\n\n> [!note] Plot hole\n> Who had the key?\n\n#lifts/rope\n\n- [ ] look at "
        f"the rope\n\n{halves[1]}"
    )
    yield "T38", vault, ".md", known
    pandoc = "She read [Harrow]{.smallcaps} and []{#a}the 1^st^ of H~2~O.\n\n| Down came the rope\n| and down came he"
    yield (
        "T40",
        f"{known}\n\n{pandoc}\n",
        ".md",
        f"{known}\n\nShe read Harrow and the 1st of H2O.\n\nDown came the rope and down came he",
    )
    yield "T42", "\n\n".join(f"<$Scr_Ps::0>{part}<!$Scr_Ps::0>" for part in paragraphs), ".txt", known
    play = "\n\n".join(f'Mara: *steps back, {number} paces* "No, Tom."' for number in range(30))
    yield "T44", play, ".txt", play
    for name, ornament in enumerate(("─────────", "＊　＊　＊", "† † †", "o0o", "❦")):
        yield f"T35.{name}", f"{halves[0]}\n\n{ornament}\n\n{halves[1]}", ".txt", known


def _layouts(known: str) -> Iterator[tuple[str, str, str, str]]:
    book = wrapped(known)
    yield "wrapped", book, ".txt", known
    yield "T20 wide", "\n\n\n".join("\n\n".join(part.split("\n")) for part in book.split("\n\n")), ".txt", known
    indented = "\n\n".join("     " + "\n\n".join(part.split("\n")) for part in book.split("\n\n"))
    yield "T20 indent", indented, ".txt", known
    yield "T20 same", "\n\n".join(book.replace("\n\n", "\n").split("\n")), ".txt", known
    chinese = "老人坐在火边，听着雨声，想起了很久以前的那个冬天。他的女儿走到外面去看河水。天已经黑了，没有人说话。"
    cut = "\n\n".join("\n".join(chinese[at : at + 35] for at in range(0, len(chinese), 35)) for _ in range(80))
    yield "T21", cut, ".txt", "\n\n".join([chinese] * 80)
    yield "T29 ``", re.sub(r'"([^"]*?)"', r"``\1''", book), ".txt", known
    yield "T29 `", re.sub(r'"([^"]*?)"', r"`\1'", book), ".txt", known


def _encodings() -> Iterator[Input]:
    german = "\n\n".join(["„Müller ging über die Brücke“, sagte Käthe; draußen fiel Schnee, größer als zuvor."] * 30)
    french = "\n\n".join(["« Où êtes-vous ? » demanda-t-il. L’été était fini, et la forêt, déjà, se taisait…"] * 30)
    russian = "\n\n".join(["Все счастливые семьи похожи друг на друга, и он вышел на улицу, чтобы пойти домой."] * 30)
    japanese = "\n\n".join(["昔々、ある所に、お爺さんとお婆さんがいました。川上から大きな桃が流れて来ました。"] * 30)
    for text, codecs in (
        (german, ("mac_roman", "cp1252", "cp437", "utf-16-le")),
        (french, ("mac_roman", "cp1252", "cp850")),
        (russian, ("koi8_r", "cp1251", "cp866", "mac_cyrillic", "utf-16-le", "utf-16-be")),
        (japanese, ("cp932", "euc_jp", "utf-16-le")),
    ):
        for codec in codecs:
            had = text.translate(NO_QUOTES) if codec in ("cp437", "cp850", "koi8_r", "cp866") else text
            yield Input(f"{text[:8].strip()} {codec}", ".txt", had.encode(codec), text)
    mixed = b"\n\n".join(
        part.encode("cp1252" if at % 5 == 0 else "utf-8") for at, part in enumerate(french.split("\n\n"))
    )
    yield Input("mixed UTF-8 and Windows-1252", ".txt", mixed, french)
