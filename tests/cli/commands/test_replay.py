"""``generate --replay``: the same text again, or a sentence that says why not."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.generation.log import entries, journal_file
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.module import Card, Module


ARGUMENTS = ("--prompt", "The door opened, and", "--max-tokens", "25")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["generate", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def module(seed: int = 1) -> Module:
    vectors = np.random.default_rng(seed).normal(0, 0.04, (5, 320)).astype(np.float32)
    return Module(vectors, Card("noir"), vectors * 0.9)


def replayed(capsys: pytest.CaptureFixture[str], name: str = "last", *arguments: str) -> dict[str, Any]:
    code, out, err = run(capsys, "--replay", name, "--json", *arguments)
    assert code == 0, out + err
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    return result


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("--module", "noir:0.5"),
        ("--preset", "wild", "--seed", "3", "--memory", "Nora waits.", "--note", "[Sad.]"),
        ("--words", "12"),
        ("--until", ","),
        ("--stop", "the"),
        ("--contextsize", "128", "--max-tokens", "150"),
        ("--no-token-healing",),
    ],
)
def test_a_continuation_is_written_again(capsys: pytest.CaptureFixture[str], starter: Path, more: tuple[str]) -> None:
    Library().add(module())
    _, out, _ = run(capsys, *ARGUMENTS, *more)
    result = replayed(capsys)

    assert result["identical"] is True
    assert out.removeprefix(ARGUMENTS[1]).rstrip("\n") in result["text"] + "\n"
    assert len(entries()) == 1  # a replay is no new text


def test_one_of_many_is_found_by_its_id(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    for seed in ("1", "2"):
        run(capsys, *ARGUMENTS, "--seed", seed)
    first, second = entries()

    assert replayed(capsys, first["id"])["text"] == first["ended"]["text"]
    _, out, _ = run(capsys, "--replay", "list")
    assert first["id"] in out
    assert second["id"] in out
    assert run(capsys, "--replay", "nobody")[0] == 2
    assert run(capsys, "--replay", "2")[0] == 2  # both begin with it


def test_a_longer_prompt_than_the_log_keeps(capsys: pytest.CaptureFixture[str], starter: Path, tmp_path: Path) -> None:
    novel = "".join(f"It rained on day {day}, and nobody came. " for day in range(4000))
    (tmp_path / "novel.txt").write_text(novel)
    run(capsys, "--prompt-file", str(tmp_path / "novel.txt"), "--max-tokens", "20")

    assert entries()[0]["prompt"]["skipped"] > 0
    assert replayed(capsys)["identical"] is True


def test_a_renamed_module_is_found_by_its_vectors(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    Library().add(module())
    run(capsys, *ARGUMENTS, "--module", "noir")
    Library().rename("noir", "black")

    assert replayed(capsys)["identical"] is True


def test_a_changed_or_missing_module_is_refused(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    Library().add(module())
    run(capsys, *ARGUMENTS, "--module", "noir")
    Library().add(module(seed=2), replace=True)
    code, _, err = run(capsys, "--replay", "last")
    assert code == 4
    assert "noir has been changed" in err

    Library().remove("noir")
    code, _, err = run(capsys, "--replay", "last")
    assert code == 3
    assert "noir is not here any more" in err


def test_a_changed_or_missing_model_is_refused(
    capsys: pytest.CaptureFixture[str], stories: Path, tmp_path: Path
) -> None:
    model = tmp_path / "tiny.gguf"
    shutil.copy(stories / "stories260K-F16.gguf", model)
    run(capsys, *ARGUMENTS, "--model", str(model))
    assert replayed(capsys)["identical"] is True

    shutil.copy(stories / "stories260K-F32.gguf", model)
    code, _, err = run(capsys, "--replay", "last")
    assert code == 4
    assert "changed since" in err
    model.unlink()
    code, _, err = run(capsys, "--replay", "last")
    assert code == 4
    assert "not at" in err


def test_a_text_that_comes_out_otherwise_is_told(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    run(capsys, *ARGUMENTS)
    begun, ended = map(json.loads, journal_file().read_text().splitlines())
    begun["sampler"]["seed"] += 1
    journal_file().write_text(json.dumps(begun) + "\n" + json.dumps(ended) + "\n")
    code, _, err = run(capsys, "--replay", "last")

    assert code == 5
    assert "differs from character" in err


def test_a_text_whose_end_nobody_knows_is_written_to_its_end(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    run(capsys, *ARGUMENTS)
    text = entries()[0]["ended"]["text"]
    journal_file().write_text(journal_file().read_text().splitlines()[0] + "\n")
    result = replayed(capsys)

    assert (result["identical"], result["text"]) == (None, text)


def test_without_texts_in_the_log_the_prompt_is_asked_for(
    capsys: pytest.CaptureFixture[str], starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOBOLD_MODULES_JOURNAL", "settings")
    run(capsys, *ARGUMENTS)

    assert run(capsys, "--replay", "last")[0] == 2
    assert run(capsys, "--replay", "last", "--prompt", "Another")[0] == 2
    assert replayed(capsys, "last", "--prompt", ARGUMENTS[1])["identical"] is True


def test_nothing_logged_is_one_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(capsys, "--replay", "last")[0] == 2
    monkeypatch.setenv("KOBOLD_MODULES_JOURNAL", "nothing")
    code, _, err = run(capsys, "--replay", "last")
    assert code == 2
    assert "switched off" in err


NO_VALUES: tuple[object, ...] = (None, 5, {}, "x")


@pytest.mark.parametrize(
    ("part", "value"),
    [
        *itertools.product(("sampler", "stack", "prompt", "model", "stop"), NO_VALUES),
        ("max_tokens", None),
        ("max_tokens", "x"),
        ("memory", 5),
        ("stack", {"modules": [{}], "digest": ""}),
        ("prompt", {"text": "a", "skipped": -1, "sha256": ""}),
        ("prompt", {"text": "a", "skipped": 10**12, "sha256": ""}),
    ],
)
def test_a_damaged_entry_is_one_sentence(
    capsys: pytest.CaptureFixture[str], stories: Path, part: str, value: Any
) -> None:
    run(capsys, *ARGUMENTS, "--max-tokens", "1", "--model", str(stories / "stories260K-F16.gguf"))
    begun = json.loads(journal_file().read_text().splitlines()[0])
    begun[part] = value
    journal_file().write_text(json.dumps(begun) + "\n")
    code, _, err = run(capsys, "--replay", "last")

    assert code > 0
    assert err.startswith("error: ")


def test_a_text_of_a_hugging_face_folder_is_written_again(capsys: pytest.CaptureFixture[str], stories: Path) -> None:
    model = str(stories / "stories260K-hf")
    assert run(capsys, *ARGUMENTS, "--model", model, "--seed", "4")[0] == 0

    assert "transformers" in entries()[0]["engine"]
    assert replayed(capsys)["identical"] is True


@pytest.mark.parametrize("prompt", ["She opened the door and ", "The old man opened the do"])
def test_a_healed_end_is_written_again(capsys: pytest.CaptureFixture[str], starter: Path, prompt: str) -> None:
    _, out, _ = run(capsys, "--prompt", prompt, "--max-tokens", "12")
    assert out.startswith(prompt)
    assert "  " not in out

    assert replayed(capsys)["identical"] is True


def test_a_text_logged_before_there_was_token_healing_is_written_without_it(
    capsys: pytest.CaptureFixture[str], starter: Path
) -> None:
    run(capsys, "--prompt", "The old man opened the do", "--max-tokens", "12", "--no-token-healing")
    lines = [json.loads(line) for line in journal_file().read_text().splitlines()]
    del lines[0]["sampler"]["token_healing"]
    journal_file().write_text("".join(json.dumps(line) + "\n" for line in lines))

    assert replayed(capsys)["identical"] is True
