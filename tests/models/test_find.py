"""Finding a model: what a person types, and what they mistype."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.errors import NoModel
from kobold_modules.models.discovery.discover import discover
from kobold_modules.models.find import resolve


def test_starter_is_always_there(starter: Path) -> None:
    found = resolve("starter")

    assert (found.name, found.kind, found.path) == ("starter", "gguf", starter)
    assert discover().models[0] == found


def test_a_missing_file_is_one_sentence() -> None:
    with pytest.raises(NoModel, match=r"There is no model at /nowhere/x\.gguf\."):
        resolve("/nowhere/x.gguf")


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"XK\3\4")

    with pytest.raises(NoModel, match="does not begin with GGUF"):
        resolve(str(tmp_path / "x.gguf"))


def test_a_folder_with_only_pickled_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")

    with pytest.raises(NoModel, match=r"no \.safetensors"):
        resolve(str(tmp_path))


def test_a_hub_id_resolves_to_what_was_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = tmp_path / "models--org--tiny" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").write_bytes(b"")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))

    assert resolve("org/tiny").path == snapshot
    with pytest.raises(NoModel, match="not on this disk"):
        resolve("org/other")
