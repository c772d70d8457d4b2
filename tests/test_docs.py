"""What README and docs/ say of the command line is what it does."""

from __future__ import annotations

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


def test_the_page_of_commands_is_what_the_program_prints() -> None:
    done = subprocess.run(
        [sys.executable, "docs/make_commands.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
