"""Every path once on SmolLM2 135M, a real small model: quantised, tied, with a vocabulary of 49,152 words.

One training of a few fixed steps serves them all. Skipped, with a reason, where the model is not at hand.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.formats import kobold
from kobold_modules.library.library import Library
from kobold_modules.models.smollm2 import FILE
from kobold_modules.soft_prompt.deep_prefix import with_rows


pytestmark = pytest.mark.slow
NOIR = Path(__file__).resolve().parent / "data" / "pages" / "noir"
OPENING = "The lift stopped between two floors."


@pytest.fixture(scope="module")
def trained(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Set up a home in which the model was fetched and a module called "small" was trained through it."""
    place = tmp_path_factory.mktemp("smollm2")
    (place / "data" / "models").mkdir(parents=True)
    (place / "data" / "models" / FILE).symlink_to(smollm2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KOBOLD_MODULES_HOME", str(place))
        paragraphs = next(NOIR.glob("*.txt")).read_text(encoding="utf-8").split("\n\n")
        (place / "few.txt").write_text("\n\n".join(paragraphs[1:60]), encoding="utf-8")
        quick = ["--steps", "2", "--tokens", "8", "--row", "64", "--batch", "1", "--rate", "0.02", "--device", "cpu"]
        assert main(["train", str(place / "few.txt"), "--name", "small", "--model", "smollm2", *quick]) == 0
    return place


@pytest.fixture(autouse=True)
def at_home(trained: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOBOLD_MODULES_HOME", str(trained))


def write(capsys: pytest.CaptureFixture[str], *more: str) -> str:
    settings = ["--max-tokens", "16", "--seed", "7"]
    assert main(["generate", "--model", "smollm2", "--prompt", OPENING, *settings, *more]) == 0
    return capsys.readouterr().out


def test_it_trains_and_the_card_says_on_what() -> None:
    module = Library().find("small")

    assert module.card.model == "smollm2"
    rows = with_rows(module)
    assert rows.vectors.shape == (8, 576)
    assert np.isfinite(rows.vectors).all()
    assert rows.initial is not None
    assert not np.array_equal(rows.initial, rows.vectors)
    assert module.card.measured["bits_per_byte_without"] == pytest.approx(1.3, abs=0.5)


def test_it_writes_with_and_without_the_module(capsys: pytest.CaptureFixture[str]) -> None:
    plain, again, steered = write(capsys), write(capsys), write(capsys, "--module", "small")

    assert plain == again
    assert plain.startswith(OPENING)
    assert len(steered.split()) > 6


def test_two_stacks_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    stacks = ["--stack", "none", "--stack", "small"]
    assert main(["compare", "--model", "smollm2", *stacks, "--prompt", OPENING, "--max-tokens", "8"]) == 0

    assert "small" in capsys.readouterr().out


def test_it_measures_a_text(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text(
        " ".join(["The rain came down on Alder Street as if it were paid by the drop."] * 12)
    )

    command = ["measure", "--model", "smollm2", "--module", "small", "--text", str(tmp_path / "page.txt"), "--json"]
    assert main(command) == 0

    numbers = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "small" in json.dumps(numbers)
    assert any(isinstance(value, float) and value > 0 for value in numbers.values())


def test_it_is_exported_and_fits_its_own_model_only(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "small.zip"
    assert main(["export", "small", "--out", str(out)]) == 0
    assert kobold.read(out).digest == Library().find("small").digest

    assert main(["check", str(out), "--model", "smollm2"]) == 0
    assert main(["check", str(out), "--model", "starter"]) == 4
    assert main(["generate", "--model", "starter", "--module", "small", "--prompt", OPENING]) == 4
    capsys.readouterr()


def test_it_is_listed_as_one_that_writes_and_trains(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "smollm2", "--json"]) == 0

    (model,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (model["architecture"], model["weights"], model["context"]) == ("llama", "Q4_1", 8192)
    assert model["write"]["can"] != "no"
    assert model["train"]["can"] != "no"


def test_the_demo_runs_on_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kobold_modules.cli.commands.demo.samples_folder", lambda: NOIR.parent)
    out = tmp_path / "noir.zip"

    assert main(["demo", "--model", "smollm2", "--minutes", "0.1", "--out", str(out), "--no-tui"]) == 0

    captured = capsys.readouterr()
    assert kobold.read(out).digest == Library().find("demo noir smollm2").digest
    assert "training a style module on SmolLM2 135M" in captured.err
    assert 'generate --model smollm2 --module "demo noir smollm2"' in captured.err
