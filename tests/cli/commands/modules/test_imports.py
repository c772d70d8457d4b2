"""``import``: several files, folders, names that are taken, and what is there already."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.cli.options.stack import parse_stack, split_list
from kobold_modules.formats import kobold, peft
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.deep_prefix import with_rows
from kobold_modules.soft_prompt.module import Card, Module


def module(name: str = "noir", fill: float = 1.0, **card: Any) -> Module:
    return Module(np.full((2, 3), fill, np.float32), Card(name, **card))


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = main(["import", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def names() -> list[str]:
    return [entry.name for entry in Library().entries()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder of two good modules, one broken zip, an adapter and a text."""
    deep = tmp_path / "old" / "2021"
    deep.mkdir(parents=True)
    kobold.write(module("noir"), tmp_path / "old" / "noir.zip")
    (tmp_path / "old" / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "old" / "readme.json").write_text("{}")
    (tmp_path / "old" / "novel.txt").write_text("It rained.")
    kobold.write(module("gothic", 2), deep / "gothic.zip")
    peft.write(module("farce", 3), deep / "farce")
    return tmp_path / "old"


def test_one_that_fails_does_not_keep_the_others_out(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """F02, F8: a folder goes in; the code is the first failure's; a second run knows what is there."""
    code, out, err = run(capsys, folder)
    assert code == 3
    assert names() == ["farce", "gothic", "noir"]
    assert out.count("now in the library") == 3
    assert err.count("error: broken.zip") == 1
    assert err.endswith("3 imported, 1 failed.\n")

    (folder / "broken.zip").unlink()
    code, out, err = run(capsys, folder)
    assert (code, out.count("in the library already")) == (0, 3)
    assert err == "3 already there.\n"
    assert len(names()) == 3


def test_files_behind_a_missing_one_are_tried(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    kobold.write(module(), tmp_path / "noir.zip")
    code, _, err = run(capsys, tmp_path / "missing.zip", tmp_path / "noir.zip")
    assert (code, names()) == (3, ["noir"])
    assert "missing.zip" in err


def test_two_files_of_one_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """F02: other vectors under a name that is taken get a number, or their own name, or take its place."""
    kobold.write(module(fill=1), tmp_path / "a.zip")
    kobold.write(module(fill=2), tmp_path / "b.zip")
    assert run(capsys, tmp_path / "a.zip", tmp_path / "b.zip")[0] == 0
    assert names() == ["noir", "noir 2"]

    kobold.write(module(fill=3), tmp_path / "c.zip")
    code, _, err = run(capsys, tmp_path / "c.zip")
    assert (code, names()) == (0, ["noir", "noir 2", "noir 3"])
    assert "Another module is called noir; this one is noir 3." in err
    kobold.write(module(fill=4), tmp_path / "d.zip")
    assert run(capsys, tmp_path / "d.zip", "--name", "rain")[0] == 0
    assert "rain" in names()
    kobold.write(module(fill=5), tmp_path / "e.zip")
    code, out, _ = run(capsys, tmp_path / "e.zip", "--replace")
    assert code == 0
    assert "in the place of" in out
    assert with_rows(Library().find("noir")).vectors[0, 0] == 5
    assert len(names()) == 4


def test_a_name_that_is_taken_is_not_taken_twice(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    kobold.write(module(fill=1), tmp_path / "a.zip")
    kobold.write(module("gothic", 2), tmp_path / "b.zip")
    run(capsys, tmp_path / "a.zip")
    assert run(capsys, tmp_path / "b.zip", "--name", "Noir")[0] == 2
    assert run(capsys, tmp_path / "b.zip", "--name", "Noir", "--replace")[0] == 0
    assert run(capsys, tmp_path / "b.zip", "--name", "NOIR")[0] == 0  # it is there already
    assert names() == ["Noir"]


def test_the_same_vectors_under_another_name_are_known_again(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    kobold.write(module("noir", description="Mine."), tmp_path / "a.zip")
    run(capsys, tmp_path / "a.zip")
    kobold.write(module("rain", description="Another card."), tmp_path / "b.zip")
    peft.write(module("as an adapter"), tmp_path / "adapter")
    code, out, _ = run(capsys, tmp_path / "b.zip", tmp_path / "adapter")
    assert (code, names()) == (0, ["noir"])
    assert out == "noir: b.zip is in the library already.\nnoir: adapter is in the library already.\n"
    assert run(capsys, tmp_path / "b.zip", "--name", "rain")[0] == 0  # asked for by name, it is a copy
    assert names() == ["noir", "rain"]


def test_one_name_is_for_one_file(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert run(capsys, folder, "--name", "x")[0] == 2
    assert names() == []


@pytest.mark.parametrize("name", ["", " \n", "\u200b", "\u3164\u2800", "none", "None", "x" * 201])
def test_names_that_could_not_be_asked_for_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    """F26: nothing is cut, invisible or unreachable."""
    kobold.write(module(), tmp_path / "a.zip")
    code, _, err = run(capsys, tmp_path / "a.zip", "--name", name)
    assert (code, names()) == (2, [])
    assert err.startswith("error: ")
    kobold.write(module("noir", 2), tmp_path / "b.zip")
    run(capsys, tmp_path / "b.zip")
    assert main(["rename", "noir", name]) == 2


def test_an_empty_folder_is_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, tmp_path)
    assert code == 3
    assert "There is no module in the folder" in err


def test_json_says_what_became_of_each(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    code, out, err = run(capsys, "--json", folder)
    found = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (3, "")
    assert [one["outcome"] for one in found] == ["imported", "imported", "failed", "imported"]
    assert [one.get("name") for one in found] == ["farce", "gothic", None, "noir"]
    assert "broken.zip" in found[2]["error"]


def test_names_that_look_like_options_are_reachable() -> None:
    """F26: a colon and a comma belong to a name where a module has it."""
    for name, fill in (("a", 1.0), ("a:0.5", 2.0), ("b, c:2", 3.0)):
        Library().add(module(name, fill))
    assert [layer.strength for layer in parse_stack(["a:0.5"]).layers] == [1]
    assert [layer.strength for layer in parse_stack(["a:0.5:0.25"]).layers] == [0.25]
    assert [layer.strength for layer in parse_stack(["a:0.7"]).layers] == [0.7]
    assert split_list("a,b, c:2,a:0.5") == ["a", "b, c:2", "a:0.5"]
    assert split_list("a,x:0.5") == ["a", "x:0.5"]
    assert parse_stack(split_list("b, c:2:0.5,a:0.5")).label.count("×") == 1
