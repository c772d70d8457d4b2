"""Every private member of Textual that the interface uses is there, and nothing outside this room uses one."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest
import textual


TUI = Path(__file__).resolve().parents[3] / "tui"
ROOM = TUI / "rendering"
TEXTUAL = " ".join(path.read_text(encoding="utf-8") for path in Path(textual.__file__).parent.rglob("*.py"))
OURS = {"_replace"}  # a named tuple's


def private_members(path: Path) -> set[str]:
    """Return the names with an underscore that ``path`` takes from objects and does not define anywhere in tui/."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__")
    } - OURS


def defined(paths: list[Path]) -> set[str]:
    """Return the names with an underscore that these files give to their own objects."""
    found: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
    return found


def test_only_this_room_reaches_into_textual() -> None:
    outside = [path for path in TUI.rglob("*.py") if ROOM not in path.parents]
    ours = defined(outside)
    reached = {
        f"{path.relative_to(TUI)}: {name}"
        for path in outside
        for name in private_members(path) - ours
        if re.search(rf"\b{name}\b", TEXTUAL)
    }

    assert reached == set()


def test_what_is_reached_for_is_there() -> None:
    files = list(ROOM.glob("*.py"))
    known = defined([path for path in TUI.rglob("*.py")])
    gone = {
        name
        for path in files
        for name in private_members(path)
        if name not in known and not re.search(rf"\b{name}\b", TEXTUAL)
    }

    assert gone == set()


@pytest.mark.parametrize(
    ("owner", "member"),
    [
        ("textual.app:App", "_screen_stacks"),
        ("textual.app:App", "_ready"),
        ("textual.screen:Screen", "_compositor_refresh"),
        ("textual.screen:Screen", "_get_breakpoint_classes"),
        ("textual.screen:Screen", "_invoke_and_clear_callbacks"),
        ("textual.screen:Screen", "_on_timer_update"),
        ("textual.screen:Screen", "_refresh_layout"),
        ("textual.screen:Screen", "_update_focus_styles"),
        ("textual.widget:Widget", "_get_style"),
        ("textual.widgets:TextArea", "_refresh_size"),
        ("textual.widgets:TextArea", "_build_highlight_map"),
        ("textual.widgets:TextArea", "_rewrap_and_refresh_virtual_size"),
        ("textual.widgets:Tree", "_clear_line_cache"),
        ("textual._compositor:Compositor", "_get_renders"),
    ],
)
def test_a_member_is_where_it_was(owner: str, member: str) -> None:
    module, _, name = owner.partition(":")
    kind = getattr(importlib.import_module(module), name)
    source = Path(inspect.getfile(kind)).read_text(encoding="utf-8")

    assert hasattr(kind, member) or re.search(rf"self\.{member}\b", source)
