"""`.ci/again`: what fails once and passes alone is named, what fails twice fails, and nothing else is tried again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


AGAIN = Path(__file__).parents[1] / ".ci" / "again"
UNSTEADY = "== failed once, passed alone: unsteady =="
FILE = """
from pathlib import Path

def test_steady():
    with Path("steady").open("a") as file:
        file.write("x")

def test_unsteady():
    second = Path("unsteady").exists()
    Path("unsteady").touch()
    assert second

def test_broken():
    assert not Path("wrong").exists()
"""

pytestmark = [
    pytest.mark.skipif(not AGAIN.exists(), reason="not a checkout"),
    pytest.mark.skipif(sys.platform == "win32" or not shutil.which("bash"), reason="needs bash"),
]


def again(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run ``command`` in ``folder`` as `.ci/run` does, without what this pytest has told its children."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [AGAIN, sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with a steady, an unsteady and, where a file `wrong` is in it, a broken test."""
    (tmp_path / "test_three.py").write_text(FILE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    stale = tmp_path / ".pytest_cache" / "v" / "cache"
    stale.mkdir(parents=True)
    (stale / "lastfailed").write_text('{"test_three.py::test_steady": true}')
    return tmp_path


PYTEST = (sys.executable, "-m", "pytest", "-n", "0")


def test_an_unsteady_test_is_named_and_stops_nothing(project: Path) -> None:
    done = again(project, *PYTEST)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 failed, 2 passed" in done.stdout
    assert done.stdout.rstrip().endswith(f"{UNSTEADY}\ntest_three.py::test_unsteady")
    assert (project / "steady").read_text() == "x"  # only what failed ran twice


def test_what_fails_twice_fails(project: Path) -> None:
    (project / "wrong").touch()
    done = again(project, *PYTEST)
    assert done.returncode == 1
    assert "2 failed, 1 passed" in done.stdout
    assert "1 failed, 1 passed" in done.stdout
    assert UNSTEADY not in done.stdout


def test_where_all_is_well_nothing_runs_twice(project: Path) -> None:
    (project / "unsteady").touch()
    done = again(project, *PYTEST)
    assert (done.returncode, (project / "steady").read_text()) == (0, "x")
    assert "once more" not in done.stdout


def test_so_many_that_it_is_no_chance_are_not_tried_again(project: Path) -> None:
    (project / "test_many.py").write_text("".join(f"def test_{number}(): assert False\n" for number in range(21)))
    done = again(project, *PYTEST)
    assert done.returncode == 1
    assert "22 failed, 2 passed" in done.stdout
    assert "once more" not in done.stdout


@pytest.mark.parametrize("status", [1, 2, 5])
def test_what_is_no_failed_test_is_not_tried_again(project: Path, status: int) -> None:
    """An installation that fails (1, like a failed test), an interrupted run, a run without tests."""
    done = again(project, "bash", "-c", f"exit {status}")
    assert done.returncode == status
    assert "once more" not in done.stdout
    assert not (project / "steady").exists()


def test_the_failed_step_before_pytest_ends_it(project: Path) -> None:
    """As the README's command stands in `.ci/run`: one shell, an installation first."""
    line = f"false && {sys.executable} -m pytest -n 0"
    assert again(project, "bash", "-euo", "pipefail", "-c", line).returncode == 1
    assert not (project / "steady").exists()
