"""``untie``, then ``export --format llama-lora``: from a library to a string in a memory field."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.formats import llama_lora
from kobold_modules.library.library import Library
from kobold_modules.models.reference import ModelFile
from kobold_modules.soft_prompt.module import Card, Module


@pytest.fixture
def model(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Return the starter, untied, with two modules of it in the library."""
    target = tmp_path / "untied.gguf"
    assert main(["untie", "starter", "--out", str(target)]) == 0
    assert "The copy will take 20 MB (16 MB now)" in capsys.readouterr().err
    file = ModelFile.at(target)
    for name, seed in (("noir", 1), ("terse & dry", 2)):
        start = np.random.default_rng(seed).normal(size=(4, 320)).astype(np.float32)
        Library().add(Module(start * np.float32(1.5), Card(name, model="starter", fingerprint=file.fingerprint), start))
    return target


def export(model: Path | str, out: Path, *more: str, modules: tuple[str, ...] = ("noir",)) -> int:
    return main(["export", *modules, "--format", "llama-lora", "--model", str(model), "--out", str(out), *more])


def test_a_tied_model_says_how_a_copy_is_made(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export("starter", tmp_path / "noir.gguf") == 2
    said = capsys.readouterr().err
    assert "uses one table for words and output" in said
    assert "kobold-modules untie" in said
    assert "20 MB" in said
    assert not (tmp_path / "noir.gguf").exists()


def test_a_model_without_reserved_tokens_says_what_to_do(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(model, tmp_path / "noir.gguf") == 2
    assert "--ids rare" in capsys.readouterr().err


def test_one_module_is_an_adapter_a_guide_and_a_template(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(model, tmp_path / "noir.gguf", "--ids", "rare", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert sorted(told["adapters"][0]["ids"]) == list(llama_lora.ids_in(tmp_path / "noir.gguf"))
    page = (tmp_path / "noir.txt").read_text(encoding="utf-8")
    assert f"\n{told['text']}\n" in page
    assert str(tmp_path) not in page
    assert told["text"] in (tmp_path / "noir.jinja").read_text(encoding="utf-8")


def test_several_modules_take_ids_of_their_own(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "folder"
    out.mkdir()
    assert export(model, out, "--ids", "rare", modules=("noir", "terse & dry:0.5")) == 0
    assert {path.name for path in out.iterdir()} == {"noir.gguf", "terse-dry.gguf", "stack.txt", "stack.jinja"}
    first, second = (set(llama_lora.ids_in(out / name)) for name in ("noir.gguf", "terse-dry.gguf"))
    assert not first & second
    assert "strength 0.5" in (out / "stack.txt").read_text(encoding="utf-8")


def test_an_adapter_beside_another_leaves_its_ids_alone(model: Path, tmp_path: Path) -> None:
    assert export(model, tmp_path / "a.gguf", "--ids", "rare") == 0
    assert export(model, tmp_path / "b.gguf", "--ids", "rare", "--beside", str(tmp_path / "a.gguf")) == 0
    assert not set(llama_lora.ids_in(tmp_path / "a.gguf")) & set(llama_lora.ids_in(tmp_path / "b.gguf"))


def test_an_adjustable_module_is_two_files(model: Path, tmp_path: Path) -> None:
    assert export(model, tmp_path / "noir.gguf", "--ids", "rare", "--adjustable") == 0
    assert llama_lora.ids_in(tmp_path / "noir.start.gguf") == llama_lora.ids_in(tmp_path / "noir.gguf")
    assert "--lora noir.start.gguf --lora-scaled noir.gguf:0.5" in (tmp_path / "noir.txt").read_text(encoding="utf-8")


def test_ids_can_be_named(model: Path, tmp_path: Path) -> None:
    assert export(model, tmp_path / "noir.gguf", "--ids", "6000-6002, 17") == 0
    assert llama_lora.ids_in(tmp_path / "noir.gguf") == (17, 6000, 6001, 6002)


@pytest.mark.parametrize("ids", ["", "many", "5-", "9-5", "1,1,1,1", "6142-6150", "7", "1-99999999"])
def test_ids_that_make_no_sense_are_usage(model: Path, tmp_path: Path, ids: str) -> None:
    assert export(model, tmp_path / "noir.gguf", f"--ids={ids}") == 2
    assert not (tmp_path / "noir.gguf").exists()


def test_nothing_that_is_there_is_written_over(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """F2: the guide is a text beside the adapter, and a chapter may be called so."""
    (tmp_path / "noir.txt").write_text("chapter one")
    assert export(model, tmp_path / "noir.gguf", "--ids", "rare") == 2
    assert "already there" in capsys.readouterr().err
    assert (tmp_path / "noir.txt").read_text() == "chapter one"
    assert not (tmp_path / "noir.gguf").exists()
    assert export(model, tmp_path / "noir.gguf", "--ids", "rare", "--replace") == 0


def test_a_module_of_another_model_is_refused(model: Path, tmp_path: Path) -> None:
    Library().add(Module(np.ones((2, 64), np.float32), Card("narrow")))
    assert export(model, tmp_path / "x.gguf", "--ids", "rare", modules=("narrow",)) == 4


def test_what_a_server_writes_first_is_measured(
    home: Path, stories: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """llama.cpp puts BOS before every prompt of a sentencepiece model."""
    untied = tmp_path / "stories.gguf"
    assert main(["untie", str(stories / "stories260K-F16.gguf"), "--out", str(untied)]) == 0
    Library().add(Module(ModelFile.at(untied).rows_at([300, 301]), Card("two words")))
    capsys.readouterr()
    assert export(untied, tmp_path / "x.gguf", "--ids", "rare", "--json", modules=("two words",)) == 0
    bos = json.loads(capsys.readouterr().out)["bos"]
    assert bos["before"] != bos["without"]
    assert bos["tokens"] > 100
    page = (tmp_path / "x.txt").read_text(encoding="utf-8")
    assert f"{bos['before']:.3f} with it" in page
    assert "--nobostoken" in page


def test_several_modules_need_a_format_for_them(home: Path, tmp_path: Path) -> None:
    assert main(["export", "a", "b", "--out", str(tmp_path / "x.zip")]) == 2


def test_an_untied_model_needs_no_copy(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["untie", str(model), "--out", str(tmp_path / "again.gguf")]) == 2
    assert "already" in capsys.readouterr().err
