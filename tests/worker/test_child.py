"""The child alone, over its pipes: what strangers may send it, and when it ends."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kobold_modules.worker import wire
from kobold_modules.worker.child import Worker


PATIENCE = 300  # seconds, for what ends by itself; a test that waits longer than that has failed


class Pipes:
    """A child and its lines."""

    def __init__(self, code: str = "") -> None:
        command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "kobold_modules.worker"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)
        )

    def send(self, line: str | bytes) -> None:
        self.process.stdin.write(line.encode() + b"\n" if isinstance(line, str) else line + b"\n")
        self.process.stdin.flush()

    def until_end(self) -> list[dict[str, Any]]:
        found = []
        while True:
            found.append(json.loads(self.process.stdout.readline()))
            if found[-1].get("end"):
                return found


@pytest.fixture
def child() -> Iterator[Pipes]:
    pipes = Pipes()
    yield pipes
    pipes.process.kill()
    for pipe in (pipes.process.stdin, pipes.process.stdout, pipes.process.stderr):
        pipe.close()
    pipes.process.wait()


def test_lines_that_make_no_sense_are_answered(child: Pipes) -> None:
    for line, number in (
        ("nonsense", None),
        (b"\xff\xfe\x00", None),
        ("[1, 2]", None),
        ("[" * 100_000, None),
        ('{"do": "dance", "id": 4}', 4),
        ('{"do": "generate"}', None),
        ('{"do": "generate", "id": 5}', 5),
        ('{"do": "generate", "id": 6, "text": 7}', 6),
        ('{"do": "generate", "id": 7, "text": "a", "stack": [{"file": "x"}]}', 7),
        ('{"do": "load", "id": 8, "model": "m", "context": "large"}', 8),
        ('{"do": "count", "id": "nine", "text": "a"}', None),
    ):
        child.send(line)
        answer, end = child.until_end()
        assert (answer["record"], answer["id"], answer["code"]) == ("failed", number, 2), line
        assert end == {"id": number, "end": True}
    child.send('{"do": "count", "id": 10, "text": "a"}')
    assert child.until_end()[0]["message"] == "No model is loaded."


def test_it_ends_with_quit(child: Pipes) -> None:
    child.send(wire.quit_())
    assert child.process.wait(PATIENCE) == 0


def test_it_ends_with_its_stdin_and_says_nothing(child: Pipes) -> None:
    assert child.process.communicate(timeout=PATIENCE) == (b"", b"")
    assert child.process.returncode == 0


def test_it_ends_in_the_middle_of_a_job_when_nobody_is_left(child: Pipes, stories: Path) -> None:
    child.send(json.dumps({"do": "load", "id": 1, "model": str(stories / "stories260K-F16.gguf")}))
    child.until_end()
    sampler = {"repetition": 1.0}
    child.send(json.dumps({"do": "generate", "id": 2, "text": "Once", "max_tokens": 10**6, "sampler": sampler}))
    child.process.stdout.readline()
    child.process.stdin.close()
    child.process.stdout.close()
    assert child.process.wait(PATIENCE) == 0


def test_what_libraries_print_never_reaches_the_answers(home: Path) -> None:
    code = (
        "import os, kobold_modules.worker.child as c\n"
        "plain = c.Worker.accept\n"
        "def noisy(self, line):\n"
        "    os.write(1, b'noise on one'); os.write(2, b'noise on two'); print('noise in Python')\n"
        "    return plain(self, line)\n"
        "c.Worker.accept = noisy\n"
        "c.main()"
    )
    child = Pipes(code)
    child.send('{"do": "count", "id": 1, "text": "a"}')
    assert [answer["id"] for answer in child.until_end()] == [1, 1]
    out, err = child.process.communicate(b"", timeout=PATIENCE)
    assert (out, err) == (b"", b"")
    log = (home / "state" / "logs" / "worker.log").read_bytes()
    assert b"noise on one" in log
    assert b"noise in Python" in log


def test_an_unexpected_error_is_a_record_and_a_trace_in_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sent: queue.Queue[bytes] = queue.Queue()
    worker = Worker(sent.put)
    monkeypatch.setattr(Worker, "_ready", lambda self: 1 / 0)
    worker.accept(b'{"do": "count", "id": 1, "text": "a"}')
    worker._jobs.put(None)  # and nothing else
    worker.serve()
    assert json.loads(sent.get())["code"] == 1
    assert json.loads(sent.get()) == {"id": 1, "end": True}
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_cancels_name_a_job_or_all_that_are_asked() -> None:
    worker = Worker(lambda line: None)
    for number in (1, 2):
        worker.accept(json.dumps({"do": "count", "id": number, "text": "a"}).encode())
    worker.accept(wire.cancel(1).encode())
    worker.accept(wire.cancel(99).encode())
    assert worker._cancelled == {1}
    worker.accept(wire.cancel().encode())
    assert worker._cancelled == {1, 2}


def test_a_reader_that_has_gone_ends_the_worker() -> None:
    def broken(line: bytes) -> None:
        raise BrokenPipeError

    worker = Worker(broken)
    for number in (1, 2):
        worker.accept(json.dumps({"do": "count", "id": number, "text": "a"}).encode())
    worker.serve()  # comes back, though there is a second job
    assert worker.closing


def test_a_long_log_is_turned_over(home: Path) -> None:
    from kobold_modules.worker import log

    for _ in range(2):
        handle = log.open_log()
        os.write(handle, b"x" * (log.MOST_BYTES + 1))
        os.close(handle)
    os.close(log.open_log())
    assert log.log_file().stat().st_size == 0
    assert log.log_file().with_name("worker.log.1").exists()


def test_a_home_that_cannot_be_written_to_costs_only_the_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from kobold_modules.worker import log

    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("KOBOLD_MODULES_HOME", str(tmp_path / "file"))
    handle = log.open_log()
    os.write(handle, b"x")
    os.close(handle)
