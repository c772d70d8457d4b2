"""A manuscript as LibreOffice's flat XML, from which LibreOffice itself writes every other format.

``python -m tests.corpus.readers.manuscript FOLDER`` writes them to look at; nothing binary is kept in the repository.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

from kobold_modules.evaluation.control_texts import samples_folder


SOFFICE = shutil.which("soffice")
LOCK = Path(os.environ.get("KOBOLD_MODULES_HEAVY_LOCK", "/tmp/kobold-modules-soffice.lock"))
_SPACES = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
    "fo": "urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0",
    "draw": "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0",
    "svg": "urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0",
    "dc": "http://purl.org/dc/elements/1.1/",
}
_STYLES = """
<office:styles>
  <style:style style:name="Standard" style:family="paragraph"/>
  <style:style style:name="Heading" style:family="paragraph" style:parent-style-name="Standard">
    <style:text-properties fo:font-size="18pt" fo:font-weight="bold"/></style:style>
  <style:style style:name="Heading_20_1" style:display-name="Heading 1" style:family="paragraph"
    style:parent-style-name="Heading" style:default-outline-level="1"/>
  <style:style style:name="Title" style:family="paragraph" style:parent-style-name="Heading"/>
</office:styles>
<office:automatic-styles>
  <style:style style:name="P1" style:family="paragraph" style:parent-style-name="Standard">
    <style:paragraph-properties fo:text-indent="0.8cm" fo:text-align="justify"/></style:style>
  <style:style style:name="P2" style:family="paragraph" style:parent-style-name="Standard">
    <style:paragraph-properties fo:text-align="center"/></style:style>
  <style:style style:name="T1" style:family="text"><style:text-properties fo:font-style="italic"/></style:style>
  <style:style style:name="T2" style:family="text"><style:text-properties text:display="none"/></style:style>
  <style:page-layout style:name="pm1"><style:page-layout-properties fo:page-width="14cm" fo:page-height="21cm"
    fo:margin-top="1.5cm" fo:margin-bottom="1.5cm" fo:margin-left="1.5cm" fo:margin-right="1.5cm"/>
    <style:header-style/><style:footer-style/></style:page-layout>
</office:automatic-styles>
<office:master-styles><style:master-page style:name="Standard" style:page-layout-name="pm1">
  <style:header><text:p>A Writer of Books</text:p></style:header>
  <style:footer><text:p text:style-name="P2"><text:page-number/></text:p></style:footer>
</style:master-page></office:master-styles>
"""
_INDENTED = 'fo:text-indent="0.8cm" fo:text-align="justify"'
_SPACED = 'fo:margin-bottom="0.35cm" fo:text-align="left"'
NOTE = (
    '<text:note text:id="ftn1" text:note-class="footnote"><text:note-citation>1</text:note-citation>'
    "<text:note-body><text:p>A note from below.</text:p></text:note-body></text:note>"
)
COMMENT = (
    '<office:annotation office:name="c1"><dc:creator>Editor</dc:creator><dc:date>2026-01-01T00:00:00</dc:date>'
    "<text:p>Rather slow here.</text:p></office:annotation>"
)
HIDDEN = '<text:span text:style-name="T2">Nobody sees this at all.</text:span>'
DELETED = (
    '<text:tracked-changes><text:changed-region xml:id="d1" text:id="d1"><text:deletion><office:change-info>'
    "<dc:creator>Editor</dc:creator><dc:date>2026-01-01T00:00:00</dc:date></office:change-info>"
    "<text:p>Words that were struck out. </text:p></text:deletion></text:changed-region>"
    '<text:changed-region xml:id="i1" text:id="i1"><text:insertion><office:change-info>'
    "<dc:creator>Editor</dc:creator><dc:date>2026-01-01T00:00:00</dc:date></office:change-info>"
    "</text:insertion></text:changed-region></text:tracked-changes>"
)


def story() -> list[str]:
    """Return one of our sample texts: its paragraphs, ``# `` in front of the titles of its chapters."""
    file = samples_folder() / "gothic" / "the-house-at-saltmere.txt"
    paragraphs = file.read_text(encoding="utf-8").strip().split("\n\n")
    return [f"# {text}" if text.startswith("Chapter the ") else text for text in paragraphs]


def flat(paragraphs: Iterable[str], *, asides: bool = False, indents: bool = True) -> str:
    """Return a manuscript as flat XML: titles as headings, ``* * *`` centred, a few words in italics.

    Args:
        paragraphs: as of :func:`story`.
        asides: whether a footnote, a comment, a deletion, an insertion and hidden text stand in it, too.
        indents: whether a paragraph begins with an indent, and not after a gap.
    """
    body: list[str] = []
    plain = 0
    for text in paragraphs:
        if text.startswith("# "):
            body.append(f'<text:h text:style-name="Heading_20_1" text:outline-level="1">{escape(text[2:])}</text:h>')
            continue
        if text == "* * *":
            body.append(f'<text:p text:style-name="P2">{text}</text:p>')
            continue
        plain += 1
        words = escape(text).split(" ")
        if len(words) > 8:
            words[3:5] = [f'<text:span text:style-name="T1">{" ".join(words[3:5])}</text:span>']
        inside = " ".join(words)
        if asides and plain % 7 == 2 and len(words) > 8:
            head, tail = " ".join(words[:-1]), words[-1]
            first = {2: NOTE + COMMENT, 9: '<text:change text:change-id="d1"/>', 16: HIDDEN}.get(plain, "")
            inside = f"{head} {first}{tail}" if plain != 2 else f"{head} {tail}{first}"
        if asides and plain == 23:
            inside = f'<text:change-start text:change-id="i1"/>{inside}<text:change-end text:change-id="i1"/>'
        body.append(f'<text:p text:style-name="P1">{inside}</text:p>')
    styles = _STYLES if indents else _STYLES.replace(_INDENTED, _SPACED)
    spaces = " ".join(f'xmlns:{name}="{address}"' for name, address in _SPACES.items())
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document {spaces} office:version="1.2" '
        f'office:mimetype="application/vnd.oasis.opendocument.text">{styles}<office:body><office:text>'
        f"{DELETED if asides else ''}{''.join(body)}</office:text></office:body></office:document>"
    )


def convert(source: Path, formats: Iterable[str], folder: Path) -> dict[str, Path]:
    """Let LibreOffice write ``source`` in each of ``formats`` into ``folder``; those that it can not are left out.

    Raises:
        subprocess.SubprocessError: if it takes minutes.
    """
    assert SOFFICE is not None
    made = {}
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for format in formats:
            subprocess.run(
                [SOFFICE, "--headless", profile, "--convert-to", format, "--outdir", str(folder), str(source)],
                check=False,
                capture_output=True,
                timeout=600,
            )
            if (path := folder / f"{source.stem}.{format.partition(':')[0]}").exists():
                made[format] = path
    return made


if __name__ == "__main__":
    target = Path(sys.argv[1])
    for name, with_asides in (("plain", False), ("asides", True)):
        original = target / f"{name}.fodt"
        original.write_text(flat(story(), asides=with_asides), encoding="utf-8")
        print(convert(original, ["odt", "docx", "rtf", "html", "epub", "fb2", "pdf", "doc", "txt"], target))
