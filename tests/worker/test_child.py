"""The child alone, over its pipes: what strangers may send it, and when it ends."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from kobold_modules.sampling.settings import Sampler
from kobold_modules.worker.child import Worker
from kobold_modules.worker.messages import Ask, Cancel, Count, Generate, Load, Quit, encode


PATIENCE = 300  # seconds, for what ends by itself; a test that waits longer than that has failed


def ask(id: object, do: str, **fields: Any) -> bytes:
    """Return a job as JSON, whether it makes sense or not."""
    return json.dumps({"line": "ask", "id": id, "job": {"do": do, **fields}}).encode()


class Pipes:
    """A child and its lines."""

    def __init__(self, code: str = "") -> None:
        command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "kobold_modules.worker"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)
        )

    @property
    def stdin(self) -> IO[bytes]:
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        assert self.process.stdout is not None
        return self.process.stdout

    def send(self, line: bytes) -> None:
        self.stdin.write(line.removesuffix(b"\n") + b"\n")
        self.stdin.flush()

    def until_end(self) -> list[dict[str, Any]]:
        found = []
        while True:
            found.append(json.loads(self.stdout.readline()))
            if found[-1]["line"] == "end":
                return found


@pytest.fixture
def child() -> Iterator[Pipes]:
    pipes = Pipes()
    yield pipes
    pipes.process.kill()
    for pipe in (pipes.process.stdin, pipes.process.stdout, pipes.process.stderr):
        assert pipe is not None
        pipe.close()
    pipes.process.wait()


def test_lines_that_make_no_sense_are_answered(child: Pipes) -> None:
    for line, number in (
        (b"nonsense", None),
        (b"\xff\xfe\x00", None),
        (b"[1, 2]", None),
        (b"[" * 100_000, None),
        (b'{"line": "sing", "id": 3}', 3),
        (ask(4, "dance"), 4),
        (b'{"line": "ask", "job": {"do": "generate", "text": "a"}}', None),
        (ask(5, "generate"), 5),
        (ask(6, "generate", text=7), 6),
        (ask(7, "generate", text="a", stack=[{"file": "x"}]), 7),
        (ask(8, "load", model="m", context="large"), 8),
        (ask("nine", "count", text="a"), None),
        (ask(11, "generate", text="a", sampler={"temperature": "hot"}), 11),
        (ask(12, "estimate", request={"files": [], "name": " "}), 12),
    ):
        child.send(line)
        answer, end = child.until_end()
        failed = answer["record"]
        assert (failed["record"], answer["id"], failed["code"]) == ("failed", number, 2), line
        assert end == {"line": "end", "id": number}
    child.send(encode(Ask(10, Count("a"))))
    assert child.until_end()[0]["record"]["message"] == "No model is loaded."


def test_it_ends_with_quit(child: Pipes) -> None:
    child.send(encode(Quit()))
    assert child.process.wait(PATIENCE) == 0


def test_it_ends_with_its_stdin_and_says_nothing(child: Pipes) -> None:
    assert child.process.communicate(timeout=PATIENCE) == (b"", b"")
    assert child.process.returncode == 0


def test_it_ends_in_the_middle_of_a_job_when_nobody_is_left(child: Pipes, stories: Path) -> None:
    child.send(encode(Ask(1, Load(str(stories / "stories260K-F16.gguf")))))
    child.until_end()
    child.send(encode(Ask(2, Generate("Once", max_tokens=10**6, sampler=Sampler(repetition=1.0)))))
    child.stdout.readline()
    child.stdin.close()
    child.stdout.close()
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
    child.send(encode(Ask(1, Count("a"))))
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
    monkeypatch.setattr(Worker, "_do", lambda self, job, context: 1 / 0)
    worker.accept(encode(Ask(1, Count("a"))))
    worker._jobs.put(None)  # and nothing else
    worker.serve()
    assert json.loads(sent.get())["record"]["code"] == 1
    assert json.loads(sent.get()) == {"line": "end", "id": 1}
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_cancels_name_a_job_or_all_that_are_asked() -> None:
    worker = Worker(lambda line: None)
    for number in (1, 2):
        worker.accept(encode(Ask(number, Count("a"))))
    worker.accept(encode(Cancel(1)))
    worker.accept(encode(Cancel(99)))
    assert [cancel.is_set() for cancel in worker._cancels.values()] == [True, False]
    worker.accept(encode(Cancel()))
    assert [cancel.is_set() for cancel in worker._cancels.values()] == [True, True]


def test_a_reader_that_has_gone_ends_the_worker() -> None:
    def broken(line: bytes) -> None:
        raise BrokenPipeError

    worker = Worker(broken)
    for number in (1, 2):
        worker.accept(encode(Ask(number, Count("a"))))
    worker.serve()  # comes back, though there is a second job
    assert worker.closing.is_set()


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
