"""``prune`` and ``train --near`` on the starter: issue 17, deliverable 5."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.cli.commands.prune import prune_request
from kobold_modules.cli.parser import build_parser
from kobold_modules.errors import BadText, BadUsage
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.deep_prefix import with_rows
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.training.settings import TrainingRequest


NOIR = Path(__file__).resolve().parents[2] / "data" / "pages" / "noir"
QUICK = ("--steps", "3", "--row", "48", "--batch", "2")


def test_a_module_is_pruned_on_the_texts_it_was_trained_on(starter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(NOIR), "--name", "noir", "--tokens", "5", *QUICK]) == 0
    capsys.readouterr()

    assert main(["prune", "noir", "--to", "2", *QUICK]) == 0

    said = capsys.readouterr()
    assert "3 of 5 vectors are left out" in said.err
    assert "Left of 5 virtual tokens" in said.err
    assert "noir 2: " in said.out
    old, new = with_rows(Library().find("noir")), with_rows(Library().find("noir 2"))
    assert new.tokens == 2
    assert new.initial is not None
    for row in new.initial:  # it begins at rows of the old one
        assert any(np.array_equal(row, before) for before in old.vectors)
    assert new.card.training["pruned_from"] == "noir"
    assert new.card.measured["pruned_of"] == 5
    assert old.tokens == 5


def asked(*arguments: str) -> TrainingRequest:
    return prune_request(build_parser().parse_args(["prune", *arguments]))


@pytest.fixture
def stranger() -> None:
    """Keep a module whose texts nobody knows."""
    Library().add(Module(np.ones((4, 8), np.float32), Card("old", model="starter")))


def test_a_module_keeps_fewer_vectors_than_it_has(stranger: None) -> None:
    for wanted in ("0", "4", "9"):
        with pytest.raises(BadUsage, match="--to takes 1 to 3"):
            asked("old", str(NOIR), "--to", wanted)


def test_the_new_card_calls_its_model_as_the_old_one_does(
    stranger: None, stories: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model of the hub lies in a folder whose name nobody knows."""
    assert asked("old", str(NOIR), "--to", "2").model == "starter"
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    (folder,) = (path for path in stories.iterdir() if path.is_dir())
    shutil.copytree(folder, tmp_path / "models--me--tale" / "snapshots" / "0a1b2c")
    Library().add(Module(np.ones((4, 8), np.float32), Card("tale", model="me/tale")))
    assert asked("tale", str(NOIR), "--to", "2").model == "me/tale"


def test_texts_that_are_gone_are_to_be_named(stranger: None) -> None:
    with pytest.raises(BadText, match="not where they were"):
        asked("old", "--to", "2")


def test_a_module_kept_near_a_text_says_what_that_costs(starter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the one is kept; as many virtual tokens as the text has, unless they are given."""
    near = "A tale told in the rain."

    assert main(["train", str(NOIR), "--name", "near", "--near", near, "--near-weight", "50", *QUICK]) == 0

    said = capsys.readouterr()
    assert "read as the text it stays near to, which costs" in said.err
    assert [entry.name for entry in Library().entries()] == ["near"]
    assert "(free)" not in said.err + said.out
    module = Library().find("near")
    assert 4 <= module.tokens <= 12
    assert module.card.training["near"] == near
    assert module.card.measured["near_read"] > 0.5
    assert module.card.measured["bits_per_byte_free"] > 0
    assert main(["show", "near"]) == 0
    assert "A curiosity" in capsys.readouterr().out


def test_p_tuning_with_a_template_exports_like_any_module(
    starter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Issue 17, 2: folded to plain rows, of which the template's words are the model's own."""
    from kobold_modules.formats import kobold, peft
    from kobold_modules.models.find import resolve

    options = ("--method", "p-tuning", "--template", "{prompt} rain {prompt}", "--tokens", "7", "--encoder", "lstm")
    assert main(["train", str(NOIR), "--name", "p", *options, *QUICK, "--out", str(tmp_path / "p.zip")]) == 0

    module = kobold.read(tmp_path / "p.zip")
    assert module.initial is not None
    still = np.flatnonzero((module.vectors == module.initial).all(axis=1))
    assert 1 <= len(still) <= 4
    assert {"method": "p-tuning", "encoder": "lstm", "template": "{prompt} rain {prompt}"}.items() <= (
        module.card.training.items()
    )
    table = np.concatenate(list(resolve("starter").read_table()))
    for row in still:
        assert np.abs(table - module.vectors[row]).max(axis=1).min() < 1e-3
    assert main(["export", "p", "--format", "peft", "--out", str(tmp_path / "adapter")]) == 0
    assert np.array_equal(with_rows(peft.read(tmp_path / "adapter")).vectors, module.vectors)
    assert '"P_TUNING"' in (tmp_path / "adapter" / "adapter_config.json").read_text()
