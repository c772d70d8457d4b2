"""A long day at the desk: memory stays flat, and a busy machine slows writing no more than it must."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from kobold_modules.engines.base import Request
from kobold_modules.engines.llama import LlamaEngine
from kobold_modules.records import Written
from kobold_modules.sampling import Sampler
from kobold_modules.stack import Stack


OPENING = "Once upon a time, there was a little girl named Lily. She loved to play outside."
ENDLESS = Sampler(seed=3, bias={"#1": -100.0, "#2": -100.0})


def resident() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


@pytest.mark.slow
def test_a_thousand_switches_and_ten_thousand_tokens_leave_memory_flat(stories, some_module):
    stacks = [Stack(), *(Stack().add(some_module(4 + seed, seed)) for seed in range(40))]
    with LlamaEngine(stories / "stories260K-F16.gguf", snapshots=2**20, disk=0) as engine:

        def switch(number: int) -> None:
            list(engine.generate(Request(OPENING, stacks[number % len(stacks)], 10, ENDLESS)))

        for number in range(100):  # caches and pools fill
            switch(number)
        list(engine.generate(Request(OPENING, stacks[1], 1000, ENDLESS)))
        before = resident()
        for number in range(1000):
            switch(number)
        after_switches = resident()
        *_, told = engine.generate(Request(OPENING, stacks[1], 10_000, ENDLESS))
        after_tokens = resident()
        assert isinstance(told, Written)
        assert told.tokens == 10_000
        assert len(engine._decoder.residents) <= 16
    assert after_switches - before < 8 * 2**20
    assert after_tokens - after_switches < 8 * 2**20


WRITER = """
import sys, time
from kobold_modules.engines.base import Request
from kobold_modules.engines.llama import LlamaEngine
from kobold_modules.sampling import Sampler
from kobold_modules.stack import Stack
with LlamaEngine(sys.argv[1]) as engine:
    request = Request("The rain had stopped, and the street was quiet.", Stack(), 48, Sampler(seed=1))
    list(engine.generate(request))
    for line in sys.stdin:
        began = time.perf_counter()
        *_, told = engine.generate(request)
        print((time.perf_counter() - began) / told.tokens, flush=True)
"""


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    """Another program that wants a core, stopped to begin with."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    process.send_signal(signal.SIGSTOP)
    yield process
    process.kill()
    process.wait()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs to pause a process")
def test_a_busy_neighbour_takes_no_more_than_its_share(starter, busy):
    """Threads that spin while they wait make a token a hundred times slower here; ours sleep."""
    cores = len(os.sched_getaffinity(0))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OMP_")}
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(starter)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert writer.stdin is not None
    assert writer.stdout is not None

    def seconds_a_token() -> float:
        writer.stdin.write("again\n")
        writer.stdin.flush()
        return float(writer.stdout.readline())

    try:
        seconds_a_token()
        ratios = []
        for _ in range(7):
            alone = seconds_a_token()
            busy.send_signal(signal.SIGCONT)
            beside = seconds_a_token()
            busy.send_signal(signal.SIGSTOP)
            ratios.append(beside / alone)
    finally:
        writer.kill()
        writer.communicate()
    # At worst our threads have one core less: every step waits for the one that shares its core.
    fair = cores / max(1, cores - 1) if cores > 2 else 2.0
    assert statistics.median(ratios) < 1.5 * fair


@pytest.mark.slow
def test_a_cancel_is_heard_at_once_after_many_fast_tokens(stories):
    """Fast steps are not listened to while they compute; the next one is."""
    with LlamaEngine(stories / "stories260K-F16.gguf", disk=0) as engine:
        waits: list[float] = []
        while min(waits, default=1) > 0.1 and len(waits) < 5:  # beside other work some take longer, but not all
            heard: list[float] = []
            records: list[object] = []

            def cancelled(heard: list[float] = heard, records: list[object] = records) -> bool:
                if len(records) > 500:
                    heard.append(time.perf_counter())
                return bool(heard)

            for record in engine.generate(Request(OPENING, Stack(), 5000, ENDLESS), cancelled):
                records.append(record)
            assert isinstance(records[-1], Written)
            assert records[-1].reason == "cancelled"
            waits.append(time.perf_counter() - heard[0])
        assert min(waits) < 0.1
