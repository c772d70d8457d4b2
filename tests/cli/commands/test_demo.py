"""The demo: the whole road in one command, on real parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.cli import main
from kobold_modules.cli.commands import demo as demo_command
from kobold_modules.cli.commands.generate import side_by_side
from kobold_modules.evaluation.control_texts import samples_folder
from kobold_modules.formats import kobold
from kobold_modules.library.library import Library


def test_the_sample_texts_are_found_where_they_are_installed() -> None:
    assert {"noir", "gothic", "farce", "world"} <= {path.name for path in samples_folder().iterdir()}


def test_two_columns_keep_every_word() -> None:
    left, right = "one two three four five six seven", "a b\nc"

    shown = side_by_side(("L", "R"), (left, right), 43)

    assert all(len(line) <= 43 for line in shown.splitlines())
    assert [word for word in left.split() if word not in shown] == []
    assert "│ c" in shown


def test_its_end_names_the_next_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo_command, "smollm2_path", lambda: None)
    assert "kobold-modules models --get smollm2" in demo_command._next_model()
    monkeypatch.setattr(demo_command, "smollm2_path", lambda: tmp_path)
    assert demo_command._next_model().strip().startswith("kobold-modules demo --model smollm2")


@pytest.mark.slow
def test_the_demo_ends_with_a_zip_a_module_and_two_continuations(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, starter: Path
) -> None:
    out = tmp_path / "noir.zip"

    code = main(["demo", "--minutes", "0.2", "--out", str(out), "--no-tui"])

    captured = capsys.readouterr()
    shown = captured.out
    assert code == 0
    assert "smollm2" in captured.err
    assert kobold.read(out).digest == Library().find("demo noir").digest
    assert "without (" in shown
    assert "with demo noir (" in shown
    assert "virtual tokens; " in shown
