"""How many threads compute with a model on this machine: measured once, where there is a choice, and remembered.

Up to four cores all of them are best (``binding.threads``). Beyond that nobody knows before: writing is bound by
memory, which half the cores or fewer may use up, cores differ in kind, and a container may show sixteen and grant two.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from statistics import median

from ...errors import EngineFailed
from ...paths import write_atomically
from .binding import threads
from .model import NativeModel
from .trial_context import TrialContext
from .what_works import answers_folder, machine


REVISION = 1  # of this measurement; a higher one forgets all answers
LEAST = 5  # cores with which there is a choice
STEPS, READ = 5, 16  # tokens written one by one, and read at once, with each number of threads
WORTH = 0.95  # of the seconds that more threads take is what fewer may take and be preferred

Threads = tuple[int, int]  # for writing, for reading a prompt


def thread_choice(model: NativeModel, measure: Callable[[NativeModel, Threads], Threads] | None = None) -> Threads:
    """Return how many threads write with ``model`` and how many read a prompt.

    Args:
        measure: tries what there is up to a guess; :func:`measured` by default.
    """
    guess = threads()
    folder = answers_folder()
    if guess[1] < LEAST or folder is None or not model.features.threads:
        return guess
    what = [REVISION, machine(), guess, model.description, model.width, model.vocabulary]
    file = folder / f"threads-{hashlib.sha256(json.dumps(what).encode()).hexdigest()[:24]}.json"
    if (known := _recall(file)) is not None:
        return known
    try:
        found = (measure or measured)(model, guess)
    except EngineFailed:  # no room for a small context: the real one will say so
        return guess
    with suppress(OSError):
        write_atomically(file, json.dumps({"model": model.description, "threads": found}).encode())
    return found


def measured(model: NativeModel, guess: Threads) -> Threads:
    """Measure numbers of threads, halving from all cores, by writing and by reading a few tokens.

    Raises EngineFailed where llama.cpp makes no context.
    """
    counts = candidates(guess)
    ids = [index % model.vocabulary for index in range(READ)]
    with TrialContext.open(model, exact=False) as context:

        def seconds_to_write(count: int) -> float:
            context.lib.llama_set_n_threads(context.handle, count, count)
            context.forget()
            context.read(ids[:1], 0)  # the threads of this number start here
            return median(_seconds(partial(context.read, ids[at : at + 1], at)) for at in range(1, 1 + STEPS))

        def seconds_to_read(count: int) -> float:
            context.lib.llama_set_n_threads(context.handle, count, count)
            context.forget()
            return _seconds(partial(context.read, ids, 0))

        writing = fewest_of_the_fastest((count, seconds_to_write(count)) for count in counts)
        reading = fewest_of_the_fastest((count, seconds_to_read(count)) for count in sorted({guess[1], writing})[::-1])
    return writing, reading


def candidates(guess: Threads) -> list[int]:
    """Return the numbers worth trying, most first: all cores, halves of that down to one, and the guess."""
    counts = {guess[0]}
    count = guess[1]
    while count:
        counts.add(count)
        count //= 2
    return sorted(counts, reverse=True)


def fewest_of_the_fastest(tried: Iterable[tuple[int, float]]) -> int:
    """Return the number that took the fewest seconds, or fewer threads where more are hardly faster.

    Args:
        tried: numbers of threads with the seconds that they took.
    """
    by_speed = sorted(tried, key=lambda each: each[1])
    fastest = by_speed[0][1]
    return min(count for count, seconds in by_speed if seconds * WORTH <= fastest)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _recall(file: Path) -> Threads | None:
    try:
        writing, reading = json.loads(file.read_bytes())["threads"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if isinstance(writing, int) and isinstance(reading, int) and 0 < writing <= 4096 and 0 < reading <= 4096:
        return writing, reading
    return None
