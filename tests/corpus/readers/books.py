"""Files of each format, written by hand from its documented fields: the XML and nothing that a library adds to it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from kobold_modules.corpus.readers import Source, Structured, recognise


W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    """A zip of ``members``, always of the same date."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def opened(data: bytes, name: str = "book") -> Structured:
    """What the reader that knows ``data`` makes of it."""
    source = Source(name, data)
    reader = recognise(source)
    assert reader is not None
    return reader.read(source)


def texts(document: Structured) -> list[str]:
    """The blocks, each with a sign of its kind: ``# heading``, ``***``, an empty string, or a paragraph's text."""
    signs = {"heading": "# ", "break": "***"}
    return [signs.get(block.kind, "") + block.text for block in document.blocks]


def left_out(document: Structured) -> dict[str, int]:
    """Words left out, by kind."""
    return {left.what: left.words for left in document.left_out}


def docx(body: str, *, styles: str = "", parts: Mapping[str, str] = {}, main: str = "word/document.xml") -> bytes:
    """A Word document. ``parts`` go from a part's kind (``comments``, ``header``) to the XML inside its root."""
    names = {kind: f"word/{kind}.xml" for kind in [*parts, "styles"]}
    relations = "".join(
        f'<Relationship Id="r{kind}" Type="{_RELATIONS}/{kind}" Target="{kind}.xml"/>' for kind in names
    )
    folder, _, file = main.rpartition("/")
    wrap = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<w:{0} xmlns:w="' + W + '"'
    wrap += ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    wrap += ' xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
    wrap += ' xmlns:v="urn:schemas-microsoft-com:vml">{1}</w:{0}>'
    package = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
    return zipped(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
            "_rels/.rels": package.format(f'<Relationship Id="a" Type="{_RELATIONS}/officeDocument" Target="{main}"/>'),
            f"{folder}/_rels/{file}.rels": package.format(relations),
            main: wrap.format("document", f"<w:body>{body}</w:body>"),
            "word/styles.xml": wrap.format("styles", styles),
            **{names[kind]: wrap.format(kind, inside) for kind, inside in parts.items()},
        }
    )


def run(text: str, properties: str = "", *, tag: str = "t") -> str:
    """A run of a Word document."""
    inside = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{inside}<w:{tag} xml:space="preserve">{text}</w:{tag}></w:r>'


def para(*runs: str, properties: str = "") -> str:
    """A paragraph of a Word document; a piece without a tag in it becomes a run."""
    inside = f"<w:pPr>{properties}</w:pPr>" if properties else ""
    return f"<w:p>{inside}{''.join(piece if piece.startswith('<') else run(piece) for piece in runs)}</w:p>"


def write(folder: Path, name: str, data: bytes) -> Path:
    """The file ``name`` in ``folder``."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
