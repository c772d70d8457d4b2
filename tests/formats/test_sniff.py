"""Formats are told apart by what is in a file; what is none is called by its name."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.errors import BadModule, BadUsage
from kobold_modules.formats import FORMATS, SUFFIXES, Format, read, sniff, write
from kobold_modules.soft_prompt.deep_prefix import with_rows
from kobold_modules.soft_prompt.module import Module


@pytest.mark.parametrize("format", FORMATS)
def test_what_we_write_we_recognise_under_any_name(format: str, noir: Module, tmp_path: Path) -> None:
    write(noir, tmp_path / "thing", format)
    assert sniff(tmp_path / "thing") == format


@pytest.mark.parametrize("format", FORMATS)
def test_what_we_write_we_read(format: Format, noir: Module, tmp_path: Path) -> None:
    write(noir, tmp_path / f"noir{SUFFIXES[format]}", format)
    assert np.array_equal(with_rows(read(tmp_path / f"noir{SUFFIXES[format]}")).vectors, noir.vectors)


def test_a_file_inside_an_adapter_folder_stands_for_the_folder(noir: Module, tmp_path: Path) -> None:
    write(noir, tmp_path / "a", "peft")
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert sniff(tmp_path / "a" / name) == "peft"
        assert read(tmp_path / "a" / name).card == noir.card


def test_the_weights_alone_copied_out_of_the_folder_are_read(noir: Module, tmp_path: Path) -> None:
    write(noir, tmp_path / "a", "peft")
    shutil.copy(tmp_path / "a" / "adapter_model.safetensors", tmp_path)
    assert read(tmp_path / "adapter_model.safetensors").card == noir.card


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF, not a module"),
        (b"It was a dark and stormy night.", "is text, not a module"),
        ("“Rain,” she said.".encode(), "is text, not a module"),
        (b"\0\1\2\3", "no format that is known here"),
        (b"GGUF\x03\0\0\0", "a model"),
        (b"\x93NUMPY\x01\x00v\0{}", "header is incomplete"),
        (b"\x80\x02}q\0.", "no table"),
        (b"\x80\x04cos\nsystem\n.", "pickle that holds more than numbers"),
        (b"PK\x05\x06" + b"\0" * 18, "an empty zip"),
        (b"PK\x03\x04 and then nothing of a zip", "cut short"),
        (b"{", "malformed"),
        (b'{"a": 1}', "is JSON, but no module"),
        (b'{"moduleVersion": 1, "data": "x"}', "NovelAI"),
        (b"{" + b"[" * 99_999, "malformed"),
        (b"\xff\xd8\xff\xe0", "a picture"),
    ],
)
def test_what_is_no_module_is_called_by_its_name(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "thing.zip"
    path.write_bytes(content)
    with pytest.raises(BadModule, match=words) as caught:
        read(path)
    assert caught.value.message.startswith("thing.zip")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("name", ["nowhere.zip", "a\0b", "x" * 5000, "nowhere/else.zip"])
def test_a_file_that_is_not_there_is_one_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadModule):
        read(tmp_path / name)


def test_folders_that_are_no_adapters_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadModule, match="no PEFT adapter"):
        read(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(BadModule, match="There is no file"):
        read(tmp_path / "pipe.zip")


def test_a_model_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.write((8).to_bytes(8, "little") + b"{      }")
        file.truncate(5 << 30)
    with pytest.raises(BadModule, match="larger than any module"):
        read(tmp_path / "model.safetensors")


def test_an_unknown_format_is_bad_usage(noir: Module, tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="no format called docx") as caught:
        write(noir, tmp_path / "a", "docx")
    assert "kobold" in caught.value.hint


def test_a_place_that_can_not_be_written_is_bad_usage(noir: Module, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for format in FORMATS:
        with pytest.raises(BadUsage, match="can not be written"):
            write(noir, tmp_path / "file" / "a.zip", format)


def test_writing_leaves_no_half_files(noir: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(noir, tmp_path / "a.zip")
    before = (tmp_path / "a.zip").read_bytes()

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", broken)
    with pytest.raises(Exception, match="no room on the disk"):
        write(noir.with_card(name="Other"), tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == before
    assert os.listdir(tmp_path) == ["a.zip"]
