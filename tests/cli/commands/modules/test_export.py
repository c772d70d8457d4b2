"""What a command writes: never over a device, never over a text without being told, under the ending of its format."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.formats import kobold
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.module import Card, Module


@pytest.fixture(autouse=True)
def noir(home: Path) -> Module:
    vectors = np.ones((2, 3), np.float32)
    made = Module(vectors, Card("noir"), vectors * np.float32(0.5))
    Library().add(made)
    return made


def export(target: Path | str, *more: str) -> int:
    return main(["export", "noir", "--out", str(target), *more])


@pytest.mark.skipif(os.name == "nt", reason="pipes are POSIX's")
@pytest.mark.parametrize("format", ["kobold", "safetensors", "mkultra", "peft"])
def test_a_pipe_is_not_replaced_by_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], format: str) -> None:
    """F1: as root, /dev/null was."""
    pipe = tmp_path / f"pipe{ {'kobold': '.zip', 'safetensors': '.safetensors', 'mkultra': '.json'}.get(format, '') }"
    os.mkfifo(pipe)
    assert export(pipe, "--format", format, "--replace") == 2
    assert pipe.is_fifo()
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="a device to try it on")
def test_a_device_stays_a_device(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "null.zip").symlink_to("/dev/null")
    assert export(tmp_path / "null.zip", "--replace") == 2
    assert "device" in capsys.readouterr().err
    assert export("/dev/null", "--replace") == 2
    assert "device" in capsys.readouterr().err
    assert Path("/dev/null").is_char_device()


def test_a_text_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """F2: the ending must fit, and what is there gives way to --replace alone."""
    chapter = tmp_path / "chapter.md"
    chapter.write_text("It rained.")
    assert export(chapter) == export(chapter, "--replace") == 2
    assert chapter.read_text() == "It rained."
    assert "Call it chapter.zip." in capsys.readouterr().err

    target = tmp_path / "noir.zip"
    target.write_bytes(b"something else")
    assert export(target) == 2
    assert target.read_bytes() == b"something else"
    assert "--replace" in capsys.readouterr().err
    assert export(target, "--replace") == 0
    assert kobold.read(target).card.name == "noir"


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.zip").write_bytes(b"old")
    (tmp_path / "link.zip").symlink_to(tmp_path / "real.zip")
    assert export(tmp_path / "link.zip") == 2
    assert export(tmp_path / "link.zip", "--replace") == 0
    assert (tmp_path / "link.zip").is_symlink()
    assert kobold.read(tmp_path / "real.zip").card.name == "noir"
    (tmp_path / "loop.zip").symlink_to(tmp_path / "loop.zip")
    assert export(tmp_path / "loop.zip", "--replace") == 2


def test_an_adapter_folder_gives_way_to_replace_alone(tmp_path: Path) -> None:
    assert export(tmp_path / "adapter", "--format", "peft") == 0
    assert export(tmp_path / "adapter", "--format", "peft") == 2
    assert export(tmp_path / "adapter", "--format", "peft", "--replace") == 0
    (tmp_path / "novel").mkdir()
    (tmp_path / "novel" / "1.txt").write_text("x")
    assert export(tmp_path / "novel", "--format", "peft", "--replace") == 2


def test_what_a_format_has_no_place_for_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """F25: an adapter brings a module home without where its training started."""
    export(tmp_path / "adapter", "--format", "peft")
    assert "where training started" in capsys.readouterr().err
    export(tmp_path / "noir.safetensors", "--format", "safetensors")
    assert capsys.readouterr().err == ""


def test_a_batch_does_not_remove_a_pipe(tmp_path: Path, starter: Path) -> None:
    """F1, for --batch."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("pipes are POSIX's")
    os.mkfifo(tmp_path / "out")
    (tmp_path / "in.jsonl").write_text(json.dumps({"prompt": "It rained."}))
    arguments = ["generate", "--batch", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "out"), "--replace"]
    assert main(arguments) == 2
    assert (tmp_path / "out").is_fifo()


def test_a_text_does_not_replace_a_pipe(tmp_path: Path, starter: Path) -> None:
    """F1, for --out."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("pipes are POSIX's")
    os.mkfifo(tmp_path / "out")
    assert main(["generate", "--prompt", "It rained.", "--out", str(tmp_path / "out"), "--replace"]) == 2
    assert (tmp_path / "out").is_fifo()


NOIR = str(Path(__file__).resolve().parents[3] / "data" / "pages" / "noir")


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", NOIR, "--name", "q", "--steps", "1", "--out"],
        ["train", NOIR, "--name", "q", "--steps", "1", "--detach", "--out"],
        ["demo", "--no-tui", "--out"],
    ],
)
def test_a_training_looks_at_its_place_before_it_works(
    arguments: list[str], tmp_path: Path, starter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """F1, F2, for --out of train and demo."""
    (tmp_path / "chapter.md").write_text("It rained.")
    (tmp_path / "other.zip").write_bytes(b"somebody's")
    (tmp_path / "null.zip").symlink_to("/dev/null")
    for name in ("chapter.md", "other.zip", "null.zip"):
        assert main([*arguments, str(tmp_path / name)]) == 2
        said = capsys.readouterr()
        assert name in said.err
        assert "loading" not in said.err
    assert (tmp_path / "chapter.md").read_text() == "It rained."
    assert (tmp_path / "other.zip").read_bytes() == b"somebody's"
    assert [entry.name for entry in Library().entries()] == ["noir"]


@pytest.mark.parametrize("name", ["none", "\u200b", "x" * 300])
def test_a_training_under_an_impossible_name_does_not_begin(
    name: str, starter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """F26."""
    assert main(["train", NOIR, "--name", name, "--steps", "1"]) == 2
    assert "loading" not in capsys.readouterr().err


def test_removed_modules_come_back_or_go_for_good(capsys: pytest.CaptureFixture[str]) -> None:
    """F27."""
    assert main(["remove", "noir"]) == 0
    assert main(["trash"]) == 0
    assert "noir: 2 virtual tokens" in capsys.readouterr().out
    assert main(["trash", "--restore", "NOIR"]) == 0
    assert Library().find("noir").tokens == 2
    main(["remove", "noir"])
    assert main(["trash", "--empty"]) == 0
    assert main(["trash", "--restore", "noir"]) == 3


@pytest.mark.parametrize("format", ["kobold", "peft", "mkultra", "safetensors"])
def test_a_strength_is_named_as_what_a_file_does_not_hold(
    format: str, noir: Module, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "noir:0.5", "--format", format, "--out", str(tmp_path / "new")]) == 2
    told = capsys.readouterr().err
    assert f"A {format} file holds no strength" in told
    assert "Name noir alone" in told


@pytest.mark.parametrize("option", [("--ids", "rare"), ("--adjustable",), ("--beside", "other.gguf")])
def test_an_option_of_adapters_is_not_ignored_elsewhere(
    option: tuple[str, ...], noir: Module, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "noir", "--out", str(tmp_path / "new.zip"), *option]) == 2
    assert f"{option[0]} is for adapters" in capsys.readouterr().err
    assert not list(tmp_path.glob("new*"))
