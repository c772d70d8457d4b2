"""Verbs that load native code run in a child, whose death becomes a sentence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kobold_modules.training_queue.process_identity import start_time
from tests.cli.commands.test_generate import ENDLESS
from tests.faults import dying_child, failing_assert


posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
PROMPT = "The lift stopped between the ninth floor and the tenth."
WRITE = ("generate", "--prompt", PROMPT, "--max-tokens", "4")


def run(*arguments: str, env: dict[str, str] | None = None, **more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kobold_modules", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload, no-any-return]


def until(holds: Callable[[], object]) -> None:
    limit = time.monotonic() + 300
    while not holds():
        assert time.monotonic() < limit, "it never came to that"
        time.sleep(0.02)


@posix
@pytest.mark.parametrize(
    ("name", "code", "step"),
    [
        ("SIGILL", 5, "doctor"),
        ("SIGSEGV", 5, "quantisation"),
        ("SIGBUS", 5, "model's file"),
        ("SIGABRT", 5, "smaller context"),
        ("SIGFPE", 5, "quantisation"),
        ("SIGKILL", 6, "smaller model"),
    ],
)
def test_a_death_by_a_signal_is_named_with_a_next_step(name: str, code: int, step: str, tmp_path: Path) -> None:
    """M01: it was exit code 132 and not a word."""
    ended = run(*WRITE, env=dying_child(tmp_path / "site", f"os.kill(os.getpid(), signal.{name})"))

    assert ended.returncode == code
    assert ended.stdout == ""
    first, second = ended.stderr.splitlines()
    assert first.startswith("error: The process that runs the model")
    assert name in first
    assert second.startswith("hint: ")
    assert step in second


@posix
def test_a_training_that_the_system_ended_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "pages.txt").write_text("Rain fell. " * 400)
    environment = dying_child(tmp_path / "site", "os.kill(os.getpid(), signal.SIGKILL)")
    ended = run("train", str(tmp_path / "pages.txt"), "--name", "x", env=environment)

    assert ended.returncode == 6
    assert "The process that trains was ended by the system (SIGKILL)" in ended.stderr
    assert "`--resume`" in ended.stderr


@posix
def test_a_death_is_a_record_where_json_is_asked_for(tmp_path: Path) -> None:
    environment = dying_child(tmp_path / "site", "os.kill(os.getpid(), signal.SIGILL)")
    ended = run(*WRITE, "--json", env=environment)

    record = json.loads(ended.stdout)
    assert (ended.returncode, ended.stderr) == (5, "")
    assert (record["record"], record["code"]) == ("failed", 5)
    assert "SIGILL" in record["message"]


@posix
def test_an_assert_of_llama_cpp_is_told_in_the_sentence_and_nowhere_else(starter: Path, tmp_path: Path) -> None:
    ended = run(*WRITE, env=failing_assert(tmp_path / "site") | {"KOBOLD_MODULES_PROBES": "off"})

    assert ended.returncode == 5
    assert "SIGABRT" in ended.stderr
    assert "GGML_ASSERT(n_cells > 0) failed" in ended.stderr
    assert len(ended.stderr.splitlines()) == 2


@pytest.mark.parametrize("code", [0, 3, 4, 6, 130])
def test_an_exit_code_of_the_child_is_ours(code: int, tmp_path: Path) -> None:
    ended = run(*WRITE, env=dying_child(tmp_path / "site", f"os._exit({code})"))

    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "", "")


@pytest.mark.parametrize("verb", [("list",), ("where",), ("train", "--queue"), ("generate", "--help"), ("--version",)])
def test_a_verb_that_loads_nothing_native_pays_for_no_child(verb: tuple[str, ...], tmp_path: Path) -> None:
    assert run(*verb, env=dying_child(tmp_path / "site", "os._exit(99)")).returncode == 0


def test_bad_usage_needs_no_child(tmp_path: Path) -> None:
    assert run("generate", "--no-such", env=dying_child(tmp_path / "site", "os._exit(99)")).returncode == 2


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("verb", ["where", "lore"])
def test_a_closed_stream_is_no_error_and_no_place_for_files(
    verb: str, closed: str, starter: Path, tmp_path: Path
) -> None:
    """`where` runs in this process, `lore` in a child."""
    book = tmp_path / "lore.md"
    book.write_text("# Orr\nOrr is a town on a rock, and Mara keeps its lighthouse.\n")
    line = f'"$0" -m kobold_modules {verb} {"lore.md --to new.json" if verb == "lore" else ""} {closed}'
    done = subprocess.run(
        ["sh", "-c", line, sys.executable], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert verb == "where" or json.loads((tmp_path / "new.json").read_text())["entries"]


def test_the_child_has_our_standard_streams(starter: Path) -> None:
    ended = run("generate", "-", "--max-tokens", "4", input=PROMPT)

    assert ended.returncode == 0
    assert ended.stdout.startswith(PROMPT)


def _endless(out: Path, **more: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "kobold_modules", "generate", "--prompt", PROMPT, *ENDLESS]
    return subprocess.Popen([*command, "--out", str(out)], stderr=subprocess.PIPE, **more)  # type: ignore[call-overload, no-any-return]


def _child_of(pid: int) -> int:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return int(found.stdout.split()[0])


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for a process's children")
def test_kill_9_leaves_no_child_that_writes_on(starter: Path, tmp_path: Path) -> None:
    out = tmp_path / "novel.txt"
    process = _endless(out)
    until(lambda: out.exists() and out.stat().st_size > 200)
    child = _child_of(process.pid)
    process.kill()
    process.communicate()  # until nobody holds its end of the pipe

    until(lambda: not start_time(child))  # a zombie has ended, too
    assert out.read_text().startswith(PROMPT)


@posix
@pytest.mark.parametrize("to_all", [False, True], ids=["kill -INT", "a terminal's Ctrl-C"])
def test_an_interrupt_reaches_the_child_once(starter: Path, tmp_path: Path, to_all: bool) -> None:
    """A terminal sends it to parent and child; two would end the writing at once instead of in order."""
    out = tmp_path / "novel.txt"
    process = _endless(out, start_new_session=True)
    until(lambda: out.exists() and out.stat().st_size > 200)
    (os.killpg if to_all else os.kill)(process.pid, signal.SIGINT)
    _, err = process.communicate()

    assert process.returncode == 130
    assert b"keeps what was written" in err


@posix
def test_a_signal_that_asks_us_to_end_is_passed_on(starter: Path, tmp_path: Path) -> None:
    out = tmp_path / "novel.txt"
    process = _endless(out)
    until(lambda: out.exists() and out.stat().st_size > 200)
    process.terminate()
    _, err = process.communicate()

    assert process.returncode == 130
    assert b"keeps what was written" in err


@posix
def test_a_child_that_was_asked_to_end_is_no_crash(tmp_path: Path) -> None:
    ended = run(*WRITE, env=dying_child(tmp_path / "site", "os.kill(os.getpid(), signal.SIGTERM)"))

    assert (ended.returncode, ended.stderr) == (-signal.SIGTERM, "")
