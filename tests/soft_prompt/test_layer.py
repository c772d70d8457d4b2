"""The one type for a layer of a stack, whatever stands for its module."""

from __future__ import annotations

import ast
from dataclasses import asdict
from pathlib import Path

import pytest

from kobold_modules.soft_prompt.layer import Layer, layer_from_data


HOUSE = Path(__file__).parents[2]


def test_it_goes_from_one_form_of_its_module_to_another() -> None:
    assert Layer("noir", 0.5, False).with_module(7) == Layer(7, 0.5, False)


@pytest.mark.parametrize(
    ("layer", "active"), [(Layer("a"), True), (Layer("a", 0), False), (Layer("a", 1, False), False)]
)
def test_it_is_active_when_it_is_on_and_has_a_strength(layer: Layer[str], active: bool) -> None:
    assert layer.active is active


def test_it_is_kept_as_json() -> None:
    layer = Layer("noir", 0.5, False)
    assert asdict(layer) == {"module": "noir", "strength": 0.5, "on": False}
    assert layer_from_data(asdict(layer)) == layer


def test_takes_of_an_older_version_are_still_read() -> None:
    assert layer_from_data({"path": "/a/noir.zip", "strength": 1, "on": True}) == Layer("/a/noir.zip")


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "noir",
        {},
        {"module": 5},
        {"module": "a", "strength": "much"},
        {"module": "a", "strength": True},
        {"module": "a", "strength": float("nan")},
        {"module": "a", "on": 1},
    ],
)
def test_what_is_no_layer_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match=r"layer|strength"):
        layer_from_data(data)


def test_no_second_class_has_a_strength_and_a_switch() -> None:
    """HOUSE: one type a concept. A class with both fields would be a stack's layer again."""
    found = []
    for file in [*HOUSE.glob("kobold_modules/**/*.py"), *HOUSE.glob("tui/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                fields = {
                    f.target.id for f in node.body if isinstance(f, ast.AnnAssign) and isinstance(f.target, ast.Name)
                }
                if {"strength", "on"} <= fields:
                    found.append(node.name)
    assert found == ["Layer"]
