"""The front door is light: help and the package itself load nothing heavy, and nobody owns the name ``tui``."""

from __future__ import annotations

import subprocess
import sys

import pytest


HEAVY = ("torch", "llama_cpp", "transformers", "textual")


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
    done = subprocess.run(["lint-imports", "--no-cache"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
