"""What a process died of, in words."""

from __future__ import annotations

import signal

import pytest

from kobold_modules.exit_status import explain, repeats, signal_name


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (-4, "SIGILL"),
        (132, "SIGILL"),  # as a shell tells it
        (0xC000001D, "SIGILL"),  # Windows
        (0xC000001D - 2**32, "SIGILL"),  # the same, read as a signed number
        (-11, "SIGSEGV"),
        (0xC0000005, "SIGSEGV"),
        (-9, "SIGKILL"),
        (137, "SIGKILL"),
        (-250, "signal 250"),
        (0, ""),
        (1, ""),
        (5, ""),
        (130, ""),  # our own code for Ctrl-C
        (255, ""),
    ],
)
def test_a_status_names_its_signal(status: int, name: str) -> None:
    assert signal_name(status) == name


def test_a_crash_names_the_signal_and_never_blames_memory() -> None:
    """interface.md: training the file blamed memory and named a setting that does not exist."""
    for number in (signal.SIGILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE):
        for work in ("model", "training"):
            failed = explain(-number, work)
            assert number.name in failed.message
            assert "memory" not in (failed.message + failed.hint).lower()
            assert failed.hint
            assert failed.code == 5


def test_what_the_system_ends_is_told_as_memory_and_may_be_tried_again() -> None:
    failed = explain(-9, "training", again="It goes on.")

    assert "memory" in failed.message
    assert failed.hint.endswith("It goes on.")
    assert failed.code == 6
    assert not repeats(-9)


def test_a_crash_would_repeat_and_an_ordinary_end_is_no_crash() -> None:
    assert repeats(-4)
    assert not repeats(0)
    assert not repeats(-15)
    assert "exit code 17" in explain(17).message


def test_last_words_stand_in_the_sentence() -> None:
    assert "(GGML_ASSERT(n > 0) failed)" in explain(-6, last_words="GGML_ASSERT(n > 0) failed\n").message
