"""Files of each format, written by hand from its documented fields: the XML and nothing that a library adds to it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from kobold_modules.corpus.readers import Source, Structured, recognise


W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    """Make a zip of ``members``, always of the same date."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def opened(data: bytes, name: str = "book") -> Structured:
    """Return what the reader that knows ``data`` makes of it."""
    source = Source(name, data)
    reader = recognise(source)
    assert reader is not None
    return reader.read(source)


def texts(document: Structured) -> list[str]:
    """Return the blocks, each with its kind's sign: ``# heading``, ``***``, an empty string, or a paragraph's text."""
    signs = {"heading": "# ", "break": "***"}
    return [signs.get(block.kind, "") + block.text for block in document.blocks]


def left_out(document: Structured) -> dict[str, int]:
    """Return words left out, by kind."""
    return {left.what: left.words for left in document.left_out}


def docx(body: str, *, styles: str = "", parts: Mapping[str, str] = {}, main: str = "word/document.xml") -> bytes:
    """Make a Word document. ``parts`` go from a part's kind (``comments``, ``header``) to the XML inside its root."""
    names = {kind: f"word/{kind}.xml" for kind in [*parts, "styles"]}
    relations = "".join(f'<Relationship Id="r{kind}" Type="{RELATIONS}/{kind}" Target="{kind}.xml"/>' for kind in names)
    folder, _, file = main.rpartition("/")
    wrap = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<w:{0} xmlns:w="' + W + '"'
    wrap += ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    wrap += ' xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
    wrap += ' xmlns:o="urn:schemas-microsoft-com:office:office"'
    wrap += ' xmlns:v="urn:schemas-microsoft-com:vml">{1}</w:{0}>'
    package = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
    return zipped(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
            "_rels/.rels": package.format(f'<Relationship Id="a" Type="{RELATIONS}/officeDocument" Target="{main}"/>'),
            f"{folder}/_rels/{file}.rels": package.format(relations),
            main: wrap.format("document", f"<w:body>{body}</w:body>"),
            "word/styles.xml": wrap.format("styles", styles),
            **{names[kind]: wrap.format(kind, inside) for kind, inside in parts.items()},
        }
    )


def run(text: str, properties: str = "", *, tag: str = "t") -> str:
    """Return a run of a Word document."""
    inside = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{inside}<w:{tag} xml:space="preserve">{text}</w:{tag}></w:r>'


def para(*runs: str, properties: str = "") -> str:
    """Return a paragraph of a Word document; a piece without a tag in it becomes a run."""
    inside = f"<w:pPr>{properties}</w:pPr>" if properties else ""
    return f"<w:p>{inside}{''.join(piece if piece.startswith('<') else run(piece) for piece in runs)}</w:p>"


def write(folder: Path, name: str, data: bytes) -> Path:
    """Write the file ``name`` in ``folder``."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def epub(
    pages: Mapping[str, str | bytes],
    *,
    nav: str = "",
    ncx: str = "",
    guide: str = "",
    spine: str = "",
    extra: Mapping[str, str | bytes] = {},
) -> bytes:
    """Make an e-book. ``pages`` go from an address to a body; a page that is bytes is taken as it is.

    ``nav`` and ``ncx`` are tables of contents, ``guide`` that of EPUB 2, ``spine`` another order of the pages.
    """
    names = {address: f"p{number}" for number, address in enumerate(pages)}
    items = "".join(
        f'<item id="{name}" href="{address}" media-type="application/xhtml+xml"/>' for address, name in names.items()
    )
    if nav:
        items += '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
    if ncx:
        items += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
    items += '<item id="css" href="style.css" media-type="text/css"/>'
    order = spine or "".join(f'<itemref idref="{name}"/>' for name in names.values())
    wrap = (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html>'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
        "<head><title>A title</title></head>{}</html>"
    )
    members: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">'
        '<rootfiles><rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/></rootfiles>'
        "</container>",
        "OEBPS/content.opf": '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The Ferry</dc:title></metadata><manifest>{items}'
        f'</manifest><spine toc="ncx">{order}</spine><guide>{guide}</guide></package>',
        "OEBPS/style.css": ".secret { display: none }",
    }
    for address, body in reversed(list(pages.items())):  # the order of the zip says nothing
        page = body if isinstance(body, bytes) else wrap.format(body if "<body" in body else f"<body>{body}</body>")
        members[f"OEBPS/{unquote(address)}"] = page
    if nav:
        members["OEBPS/nav.xhtml"] = wrap.format(f'<body><nav epub:type="toc"><ol>{nav}</ol></nav></body>')
    if ncx:
        members["OEBPS/toc.ncx"] = (
            '<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd">'
            f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{ncx}</navMap></ncx>'
        )
    return zipped({**members, **extra})


_OASIS = "urn:oasis:names:tc:opendocument:xmlns:"
_ODF = " ".join(
    f'xmlns:{short}="{_OASIS}{name}:1.0"'
    for short, name in {
        "office": "office",
        "text": "text",
        "table": "table",
        "style": "style",
        "draw": "drawing",
        "svg": "svg-compatible",
    }.items()
)


def odt(body: str, *, styles: str = "", common: str = "", manifest: str = "") -> bytes:
    """Make an OpenDocument text. ``styles`` are its automatic ones, ``common`` the inside of ``styles.xml``."""
    wrap = f'<?xml version="1.0" encoding="UTF-8"?><office:{{0}} {_ODF}>{{1}}</office:{{0}}>'
    text = f"<office:automatic-styles>{styles}</office:automatic-styles><office:body><office:text>{body}</office:text>"
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": wrap.format("document-content", f"{text}</office:body>"),
            "styles.xml": wrap.format("document-styles", common),
            "META-INF/manifest.xml": manifest or "<manifest/>",
        }
    )


def fb2(body: str, *, notes: str = "", encoding: str = "utf-8") -> bytes:
    """Make a FictionBook."""
    after = f'<body name="notes">{notes}</body>' if notes else ""
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<FictionBook '
        'xmlns="http://www.gribuser.ru/xml/fictionbook/2.0" xmlns:l="http://www.w3.org/1999/xlink"><description>'
        "<title-info><book-title>The Ferry</book-title><annotation><p>A blurb.</p></annotation></title-info>"
        f"</description><body>{body}</body>{after}"
        '<binary id="cover.jpg" content-type="image/jpeg">/9j/4AAQSkZJRg</binary></FictionBook>'
    )
    return text.encode(encoding)


def scrivener(items: str, files: Mapping[str, str]) -> dict[str, str]:
    """Make the files of a Scrivener project. ``files`` go from ``UUID/content.rtf`` to what is in the RTF."""
    return {
        "Novel.scrivx": '<?xml version="1.0" encoding="UTF-8"?><ScrivenerProject Version="2.0"><Binder>'
        f"{items}</Binder></ScrivenerProject>",
        **{
            f"Files/Data/{name}": text if not name.endswith(".rtf") else f"{{\\rtf1\\ansi {text}}}"
            for name, text in files.items()
        },
    }


def binder_item(identity: str, kind: str, title: str, *children: str, included: bool | None = True) -> str:
    """Return an item of a Scrivener binder."""
    meta = "<MetaData><IncludeInCompile>Yes</IncludeInCompile></MetaData>" if included else "<MetaData/>"
    inside = f"<Children>{''.join(children)}</Children>" if children else ""
    return f'<BinderItem UUID="{identity}" Type="{kind}"><Title>{title}</Title>{meta}{inside}</BinderItem>'
