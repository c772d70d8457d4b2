"""Scrivener projects: the draft in the order of its binder."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.corpus import read
from kobold_modules.corpus.readers import Source, recognise
from kobold_modules.errors import BadText
from tests.corpus.readers.books import binder_item, left_out, opened, scrivener, texts, write, zipped


FERRY, WALK, REST = "The ferry did not run.", "They walked along the shore.", "They rested."
BINDER = (
    binder_item(
        "D",
        "DraftFolder",
        "Manuscript",
        binder_item("C1", "Folder", "The Ferry", binder_item("Z", "Text", "a"), binder_item("A", "Text", "b")),
        binder_item("C2", "Folder", "The Inn", binder_item("B", "Text", "c")),
        binder_item("X", "Text", "Ideas", included=False),
    )
    + binder_item("R", "ResearchFolder", "Research", binder_item("R1", "Text", "Boats"))
    + binder_item("T", "TrashFolder", "Trash", binder_item("T1", "Text", "Old"))
)
COMMENTS = '<?xml version="1.0"?><Comments><Comment ID="1"><![CDATA[{\\rtf1 Rather slow\\par}]]></Comment></Comments>'
FILES = {
    "Z/content.rtf": rf"{FERRY}\par",
    "A/content.rtf": rf"<$Scr_Ps::0>{WALK}<!$Scr_Ps::0>\par",
    "B/content.rtf": REST
    + r"\{\\Scrv_annot \\color=\{\\R=1.0\\G=0.3\\B=0.3\} \\text=a b c\\end_Scrv_annot\}"
    + r"\{\\Scrv_fn=\{\}\\text=d e\\end_Scrv_fn\}\par",
    "B/notes.rtf": r"Check the tide\par",
    "B/synopsis.txt": "They sleep",
    "B/content.comments": COMMENTS,
    "X/content.rtf": r"An idea\par",
    "R1/content.rtf": r"Boats are long\par",
    "T1/content.rtf": r"Gone\par",
}
SAID = ["# The Ferry", FERRY, "***", WALK, "# The Inn", REST]
LEFT = {
    "comments": 5,
    "footnotes": 2,
    "notes": 3,
    "synopses": 2,
    "documents outside the compile": 2,
    "documents outside the draft": 3,
    "trash": 1,
}


def on_disk(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        write(folder, name, text.encode())
    return folder


def test_a_project_folder_is_one_text_in_the_order_of_the_binder(tmp_path: Path) -> None:
    folder = on_disk(tmp_path / "Novel.scriv", scrivener(BINDER, FILES))
    source = Source("Novel.scriv", b"", folder)
    reader = recognise(source)
    assert reader is not None
    document = reader.read(source)
    assert texts(document) == SAID
    assert left_out(document) == LEFT


def test_a_zipped_project_is_read_too() -> None:
    files = {f"Novel.scriv/{name}": text for name, text in scrivener(BINDER, FILES).items()}
    document = opened(zipped({"__MACOSX/Novel.scriv/._Novel.scrivx": "x", **files}))
    assert texts(document) == SAID
    assert left_out(document) == LEFT


def test_an_older_project_keeps_its_texts_by_number() -> None:
    binder = binder_item("1", "DraftFolder", "Draft", binder_item("3", "Text", "One")).replace("UUID=", "ID=")
    files = {
        "Old.scriv/Old.scrivx": f"<ScrivenerProject Version='1.0'><Binder>{binder}</Binder></ScrivenerProject>",
        "Old.scriv/Files/Docs/3.rtf": rf"{{\rtf1 {FERRY}\par}}",
        "Old.scriv/Files/Docs/3_notes.rtf": r"{\rtf1 A note\par}",
    }
    document = opened(zipped(files))
    assert texts(document) == [FERRY]
    assert left_out(document) == {"notes": 2}


def test_where_nothing_is_marked_for_the_compile_everything_is_read() -> None:
    binder = binder_item("D", "DraftFolder", "D", binder_item("Z", "Text", "a", included=False))
    files = {f"N.scriv/{name}": text for name, text in scrivener(binder, FILES).items()}
    assert texts(opened(zipped(files))) == [FERRY]


def test_a_folder_that_holds_a_project_gives_one_text_for_it(tmp_path: Path, paragraphs: list[str]) -> None:
    body = {"Z/content.rtf": "".join(rf"{text}\par " for text in paragraphs)}
    on_disk(tmp_path / "books" / "Novel.scriv", scrivener(BINDER, body))
    write(tmp_path / "books", "other.txt", (paragraphs[0][::-1] + "\n").encode())
    corpus = read([tmp_path / "books"])
    assert [document.name for document in corpus.documents] == ["Novel.scriv", "other.txt"]
    assert corpus.documents[0].text.split("\n\n") == paragraphs
    again = read([tmp_path / "books" / "Novel.scriv"])
    assert again.documents[0].sha256 == corpus.documents[0].sha256


def test_links_out_of_a_project_are_not_followed(tmp_path: Path) -> None:
    secret = write(tmp_path, "secret.rtf", rb"{\rtf1 Secret words.\par}")
    folder = on_disk(tmp_path / "Novel.scriv", scrivener(BINDER, {"A/content.rtf": rf"{WALK}\par"}))
    (folder / "Files" / "Data" / "Z").mkdir()
    (folder / "Files" / "Data" / "Z" / "content.rtf").symlink_to(secret)
    assert read([folder]).text == WALK


def test_a_project_without_a_draft_is_told(tmp_path: Path) -> None:
    folder = on_disk(tmp_path / "Novel.scriv", scrivener("", {}))
    with pytest.raises(BadText, match="without a draft folder"):
        read([folder])
