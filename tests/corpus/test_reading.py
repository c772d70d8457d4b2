import hashlib
from pathlib import Path

import pytest

from kobold_modules.corpus import loading, read
from kobold_modules.errors import BadText


KINDLE = bytes(60) + b"BOOKMOBI" + bytes(100)


def write(path: Path, data: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_a_file_is_read_cleaned_and_reported(tmp_path: Path, prose: str) -> None:
    data = ("Chapter One\r\n\r\n" + prose.replace("\n", "\r\n")).encode("cp1252")
    corpus = read([write(tmp_path / "a.txt", data)])
    (document,), (report,) = corpus.documents, corpus.reports
    assert document.text == prose
    assert document.sha256 == hashlib.sha256(data).hexdigest()
    assert {change.what for change in report.changes} == {"line ends made alike", "chapter titles removed"}
    assert report.words == document.words == corpus.words
    assert corpus.text == prose


def test_reading_what_was_read_changes_nothing(tmp_path: Path, prose: str) -> None:
    first = read([write(tmp_path / "a.md", f"# One\n\n_{prose}")])
    again = read([write(tmp_path / "b.txt", first.text)])
    assert again.text == first.text
    assert again.reports[0].changes == ()


def test_only_md_files_are_read_as_markdown(tmp_path: Path, prose: str) -> None:
    link = f"[An inn](x) there was.\n\n{prose}"
    assert read([write(tmp_path / "a.txt", link)]).text.startswith("[An inn](x)")
    assert read([write(tmp_path / "a.md", link)]).text.startswith("An inn there")


def test_a_second_copy_is_dropped_and_reported(tmp_path: Path, prose: str) -> None:
    write(tmp_path / "a.txt", prose)
    write(tmp_path / "b.txt", prose)
    write(tmp_path / "c.txt", prose.replace("\n", "\r\n"))
    corpus = read([tmp_path])
    assert [document.name for document in corpus.documents] == ["a.txt"]
    assert [report.warnings for report in corpus.reports[1:]] == [("Not used: it has the same text as a.txt.",)] * 2


def test_a_bad_file_in_a_folder_stops_nothing(tmp_path: Path, prose: str) -> None:
    write(tmp_path / "a.txt", prose)
    write(tmp_path / "b.txt", KINDLE)
    write(tmp_path / "c.txt", "")
    corpus = read([tmp_path])
    assert len(corpus.documents) == 1
    assert [report.words for report in corpus.reports][1:] == [0, 0]
    assert any("b.txt looks like a Kindle book" in sentence for sentence in corpus.describe())


def test_a_folder_of_bad_files_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "b.txt", KINDLE)
    with pytest.raises(BadText, match="looks like a Kindle book"):
        read([tmp_path])


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (KINDLE, "a.txt looks like a Kindle book, which cannot be read."),
        (b"", "a.txt is empty."),
        (b" \n\t\n", "a.txt is empty."),
        (b"\x00\x01\x02" * 50, "a.txt is not a text file."),
        (b"Chapter One\n\n***\n\nII\n", "a.txt holds no prose: nothing is left of it after cleaning."),
        (b"\xef\xbb\xbf", "a.txt holds no prose: nothing is left of it after cleaning."),
    ],
)
def test_a_named_file_that_cannot_be_used_is_refused(tmp_path: Path, data: bytes, sentence: str) -> None:
    with pytest.raises(BadText) as error:
        read([write(tmp_path / "a.txt", data)])
    assert str(error.value) == sentence
    assert error.value.hint


def test_a_giant_is_refused_before_it_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MOST_FILE", 1024)
    with pytest.raises(BadText, match="1 KB is the most"):
        read([write(tmp_path / "a.txt", "x" * 2000)])


def test_a_file_without_permission_is_refused_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "a.txt", "x")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(BadText, match=r"a\.txt cannot be read: Permission denied"):
        read([path])


def test_strings_do_as_paths(tmp_path: Path, prose: str) -> None:
    assert read([str(write(tmp_path / "a.txt", prose))]).words  # type: ignore[list-item]
