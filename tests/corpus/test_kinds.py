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
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "old Word"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"GGUF\x03\0\0\0", "model"),
        (bytes(60) + b"BOOKMOBI" + bytes(100), "Kindle"),
        (b"x" * 60 + b"BOOKMOBI" + b"x" * 10 + b"\0\0\0\x60" + b"x" * 26 + b"\0\2", "Kindle book with DRM"),
        (b"CONT\x02\x00" + bytes(50), "Kindle book (KFX)"),
        (b"\xeaDRMION\xee" + bytes(50), "Kindle book with DRM"),
        (b"ITOLITLS" + bytes(50), "Microsoft Reader"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "locked with a password"),
        (zipped(**{"Index__Document.iwa": "x"}), "Apple Pages"),
        (zipped(**{"xl__workbook.xml": "x"}), "table"),
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
