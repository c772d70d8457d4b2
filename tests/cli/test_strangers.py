"""Modules of strangers on the command line: whatever their cards and names hold, a list stays a list."""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.formats import kobold, npy
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.module import Card, Module


ROWS = np.ones((2, 3), np.float32)
BAD_NUMBERS = ["9" * 400, "1e999", "-1e999", "NaN", '"text"', "[1, 2]", "null", "{}", "1e300", "1e-300"]


def put(card: str, folder: str = "stranger", **members: bytes) -> Path:
    """Put a module into the library by hand."""
    path = Library().root / folder / f"{folder}.zip"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tensor.npy", npy.write_table(ROWS))
        archive.writestr("card.json", card)
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("number", BAD_NUMBERS)
@pytest.mark.parametrize("half", [False, True])
def test_measurements_that_make_no_sense_are_left_out(
    capsys: pytest.CaptureFixture[str], number: str, half: bool
) -> None:
    """F4, F5: one such card never hides the others."""
    Library().add(Module(ROWS * 2, Card("mine", measured={"gain": 0.03})))
    keys = ["gain", "bits_per_byte_with", "nats_per_token_with", "others_gain", "gain_low", "held_out_stretches"]
    keys += [] if half else ["bits_per_byte_without", "nats_per_token_without", "gain_high", "held_out_tokens"]
    members = ", ".join(f'"{key}": {number}' for key in keys)
    training = f'{{"steps": {number}, "budget": {number}, "learned": {number}}}'
    put(f'{{"name": "stranger", "measured": {{{members}}}, "training": {training}}}')

    for arguments in (["list"], ["show", "stranger"], ["list", "--json"], ["show", "stranger", "--json"]):
        code, out, _ = run(capsys, *arguments)
        assert code == 0
        assert "stranger" in out
        if "--json" in arguments:
            found = [json.loads(line, parse_constant=pytest.fail) for line in out.splitlines()]
            assert found
    assert "3.0 % better" in run(capsys, "list")[1]


def test_members_that_have_our_names_are_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    """F6."""
    put('{"name": "stranger", "digest": 5, "tokens": "many", "width": null, "arguments": 1, "self": 2}')
    code, out, _ = run(capsys, "show", "stranger", "--json")
    assert code == 0
    assert json.loads(out)["tokens"] == 2
    assert run(capsys, "show", "stranger")[0] == 0


def test_a_description_is_one_line_of_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    """F10: its lines stood as rows and imitated other modules."""
    put(json.dumps({"name": "stranger", "description": "One.\nfake   style  20  starter\n" + "x" * 100_000}))
    code, out, _ = run(capsys, "list")
    assert code == 0
    assert len(out.splitlines()) == 2
    assert len(out) < 1000
    assert len(run(capsys, "show", "stranger")[1]) < 5000


@pytest.mark.parametrize(
    "name", ["a\x1b[2J.npy", "x\n✓ hostile.zip is a sound KoboldAI soft prompt", "a\u202eb", "z" * 60_000]
)
def test_names_inside_a_file_are_quoted_safely(capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str) -> None:
    """F9, F22: a member's name, an array's type, a key of the meta."""
    path = tmp_path / "hostile.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/tensor.npy", npy.write_table(ROWS))
        archive.writestr("meta.json", "{}")
    for verb, right in (("check", 3), ("import", 0)):  # KoboldAI does not find the table, we do
        code, out, err = run(capsys, verb, path)
        assert code == right
        _is_safe(out + err)
        assert not any(line.startswith("✓") for line in out.splitlines())


def test_names_in_an_array_and_a_meta_are_quoted_safely(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    odd = "\x1b[31m\u202e" + "y" * 50_000
    meta = {f"k{number}{odd[:9]}": [1] for number in range(2000)} | {"name": odd, "description": ["x"]}
    path = tmp_path / "odd.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tensor.npy", npy.write_table(ROWS))
        archive.writestr("meta.json", json.dumps(meta))
    code, out, err = run(capsys, "check", path)
    assert code == 3
    _is_safe(out + err)
    assert len(out) < 20_000

    (tmp_path / "odd.safetensors").write_bytes(_safetensors({odd: "F\x1b[31m64"}))
    code, out, err = run(capsys, "check", tmp_path / "odd.safetensors")
    assert code == 3
    _is_safe(out + err)


@pytest.mark.skipif(sys.platform != "linux", reason="a name of any bytes")
def test_a_file_name_that_is_no_utf_8_is_a_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """F11."""
    broken = os.fsencode(tmp_path) + b"/caf\xe9\x1b[2J.zip"
    with open(broken, "wb") as file:
        file.write(b"no zip")
    for verb in ("check", "import", "show"):
        code, out, err = run(capsys, verb, os.fsdecode(broken))
        assert code == 3
        _is_safe(out + err)
        (out + err).encode()
    kobold.write(Module(ROWS, Card("noir")), tmp_path / "noir.zip")
    os.rename(tmp_path / "noir.zip", broken)
    assert run(capsys, "import", os.fsdecode(broken))[0] == 0
    assert run(capsys, "import", os.fsdecode(broken), "--json")[0] == 0


def _is_safe(text: str) -> None:
    bad = [letter for letter in text if (ord(letter) < 32 and letter != "\n") or "\x7f" <= letter <= "\x9f"]
    assert not bad
    assert "\u202e" not in text
    assert len(text) < 20_000


def _safetensors(kinds: dict[str, str]) -> bytes:
    header: dict[str, Any] = {
        name: {"dtype": kind, "shape": [1], "data_offsets": [0, 4]} for name, kind in kinds.items()
    }
    raw = json.dumps(header).encode()
    out = io.BytesIO()
    out.write(len(raw).to_bytes(8, "little") + raw + b"\0" * 4)
    return out.getvalue()
