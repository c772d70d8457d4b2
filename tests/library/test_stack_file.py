"""Stacks as text files: kept, shared, read back, and honest about what is missing."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules import paths
from kobold_modules.errors import BadInput, BadModule, BadUsage
from kobold_modules.library import stack_file
from kobold_modules.library.library import Library
from kobold_modules.library.stack_file import (
    ModuleId,
    StackFile,
    gather,
    keep,
    named,
    names,
    parse,
    read,
    remove,
    write,
)
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack


def module(name: str, seed: int = 1) -> Module:
    return Module(np.random.default_rng(seed).normal(size=(3, 8)).astype(np.float32), Card(name))


TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
IDS = st.builds(
    ModuleId,
    TEXT.filter(lambda name: name.strip()),
    st.one_of(st.just(""), st.text("0123456789abcdef", min_size=64, max_size=64)),
)
LAYERS = st.builds(Layer, IDS, st.floats(-4, 4), st.booleans())


@given(TEXT, st.lists(LAYERS, max_size=6))
def test_any_stack_is_read_back_as_it_was(name: str, layers: list[Layer[ModuleId]]) -> None:
    stack = StackFile(name, tuple(layers))
    assert parse(stack.to_text(), "a test") == stack


@given(st.text(max_size=200))
def test_any_other_text_is_refused_or_a_stack(text: str) -> None:
    with contextlib.suppress(BadInput):
        assert isinstance(parse(text, "x"), StackFile)


@pytest.mark.parametrize(
    "text",
    [
        "[[module]]",
        "[[module]]\nname = 3",
        '[[module]]\nname = "a"\nstrength = "much"',
        '[[module]]\nname = "a"\nstrength = nan',
        '[[module]]\nname = "a"\nstrength = 40.0',
        '[[module]]\nname = "a"\non = 1',
        '[[module]]\nname = " "',
        'module = "a"',
        "module = 5",
        "format = 2",
        'format = "new"',
        "[[module]]\nname = 'a'\n" * 65,
        "name = [1]",
    ],
)
def test_what_is_no_stack_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse(text, "a test")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read(tmp_path / "missing.stack.toml")
    (tmp_path / "big.stack.toml").write_bytes(b"#" * (stack_file.MOST_BYTES + 1))
    with pytest.raises(BadInput, match="too large"):
        read(tmp_path / "big.stack.toml")
    (tmp_path / "bytes.stack.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput):
        read(tmp_path / "bytes.stack.toml")


def test_a_stack_is_written_down_and_gathered_again(tmp_path: Path) -> None:
    library = Library()
    noir, sea = module("noir", 1), module("The Sea", 2)
    library.add(noir)
    library.add(sea)
    stack = Stack().add(noir, 0.5).add(sea).change(1, on=False)
    write(StackFile.of("wet", stack), tmp_path / "wet.stack.toml")
    again, warnings = gather(read(tmp_path / "wet.stack.toml"))
    assert warnings == []
    assert [(layer.module.card.name, layer.strength, layer.on) for layer in again.layers] == [
        ("noir", 0.5, True),
        ("The Sea", 1.0, False),
    ]
    assert again.digest == stack.digest


def test_a_missing_module_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        BadModule, match=r"The stack wet needs the module noir, which is not in your library\."
    ) as caught:
        gather(StackFile("wet", (Layer(ModuleId("noir")),)))
    assert "noir" in caught.value.hint


def test_a_renamed_module_is_found_by_its_digest() -> None:
    library = Library()
    library.add(module("noir"))
    layer = Layer(ModuleId("noir", module("noir").digest))
    library.rename("noir", "black")
    stack, warnings = gather(StackFile("wet", (layer,)))
    assert (stack.layers[0].module.card.name, warnings) == ("black", [])


def test_another_module_of_the_same_name_is_told() -> None:
    Library().add(module("noir", 2))
    stack, warnings = gather(StackFile("wet", (Layer(ModuleId("noir", module("noir", 1).digest)),)))
    assert stack.layers[0].module.digest == module("noir", 2).digest
    assert "not the module" in warnings[0]


def test_a_strangers_stack_opens_no_files(tmp_path: Path) -> None:
    from kobold_modules.formats import kobold

    kobold.write(module("noir"), tmp_path / "noir.zip")
    for name in (str(tmp_path / "noir.zip"), "../../noir.zip", "~/noir.zip"):
        with pytest.raises(BadModule):
            gather(StackFile("wet", (Layer(ModuleId(name)),)))


def test_stacks_are_kept_by_name() -> None:
    assert names() == []
    path = keep(StackFile("Rain & Noir", (Layer(ModuleId("noir")),)))
    assert path.parent == paths.stacks_dir()
    assert named("rain & noir") == path
    with pytest.raises(BadUsage, match="already"):
        keep(StackFile("rain & NOIR"))
    assert keep(StackFile("rain & NOIR"), replace=True) == path
    other = keep(StackFile("Rain, Noir"))  # the same slug
    assert other != path
    (paths.stacks_dir() / "broken.stack.toml").write_text("[[")
    assert names() == ["rain & NOIR", "Rain, Noir"]
    remove("rain & noir")
    assert names() == ["Rain, Noir"]
    with pytest.raises(BadInput, match="no stack called noir"):
        remove("noir")
    with pytest.raises(BadUsage):
        keep(StackFile("  "))
