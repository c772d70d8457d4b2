"""Wording: labels, hints and messages use the words that other programs use, and name keys in one way."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import kobold_modules
import kobold_modules.tui as tui
from kobold_modules.tui.state.keys import key_name


CLI = Path(kobold_modules.__file__).parent / "cli"
TUI = Path(str(tui.__file__)).parent
FILES = sorted([*TUI.rglob("*.py"), *CLI.glob("*.py")])
# What stood here and had to be read twice, as patterns over what a person is shown.
DIALECT = (
    r"enter does it",
    r"esc leaves",
    r"tab goes on",
    r"ctrl\+s keeps",
    r"\bis taken\b",
    r"\bgive(s|n)? (it |all |texts )*back\b",
    r"\boff the shelf\b",
    r"\b(take|takes|taken) (it |them |\w+ )?(out|off|away)\b",
    r"\b(put|puts) (it |them |\w+ )?in\b",
    r"\bbring(s)? .*back\b",
    r"\b(rolls?|rolled|written|writes|again) anew\b",
    r"\bmake usual\b",
    r"\b(dice|anew)\b",
    r"\b(bits|nats|words|tokens|rows|likely|\}) a (token|word|row|byte|second|minute|step)\b",
    r"\b(go|goes|gone) on\b",
    r"\blet(s)? (it|the \w+) go\b",
    r"\bmakes? no sense\b",
    r"(?<!there )\bis no (file|folder|model|list|theme|colour|text|story|JSON|ordinary)\b",
    r"\blikelier\b",
    r"\bForget\b",
)


def _shown(path: Path) -> Iterator[tuple[int, str]]:
    """Yield every string of ``path`` that may be shown: with a space or a capital, no docstrings, no styles."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr):
                hidden.add(first.value)
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id.endswith("CSS") for target in targets):
            hidden.add(node.value)  # type: ignore[attr-defined]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in hidden:
            if " " not in node.value and not node.value[:1].isupper():
                continue  # a key of a table, an id, a class of CSS
            yield node.lineno, node.value


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nothing_needs_a_second_reading(path: Path) -> None:
    """interface.md, wording: "off the shelf", "rolled anew", "give it back" and their like."""
    found = [
        f"{path.name}:{line}: {text!r}"
        for line, text in _shown(path)
        for pattern in DIALECT
        if re.search(pattern, text, re.IGNORECASE)
    ]
    assert found == []


@pytest.mark.parametrize("path", [path for path in FILES if TUI in path.parents], ids=lambda path: path.name)
def test_sentences_name_keys_as_the_footer_does(path: Path) -> None:
    """``esc`` and ``ctrl+t``: not ``escape``, ``^t`` or ``Ctrl-T``."""
    wrong = re.compile(
        r"\bescape\b|\bdelete key\b|\^[a-z]\b|\b[Cc](trl|ontrol)[- ][a-zA-Z]\b|\bctrl\+[A-Z]\b|\bf\d+\b:"
    )
    found = [f"{path.name}:{line}: {text!r}" for line, text in _shown(path) if " " in text and wrong.search(text)]
    assert found == []


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("ctrl+t", "ctrl+t"),
        ("f1", "F1"),
        ("shift+f2", "shift+F2"),
        ("escape", "esc"),
        ("enter", "enter"),
        ("delete", "del"),
        ("backspace", "backspace"),
        ("slash", "/"),
        ("ctrl+underscore", "ctrl+_"),
        ("left", "←"),
        ("K", "K"),
    ],
)
def test_a_key_has_one_name(key: str, shown: str) -> None:
    assert key_name(key) == shown
