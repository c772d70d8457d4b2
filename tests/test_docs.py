"""What README and docs/ say of the command line is what it does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from kobold_modules.cli.parser import build_parser


ROOT = Path(__file__).resolve().parents[1]


COMMANDS = [line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if line.startswith("kobold-modules ")]


def test_readme_has_commands_to_check() -> None:
    assert len(COMMANDS) > 10


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_in_readme_is_one_the_parser_takes(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    several = "|" in words  # a list of verbs

    for verb in [word for word in words if word != "|"] if several else ():
        assert f"\n## {verb}\n" in (ROOT / "docs" / "commands.md").read_text("utf-8")
    if not several:
        build_parser().parse_args(words)


def walks() -> dict[str, list[str]]:
    """Return the files of each walk in docs/design.md, by its title, as the first column names them."""
    text = (ROOT / "docs" / "design.md").read_text("utf-8").partition("## Three walks")[2].partition("\n## ")[0]
    found = {}
    for walk in text.split("\n**")[1:]:
        cells = [line.split("|")[1] for line in walk.splitlines() if line.startswith("| `")]
        found[walk.partition("**")[0]] = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
    return found


def test_nobody_meets_a_file_twice_on_a_walk_through_the_house() -> None:
    assert len(walks()) == 3
    for names in walks().values():
        assert len(names) > 10
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", sorted({name for names in walks().values() for name in names}))
def test_a_file_on_a_walk_is_there(name: str) -> None:
    places = [
        base / suffix for base in (ROOT / "kobold_modules", ROOT) for suffix in (f"{name}.py", f"{name}/__init__.py")
    ]

    assert any(place.is_file() for place in places)


def test_each_test_that_a_report_names_is_there() -> None:
    text = (ROOT / "docs" / "reports.md").read_text("utf-8")
    files = set(re.findall(r"tests/[\w/]+\.py", text))
    named = set(re.findall(r"(tests/[\w/]+\.py)::(test_\w+)", text))

    assert len(files) > 50
    assert {name for name in files if not (ROOT / name).is_file()} == set()
    assert {test for file, test in named if f"def {test}" not in (ROOT / file).read_text("utf-8")} == set()


def test_the_page_of_commands_is_what_the_program_prints() -> None:
    done = subprocess.run(
        [sys.executable, "docs/make_commands.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["library", "bench", "train"])
def test_the_script_of_the_pictures_finds_its_way_through_the_screens(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "docs/make_pictures.py", "--fake", "--only", name, "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / f"{name}.svg").is_file()
