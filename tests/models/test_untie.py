"""The copy of a tied model computes what the model does, and is whole or not there."""

from __future__ import annotations

import shutil
from pathlib import Path

import gguf
import numpy as np
import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.errors import BadUsage, NoModel, OutOfDisk, WrongModel
from kobold_modules.models.injection import PROVEN
from kobold_modules.models.reference import ModelFile
from kobold_modules.models.starter import starter_path
from kobold_modules.models.untie import ALWAYS_TIED, HEAD, is_tied, untie, untied_size
from kobold_modules.soft_prompt.stack import Stack
from tests.backends.grown_gguf import grow
from tests.models.gguf_surgery import split


TEXT = "Rain on the river, and nobody about."
COMMON = frozenset({"gemma2", "gemma3", "gpt2", "llama", "mamba", "qwen3"})


def copied(file: ModelFile, target: Path) -> ModelFile:
    for _ in untie(file, target):
        pass
    return ModelFile.at(target)


@pytest.mark.parametrize(
    "architecture", [name if name in COMMON else pytest.param(name, marks=pytest.mark.slow) for name in sorted(PROVEN)]
)
def test_a_copy_of_every_architecture_computes_the_same(tmp_path: Path, architecture: str) -> None:
    grow(tmp_path / "grown.gguf", architecture)
    file = ModelFile.at(tmp_path / "grown.gguf")
    if architecture in ALWAYS_TIED:
        with pytest.raises(WrongModel, match="one table"):
            copied(file, tmp_path / "copy.gguf")
        return
    if not is_tied(file):
        with pytest.raises(BadUsage, match="already"):
            copied(file, tmp_path / "copy.gguf")
        return
    copy = copied(file, tmp_path / "copy.gguf")
    assert not is_tied(copy)
    with LlamaEngine(file, exact=True, disk=0) as before, LlamaEngine(copy, exact=True, disk=0) as after:
        ours, theirs = (engine.log_probabilities(TEXT, Stack()) for engine in (before, after))
    assert np.array_equal(ours, theirs)


def test_everything_in_the_file_stays_and_the_table_stands_twice(tmp_path: Path) -> None:
    file = ModelFile.at(starter_path())
    copy = copied(file, tmp_path / "copy.gguf")
    before, after = gguf.GGUFReader(file.path), gguf.GGUFReader(copy.path)
    tensors = {tensor.name: tensor for tensor in after.tensors}
    assert [tensor.name for tensor in before.tensors] + [HEAD] == list(tensors)
    for tensor in before.tensors:
        assert np.array_equal(tensor.data, tensors[tensor.name].data)
    assert np.array_equal(tensors[HEAD].data, tensors["token_embd.weight"].data)
    names = [name for name in before.fields if not name.startswith("GGUF.")]
    assert names == [name for name in after.fields if not name.startswith("GGUF.")]
    assert all(before.fields[name].contents() == after.fields[name].contents() for name in names)
    assert copy.fingerprint == file.fingerprint  # modules of the one fit the other


def test_the_size_is_known_before(tmp_path: Path) -> None:
    file = ModelFile.at(starter_path())
    said = untied_size(file)
    size = copied(file, tmp_path / "copy.gguf").path.stat().st_size
    assert size <= said <= size + 4096


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(OutOfDisk, match="needs 20 MB of disk, and 1 KB is free"):
        copied(ModelFile.at(starter_path()), tmp_path / "copy.gguf")
    assert not list(tmp_path.iterdir())


def test_a_copy_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    copying = untie(ModelFile.at(starter_path()), tmp_path / "copy.gguf")
    next(copying)
    copying.close()
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_over_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "novel.gguf").write_text("chapter one")
    with pytest.raises(BadUsage, match="already there"):
        copied(ModelFile.at(starter_path()), tmp_path / "novel.gguf")
    assert (tmp_path / "novel.gguf").read_text() == "chapter one"


def test_the_copy_never_takes_the_place_of_the_model(tmp_path: Path) -> None:
    model = Path(shutil.copyfile(starter_path(), tmp_path / "model.gguf"))
    with pytest.raises(BadUsage, match="place of the model"):
        next(untie(ModelFile.at(model), model, replace=True))
    assert model.read_bytes() == starter_path().read_bytes()


def test_a_model_in_parts_is_told_how_to_be_joined(tmp_path: Path) -> None:
    parts = split(starter_path(), tmp_path, 2)
    with pytest.raises(BadUsage) as caught:
        untied_size(ModelFile.at(parts[0]))
    assert "gguf-split --merge" in caught.value.hint


def test_a_folder_and_a_damaged_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="folder"):
        untied_size(ModelFile.at(tmp_path))
    (tmp_path / "cut.gguf").write_bytes(starter_path().read_bytes()[:100_000])
    with pytest.raises(NoModel):
        untied_size(ModelFile.at(tmp_path / "cut.gguf"))
