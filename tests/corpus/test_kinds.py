import io
import zipfile

import pytest

from kobold_modules.corpus.kinds import not_text


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/"), text)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"\xef\xbb\xbf  {\\rtf1\\ansi", "RTF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "old Word"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
        (b"<!DOCTYPE html>\n<html>", "web page"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"GGUF\x03\0\0\0", "model"),
        (b"x" * 60 + b"BOOKMOBI", "Kindle"),
        (zipped(mimetype="application/epub+zip"), "EPUB"),
        (zipped(word__document="x" * 9000, **{"[Content_Types].xml": ""}), "Word document"),
        (zipped(mimetype="application/vnd.oasis.opendocument.text"), "OpenDocument"),
        (zipped(story="x"), "zip archive"),
    ],
    # Archives carry the time they were made: as part of a test's id they would differ between pytest's processes.
    ids=lambda value: value if isinstance(value, str) else "bytes",
)
def test_foreign_files_are_named_with_a_way_out(data: bytes, name: str) -> None:
    found = not_text(data)
    assert found is not None
    assert name in found[0]
    assert found[1].endswith(".")


@pytest.mark.parametrize(
    "text", ["Once upon a time", "PK was his name", "GIFts", "<Can you hear me?>", "ID: 3", "", "%P"]
)
def test_prose_is_text(text: str) -> None:
    assert not_text(text.encode()) is None
