from __future__ import annotations

import os

import pytest

from kobold_modules.backends.llamacpp.binding import Log, threads


def test_the_log_keeps_errors_that_come_in_pieces() -> None:
    log = Log()
    log.hear(2, "loading\n")
    log.hear(3, "a warning\n")
    log.hear(4, "load: error ")
    log.hear(5, "loading model: ")
    log.hear(5, "no such tensor\n")
    log.hear(2, "more news\n")
    log.hear(5, "of no interest\n")
    assert log.reason() == "error loading model: no such tensor"
    log.clear()
    assert log.reason() == ""


def test_a_warning_will_do_where_there_is_no_error() -> None:
    log = Log()
    log.hear(3, "decode: failed to find a memory slot\n")
    assert log.reason() == "failed to find a memory slot"


def test_threads_follow_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "16")
    assert threads() == (8, 16)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads() == (3, 3)
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert 1 <= threads()[1] <= (os.cpu_count() or 1)
