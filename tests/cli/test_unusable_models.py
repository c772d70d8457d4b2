"""A model that cannot be used says why: the same sentence whether one writes, trains or lists models. Exit code 3."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kobold_modules.cli import main
from kobold_modules.library.library import Library
from tests.models.gguf_surgery import rewrite, split
from tests.models.small_gguf import write_llama


NOIR = Path(__file__).resolve().parents[1] / "data" / "pages" / "noir"
QUICK = ("--steps", "2", "--tokens", "4", "--row", "48", "--batch", "2", "--device", "cpu")


def gptq(place: Path, stories: Path) -> Path:
    folder = Path(shutil.copytree(stories / "stories260K-hf", place / "x"))
    config = json.loads((folder / "config.json").read_text()) | {"quantization_config": {"quant_method": "gptq"}}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def untied(place: Path, stories: Path) -> Path:
    folder = Path(shutil.copytree(stories / "stories260K-hf", place / "x"))
    config = json.loads((folder / "config.json").read_text()) | {"tie_word_embeddings": False}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def no_merges(place: Path, stories: Path) -> Path:
    from kobold_modules.models.starter import starter_path

    return rewrite(starter_path(), place / "x.gguf", without=["tokenizer.ggml.merges"])


def diffusion(place: Path, stories: Path) -> Path:
    return write_llama(place / "x.gguf", more={"general.architecture": "dream"})


LISTED = [
    (gptq, "it is quantised for another program (GPTQ); take the folder it was made from, or a GGUF file"),
    (untied, "its output matrix (lm_head.weight) is missing"),
    (no_merges, "it was converted wrongly: its tokenizer has no merges; take another conversion of it"),
]


@pytest.mark.parametrize(("make", "reason"), LISTED, ids=lambda value: getattr(value, "__name__", ""))
def test_one_reason_at_every_door_and_no_yes_in_the_list(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    stories: Path,
    make: Callable[[Path, Path], Path],
    reason: str,
) -> None:
    """M03, M04, M07."""
    path = str(make(tmp_path, stories))

    assert main(["generate", "--model", path, "--prompt", "It was"]) == 3
    assert f"error: x cannot write: {reason}" in capsys.readouterr().err
    assert main(["train", str(NOIR), "--name", "q", "--model", path, *QUICK]) == 3
    assert f"error: x cannot be trained through: {reason}" in capsys.readouterr().err
    assert main(["train", str(NOIR), "--name", "q", "--model", path, "--dry-run"]) == 3
    assert f"error: x cannot be trained through: {reason}" in capsys.readouterr().err

    assert main(["models", path]) == 0
    listed = capsys.readouterr()
    assert listed.out.splitlines()[1].split().count("no") == 2
    assert " yes" not in listed.out
    assert f"x, to write: {reason[:1].upper()}{reason[1:]}" in listed.err
    assert f"x, to train: {reason[:1].upper()}{reason[1:]}" in listed.err


def lora(place: Path, stories: Path) -> Path:
    folder = place / "x"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "maker/story"}))
    (folder / "adapter_model.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0{}")
    return folder


def pointer(place: Path, stories: Path) -> Path:
    (place / "x.gguf").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    return place / "x.gguf"


def piece(place: Path, stories: Path) -> Path:
    data = (stories / "stories260K-F16.gguf").read_bytes()
    (place / "x.gguf.part1of2").write_bytes(data[:300_000])
    (place / "x.gguf.part2of2").write_bytes(data[300_000:])
    return place / "x.gguf.part2of2"


def no_index(place: Path, stories: Path) -> Path:
    folder = Path(shutil.copytree(stories / "stories260K-hf", place / "x"))
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    shutil.copyfile(folder / "model-00001-of-00002.safetensors", folder / "model-00002-of-00002.safetensors")
    return folder


def projector(place: Path, stories: Path) -> Path:
    return write_llama(place / "mmproj-x.gguf", more={"general.architecture": "clip"})


def cut(place: Path, stories: Path) -> Path:
    (place / "x.gguf").write_bytes((stories / "stories260K-F16.gguf").read_bytes()[:-5000])
    return place / "x.gguf"


NOT_MODELS = [
    (lora, "is an adapter for maker/story; give that model."),
    (pointer, "is a Git LFS pointer"),
    (piece, "is part 2 of 2 of a file that was cut into pieces."),
    (no_index, "its index, model.safetensors.index.json, is missing."),
    (projector, "is a projector: the part of another model that reads pictures or sound."),
    (cut, "its weights are not all there"),
]


@pytest.mark.parametrize(("make", "sentence"), NOT_MODELS, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_no_whole_model_ends_every_verb_with_3(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    stories: Path,
    make: Callable[[Path, Path], Path],
    sentence: str,
) -> None:
    """M13, M14, M18, M19."""
    path = str(make(tmp_path, stories))

    for verb in (
        ["generate", "--model", path, "--prompt", "It was"],
        ["train", str(NOIR), "--name", "q", "--model", path, *QUICK],
        ["models", path],
    ):
        assert main(verb) == 3, verb
        captured = capsys.readouterr()
        assert sentence in captured.err
        assert captured.err.startswith("error: ")
        assert captured.out == ""


def test_what_fills_in_a_page_at_once_is_not_taken_for_a_writer(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, stories: Path
) -> None:
    path = str(diffusion(tmp_path, stories))

    assert main(["generate", "--model", path, "--prompt", "It was"]) == 3
    assert "x cannot write: it fills in a page all at once" in capsys.readouterr().err
    assert main(["models", path]) == 0
    assert " yes" not in capsys.readouterr().out


def test_a_model_in_parts_trains_to_the_same_module_as_in_one_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, stories: Path
) -> None:
    """M11."""
    parts = split(stories / "stories260K-F32.gguf", tmp_path / "parts", 2)

    for name, path in (("one", stories / "stories260K-F32.gguf"), ("several", parts[0])):
        assert main(["train", str(NOIR), "--name", name, "--model", str(path), *QUICK]) == 0
    capsys.readouterr()

    one, several = Library().find("one"), Library().find("several")
    assert several.digest == one.digest
    assert several.card.measured["bits_per_byte_with"] == one.card.measured["bits_per_byte_with"]
    assert main(["models", str(parts[0])]) == 0
    assert capsys.readouterr().out.splitlines()[1].split().count("yes") == 2
    assert main(["generate", "--model", str(parts[1]), "--module", "several", "--prompt", "It was", "--seed", "1"]) == 0
