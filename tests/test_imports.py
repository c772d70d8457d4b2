"""The front door is light: help and the package itself load nothing heavy, and nobody owns the name ``tui``."""

from __future__ import annotations

import graphlib
import re
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "llama_cpp", "transformers", "textual", "numpy", "msgspec")


@pytest.mark.parametrize("code", ["import kobold_modules", "from kobold_modules.cli import main; main(['--help'])"])
def test_nothing_heavy_is_loaded(code: str) -> None:
    probe = f"""
import sys
try:
    {code}
except SystemExit:
    pass
loaded = [name for name in {HEAVY!r} if name in sys.modules]
print("loaded", loaded, file=sys.stderr)
sys.exit(len(loaded))
"""
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_the_interface_is_imported_under_our_own_name() -> None:
    import kobold_modules.tui.app  # noqa: F401

    assert "tui.app" not in sys.modules


def test_imports_only_point_down() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_command_line_opens_the_interface() -> None:
    openers = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "kobold_modules").rglob("*.py")
        if re.search(r"^\s*from (\.\.\.tui|kobold_modules\.tui)\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]

    assert openers == ["kobold_modules/cli/commands/tui.py"]


@pytest.mark.parametrize("package", ["kobold_modules", "tui"])
def test_no_files_import_each_other_in_a_circle(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import grimp

    monkeypatch.syspath_prepend(str(ROOT))
    graph = grimp.build_graph(package, cache_dir=None)
    arrows = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}

    assert (
        set(graphlib.TopologicalSorter(arrows).static_order()) == graph.modules
    )  # raises CycleError, naming the circle
