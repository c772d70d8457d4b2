"""A day of many writers against N servers, simulated: how long they wait, and how many machines 1,000 of them need.

A server writes up to SIDE texts in one batch; a step takes STEP + n * EACH milliseconds for n texts, and text that is
not in the context yet is read at READ tokens a second between two steps. These three are measured here, on the model
given, unless they are given. What writers ask comes from the log of everything written (`--log`, your own), else from
the mix below, which is an assumption: a writer reads and thinks for a while, then asks to go on (most of the page is
cached), to try again (all of it is), or opens another page (none is).

writers, servers         simulated; `servers` is the fewest with which 95 of 100 requests get a first word in PATIENCE
wait_p50_s, wait_p95_s   from a request to its first word
tokens_s                 of all servers together
busy                     share of the time in which a server computes

    python benchmarks/scale_simulation.py [--quick] [--model MODEL] [--writers N] [--log]
        [--step-ms A --each-ms B --read TOKENS_PER_SECOND]
"""

from __future__ import annotations

import heapq
import os
import random
import statistics
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path


os.environ.setdefault("OMP_WAIT_POLICY", "passive")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from common import benchmark_parser, keep


SIDE = 16
PATIENCE = 3.0  # seconds to the first word with which a writer is content
THINKS = 45.0  # seconds on average between a text and the next request
PART = 64  # tokens read between two steps of the others


@dataclass(frozen=True)
class Asked:
    """One kind of request: its share, tokens to read that are not cached, tokens to write."""

    share: float
    read: int
    write: int


MIX = (Asked(0.65, 60, 120), Asked(0.25, 1, 120), Asked(0.10, 1500, 120))


@dataclass(frozen=True)
class Speed:
    """Of one server: milliseconds of a step and of each text in it, and tokens read a second."""

    step_ms: float
    each_ms: float
    read: float


@dataclass
class _Server:
    """What it writes: tokens to read and to write, when asked, by whom."""

    active: list[list[float]] = field(default_factory=list)
    waiting: deque[list[float]] = field(default_factory=deque)
    busy: float = 0.0


def simulate(writers: int, servers: int, speed: Speed, mix: tuple[Asked, ...], seconds: float) -> dict[str, float]:
    """Return what writers wait for and what is written, over ``seconds`` of simulated time."""
    rng = random.Random(1)
    machines = [_Server() for _ in range(servers)]
    events: list[tuple[float, int, int]] = [(rng.expovariate(1 / THINKS), 0, number) for number in range(writers)]
    events += [(0.0, 1, number) for number in range(servers)]
    heapq.heapify(events)
    waits, written = list[float](), 0
    idle = [True] * servers
    while events:
        now, kind, number = heapq.heappop(events)
        if now > seconds:
            break
        if kind == 0:  # a writer asks; a writer stays with one server, whose context holds the page
            asked = rng.choices(mix, [each.share for each in mix])[0]
            at = number % servers
            machines[at].waiting.append([asked.read, asked.write, now, number, 0])
            if idle[at]:
                idle[at] = False
                heapq.heappush(events, (now, 1, at))
            continue
        server = machines[number]
        while server.waiting and len(server.active) < SIDE:
            server.active.append(server.waiting.popleft())
        if not server.active:
            idle[number] = True
            continue
        took = 0.0
        reading = next((text for text in server.active if text[0] > 0), None)
        if reading is not None:
            part = min(reading[0], PART if len(server.active) > 1 else 512)
            reading[0] -= part
            took += part / speed.read
        stepping = [text for text in server.active if text[0] <= 0]
        if stepping:
            took += (speed.step_ms + speed.each_ms * len(stepping)) / 1000
        for text in stepping:
            if not text[4]:
                text[4] = 1
                waits.append(now + took - text[2])
            text[1] -= 1
            written += 1
            if text[1] <= 0:
                heapq.heappush(events, (now + took + rng.expovariate(1 / THINKS), 0, int(text[3])))
        server.active = [text for text in server.active if text[1] > 0]
        server.busy += took
        heapq.heappush(events, (now + took, 1, number))
    waits.sort()
    return {
        "wait_p50_s": round(statistics.median(waits), 2) if waits else 0.0,
        "wait_p95_s": round(waits[int(0.95 * len(waits))], 2) if waits else 0.0,
        "tokens_s": round(written / seconds, 1),
        "busy": round(sum(machine.busy for machine in machines) / (servers * seconds), 3),
    }


def measured(model: str) -> Speed:
    """Measure the speed of one server on this machine: batches of 1 and of SIDE, and a page that is read."""
    from kobold_modules.backends.llamacpp.engine import LlamaEngine
    from kobold_modules.generation.protocol import Request
    from kobold_modules.models.find import resolve
    from kobold_modules.records import Finished
    from kobold_modules.sampling.settings import Sampler

    with LlamaEngine(resolve(model), together=SIDE) as engine:

        def step_ms(count: int) -> float:
            asked = [Request(text=f"The rain {n}", max_tokens=60, sampler=Sampler(seed=n)) for n in range(count)]
            list(engine.together(asked))
            began = time.perf_counter()
            steps = max(one.tokens for one in engine.together(asked) if isinstance(one, Finished))
            return 1000 * (time.perf_counter() - began) / steps

        one, many = (statistics.median(step_ms(count) for _ in range(3)) for count in (1, SIDE))
        speeds = []
        for turn in range(3):
            page = f"Page {turn}. " + "She had left the lamp burning in the window. " * (engine.info.context // 14)
            began = time.perf_counter()
            end = list(engine.generate(Request(text=page, max_tokens=1)))[-1]
            assert isinstance(end, Finished)
            speeds.append(end.text_decoded / (time.perf_counter() - began))
        each = max(0.0, (many - one) / (SIDE - 1))
        return Speed(round(one - each, 3), round(each, 3), round(statistics.median(speeds), 1))


def recorded() -> tuple[Asked, ...]:
    """Return the requests in the log of everything written, each as often as it is there."""
    from kobold_modules.generation.log import entries

    found = []
    for entry in entries():
        ended = entry.get("ended", {})
        tokens = int(ended.get("tokens", 0))
        if tokens:
            characters = int(entry.get("prompt", {}).get("characters", 0))
            found.append(Asked(1.0, min(characters // 4, 60), tokens))  # what the page grew by is what is read
    return tuple(found) or MIX


def main() -> None:
    parser = benchmark_parser(__doc__, quick="a minute of 100 writers; writes no result")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--writers", type=int, default=1000)
    parser.add_argument("--log", action="store_true", help="ask what your own log of everything written asked")
    parser.add_argument("--step-ms", type=float)
    parser.add_argument("--each-ms", type=float, default=0.0)
    parser.add_argument("--read", type=float, default=1000.0)
    arguments = parser.parse_args()
    writers, seconds = (100, 60.0) if arguments.quick else (arguments.writers, 600.0)
    if arguments.step_ms is not None:
        speed = Speed(arguments.step_ms, arguments.each_ms, arguments.read)
    else:
        speed = measured(arguments.model)
    mix = recorded() if arguments.log else MIX
    low, high = 1, 1
    while high < writers and simulate(writers, high, speed, mix, seconds)["wait_p95_s"] > PATIENCE:
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        if simulate(writers, middle, speed, mix, seconds)["wait_p95_s"] > PATIENCE:
            low = middle + 1
        else:
            high = middle
    result = {"writers": writers, "servers": high, **simulate(writers, high, speed, mix, seconds)}
    settings = {
        "model": arguments.model if arguments.step_ms is None else "given",
        "speed": {"step_ms": speed.step_ms, "each_ms": speed.each_ms, "read": speed.read},
        "mix": [[asked.share, asked.read, asked.write] for asked in (MIX if mix is MIX else ())],
        "thinks_s": THINKS,
        "patience_s": PATIENCE,
        "side_by_side": SIDE,
        "simulated_s": seconds,
    }
    keep("scale_simulation", settings, result, arguments.quick or arguments.step_ms is not None)


if __name__ == "__main__":
    main()
