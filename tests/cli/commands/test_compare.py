"""``compare`` as a person meets it, and stacks as the command line takes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.cli.commands.compare import columns
from kobold_modules.cli.options.stack import parse_stack, sources_of
from kobold_modules.library import stack_file
from kobold_modules.library.library import Library
from kobold_modules.library.stack_file import ModuleId, StackFile, keep
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.soft_prompt.module import Card, Module


@pytest.fixture
def shelf() -> Library:
    library = Library()
    for seed, name in enumerate(("noir", "sea")):
        rng = np.random.default_rng(seed)
        library.add(Module(rng.normal(0, 0.04, (4, 320)).astype(np.float32), Card(name, model="starter")))
    return library


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_takes_of_one_stack_have_a_seed_each(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    code, out, err = run(capsys, "compare", "--takes", "3", "--seed", "7", "--prompt", "She left", "--max-tokens", "6")
    assert code == 0
    assert [line.split("seed ")[1].split()[0] for line in out.splitlines() if line.startswith("──")] == ["7", "8", "9"]
    assert out.count("She left") == 3
    assert "seed 9" in err


def test_a_pipe_gets_one_after_another_and_json_gets_records(
    capsys: pytest.CaptureFixture[str], starter: Path, shelf: Library
) -> None:
    stacks = ("--stack", "noir", "--stack", "sea:0.5", "--seed", "1")
    plain = run(capsys, "compare", *stacks, "--prompt", "She", "--max-tokens", "8")[1]
    out = run(capsys, "compare", *stacks, "--prompt", "She", "--max-tokens", "8", "--json")[1]
    records = [json.loads(line) for line in out.splitlines()]
    texts = ["".join(r["text"] for r in records if r["record"] == "text_chunk" and r["sequence"] == n) for n in (0, 1)]
    assert plain.index("She" + texts[0]) < plain.index("── sea ×0.5") < plain.index("She" + texts[1])
    assert sorted(r["sequence"] for r in records if r["record"] == "finished") == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--stack", "none"), "at least two"),
        (("--takes", "9"), "9 texts"),
        (("--takes", "0"), "at least 1"),
        (("--takes", "2", "--max-tokens", "0"), "at least 1"),
        (("--stack", "none", "--stack", "none", "--takes", "5"), "10 texts"),
    ],
)
def test_what_makes_no_sense_is_bad_usage(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    code, _, err = run(capsys, "compare", "--prompt", "x", *arguments)
    assert code == 2
    assert says in err


def test_columns_stand_side_by_side() -> None:
    rows = columns(["one", "two"], ["a b c d", "e"], 3)
    assert [rows[0], *rows[2:]] == ["one │ two", "a b │ e", "c d │"]
    assert set(rows[1]) == {"─", "┼"}
    assert len(columns(["one"], ["a\n" * 50], 10, most=8)) == 8


def test_a_stack_file_is_a_module_argument(shelf: Library, tmp_path: Path) -> None:
    wet = StackFile("wet", (Layer(ModuleId("noir"), strength=0.5), Layer(ModuleId("sea"), on=False)))
    keep(wet)
    file = tmp_path / "wet.stack.toml"
    stack_file.write(wet, file)
    for typed in ("wet", str(file)):
        stack = parse_stack([typed])
        assert [(layer.module.card.name, layer.strength, layer.on) for layer in stack.layers] == [
            ("noir", 0.5, True),
            ("sea", 1.0, False),
        ]
        assert sources_of([typed, "none", "noir:2"]) == ["noir", "sea", "noir"]
    halved = parse_stack(["wet:0.5", "sea"])
    assert [layer.strength for layer in halved.layers] == [0.25, 0.5, 1.0]


def test_a_module_comes_before_a_stack_of_its_name(shelf: Library) -> None:
    keep(StackFile("noir", (Layer(ModuleId("sea")),)))
    assert parse_stack(["noir"]).layers[0].module.card.name == "noir"


def test_a_stack_whose_module_is_missing_is_one_sentence(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    keep(StackFile("wet", (Layer(ModuleId("noir")),)))
    code, out, err = run(capsys, "compare", "--stack", "wet", "--stack", "none", "--prompt", "x")
    assert (code, out) == (3, "")
    assert "needs the module noir" in err
