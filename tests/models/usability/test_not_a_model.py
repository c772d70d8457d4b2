"""Files that are given for a model and are none: one sentence each, and the next step."""

from __future__ import annotations

import io
import shlex
import subprocess
import zipfile
from pathlib import Path

import pytest

from kobold_modules.errors import NoModel
from kobold_modules.models.discovery.discover import discover
from kobold_modules.models.find import resolve
from tests.models.small_gguf import write_llama


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 98362432\n" % (b"ab" * 32)


def refused(path: Path) -> NoModel:
    with pytest.raises(NoModel) as caught:
        _ = resolve(str(path)).facts
    assert "\n" not in caught.value.message
    return caught.value


def zipped(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        for name in names:
            packed.writestr(name, b"x" * 100)
    return data.getvalue()


@pytest.mark.parametrize(
    "names",
    [
        ("x.gguf.part1of2", "x.gguf.part2of2"),
        ("x.gguf.part-a", "x.gguf.part-b", "x.gguf.part-c"),
        ("x.gguf-split-a", "x.gguf-split-b"),
        ("x-split-a.gguf", "x-split-b.gguf"),
        ("x.gguf.001", "x.gguf.002"),
        ("x.gguf.aa", "x.gguf.ab"),
        tuple(f"x.gguf.part{number}of11" for number in range(1, 12)),
    ],
    ids=lambda names: names[0],
)
def test_pieces_are_numbered_and_the_command_that_joins_them_gives_the_model(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    """M13."""
    data = write_llama(tmp_path / "whole.gguf").read_bytes()
    folder = tmp_path / "a folder"
    folder.mkdir()
    share = -(-len(data) // len(names))
    for number, name in enumerate(names):
        (folder / name).write_bytes(data[number * share : (number + 1) * share])

    for number, name in enumerate(names, 1):
        error = refused(folder / name)
        assert f"{name} is part {number} of {len(names)} of a file that was cut into pieces." in error.message
        assert error.hint.startswith(f"Join them: cd {shlex.quote(str(folder))} && cat ")

    subprocess.run(error.hint.removeprefix("Join them: "), shell=True, check=True)
    assert (folder / "x.gguf").read_bytes() == data
    assert resolve(str(folder / "x.gguf")).facts.architecture == "llama"


def test_a_piece_without_the_others_asks_for_them(tmp_path: Path) -> None:
    write_llama(tmp_path / "x.gguf.part1of3")

    error = refused(tmp_path / "x.gguf.part1of3")

    assert "part 1 of 3" in error.message
    assert error.hint.startswith("Put the other parts beside it")


def test_models_lists_pieces_and_unfinished_downloads_as_left_out(tmp_path: Path) -> None:
    for name in ("x.gguf.part1of2", "x.gguf.part2of2", "y.gguf.incomplete"):
        (tmp_path / name).write_bytes(b"GGUF")

    survey = discover([tmp_path], only=True)

    assert survey.models == ()
    assert {path.name: reason for path, reason in survey.left_out} == {
        "x.gguf.part1of2": "part 1 of 2 of a file that was cut into pieces",
        "x.gguf.part2of2": "part 2 of 2 of a file that was cut into pieces",
        "y.gguf.incomplete": "a download that has not finished",
    }


@pytest.mark.parametrize("name", ["x.gguf.part", "x.gguf.incomplete", "x.gguf.crdownload", "x.partial"])
def test_an_unfinished_download_is_named(tmp_path: Path, name: str) -> None:
    write_llama(tmp_path / name)

    assert refused(tmp_path / name).message.endswith("is a download that has not finished.")


def test_a_file_that_is_still_being_filled_is_named(tmp_path: Path) -> None:
    """aria2 makes the file as long as it will be and notes beside it how far it is."""
    write_llama(tmp_path / "x.gguf")
    (tmp_path / "x.gguf.aria2").write_bytes(b"")

    assert "x.gguf.aria2 lies beside it" in refused(tmp_path / "x.gguf").message


@pytest.mark.parametrize(
    ("name", "data", "sentence", "hint"),
    [
        ("x.gguf", POINTER, "is a Git LFS pointer", "`git lfs pull`"),
        ("x.gguf", b"", "is empty", "again"),
        ("x.gguf", bytes(4096), "nothing but zeros", "again"),
        ("x.gguf", b"<!DOCTYPE html><html>", "a web page", "log in"),
        ("x.gguf", zipped("x/readme.txt"), "a zip archive", "Unpack"),
        ("noir.zip", zipped("tensor.npy", "meta.json"), "is a module", "--module"),
        ("x.bin", b"\x80\x02}q\x00.", "a pickled PyTorch file", "never loaded"),
        ("x.bin", b"tjgg\x03\0\0\0", "a GGML file of before August 2023", "GGUF"),
        ("model.safetensors", b"\x10\0\0\0\0\0\0\0{}", "one file of a Hugging Face folder", "Give the folder"),
        ("x.gguf", b"\x1f\x8b\x08", "a gzip archive", "Unpack"),
        ("notes.txt", b"It was late.", "does not begin with GGUF", ".gguf file"),
    ],
)
def test_what_it_is_instead_is_said(tmp_path: Path, name: str, data: bytes, sentence: str, hint: str) -> None:
    """M14 and its kind."""
    (tmp_path / name).write_bytes(data)

    error = refused(tmp_path / name)

    assert sentence in error.message
    assert hint in error.hint


def test_a_cut_file_of_a_piecemeal_name_is_called_a_piece(tmp_path: Path) -> None:
    data = write_llama(tmp_path / "whole.gguf").read_bytes()
    (tmp_path / "x-split-a.gguf").write_bytes(data[: len(data) // 2])

    assert "part a of a file" in refused(tmp_path / "x-split-a.gguf").message


def test_a_whole_model_with_such_a_name_is_a_model(tmp_path: Path) -> None:
    write_llama(tmp_path / "novel-part-2.gguf")

    assert resolve(str(tmp_path / "novel-part-2.gguf")).facts.architecture == "llama"
