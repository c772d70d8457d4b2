"""``list``, ``show`` and ``trash`` say what a module is and how it was trained."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.deep_prefix import DeepPrefix
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.module import Card, Module


@pytest.fixture(autouse=True)
def shelf(home: object) -> None:
    """Keep a module of each form."""
    card = Card("deep noir", fingerprint=Fingerprint(10, 8, (0.5,)))
    Library().add(DeepPrefix(np.ones((2, 1, 3, 4), np.float32), np.zeros((2, 1, 3, 4), np.float32), card))
    Library().add(Module(np.ones((3, 8), np.float32), Card("noir", training={"beside": ["rain", "farce"], "seed": 7})))


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


def records(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said(capsys, *arguments, "--json").splitlines()]


def test_a_list_tells_deep_prefixes_from_rows(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "list").splitlines()
    kinds = {line.split("  ")[0]: "style, deep" in line for line in lines if "noir" in line}

    assert kinds == {"deep noir": True, "noir": False}
    assert [(one["name"], one["holds"]) for one in records(capsys, "list")] == [
        ("deep noir", "deep prefix"),
        ("noir", "rows"),
    ]


def test_a_card_tells_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert "3 (a deep prefix: keys and values of 2 layers, 4 wide)" in said(capsys, "show", "deep noir")
    (deep,) = records(capsys, "show", "deep noir")
    (rows,) = records(capsys, "show", "noir")

    assert (deep["holds"], deep["layers"], rows["holds"], rows["width"]) == ("deep prefix", 2, "rows", 8)


def test_so_does_the_trash(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("noir", "deep noir"):
        main(["remove", name])
    capsys.readouterr()

    assert {one["name"]: one["holds"] for one in records(capsys, "trash")} == {
        "deep noir": "deep prefix",
        "noir": "rows",
    }
    assert "deep noir: 3 virtual tokens of a deep prefix" in said(capsys, "trash")


def test_a_card_names_what_stood_beside_it_in_training(capsys: pytest.CaptureFixture[str]) -> None:
    assert "beside (rain, farce), seed 7" in said(capsys, "show", "noir")
    assert records(capsys, "show", "noir")[0]["training"] == {"beside": ["rain", "farce"], "seed": 7}
