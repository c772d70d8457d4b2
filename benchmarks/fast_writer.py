"""A worker that speaks the protocol and writes words at any rate, whatever the machine can do. No model in it.

python benchmarks/fast_writer.py PIECES_A_SECOND
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time

from large_library import WORDS


def write_as_worker(rate: float) -> None:
    """Act as a worker that loads nothing and writes ``rate`` pieces a second, until its stdin ends."""
    from kobold_modules.answers import TokenCount
    from kobold_modules.records import Finished, Loaded, TextChunk
    from kobold_modules.testing.fake_engine import FakeEngine
    from kobold_modules.worker import messages
    from kobold_modules.worker.messages import TO_WORKER, Answer, Ask, Cancel, End, Line, Quit, encode

    info = FakeEngine("starter", context=4096).info
    cancelled = threading.Event()
    waiting: list[Ask] = []
    arrived = threading.Condition()

    def listen() -> None:
        for line in sys.stdin.buffer:
            match TO_WORKER.decode(line):
                case Cancel():
                    cancelled.set()
                case Quit():
                    break
                case Ask() as asked:
                    with arrived:
                        waiting.append(asked)
                        arrived.notify()
        os._exit(0)

    def say(line: Line) -> None:
        sys.stdout.buffer.write(encode(line))
        sys.stdout.buffer.flush()

    threading.Thread(target=listen, daemon=True).start()
    draw = random.Random(1)
    while True:
        with arrived:
            while not waiting:
                arrived.wait()
            asked = waiting.pop(0)
            number, job = asked.id, asked.job
        cancelled.clear()
        if isinstance(job, messages.Load):
            loaded = Loaded("starter", info.context, info.width, info.vocabulary, info.fingerprint.to_dict())
            say(Answer(number, loaded))
        elif isinstance(job, messages.Count):
            say(Answer(number, TokenCount(len(job.text) // 5)))
        elif isinstance(job, messages.Generate):
            began, count = time.monotonic(), 0
            while count < job.max_tokens and not cancelled.is_set():
                count += 1
                end = "." if count % 12 == 0 else ""
                say(Answer(number, TextChunk(f" {draw.choice(WORDS)}{end}" + ("\n\n" if count % 72 == 0 else ""))))
                ahead = began + count / rate - time.monotonic()
                if ahead > 0:
                    cancelled.wait(ahead)
            reason = "cancelled" if cancelled.is_set() else "length"
            say(Answer(number, Finished(reason, count, time.monotonic() - began, 1)))
        say(End(number))


if __name__ == "__main__":
    write_as_worker(float(sys.argv[1]))
