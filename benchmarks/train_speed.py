"""Training speed and memory against PEFT prompt tuning: same model, same tokens, one machine, taking turns.

Every way of training lives in a process of its own, which takes a few steps on request, so that slow and quick
spells of the machine fall on all alike. Real tokens are those of the text: padding and virtual tokens do not count.

ratio_short     ours over PEFT's fastest way, 64 virtual tokens and rows of 128
ratio_long      the same with 20 virtual tokens and rows of 1000
ratio_newcomer  ours over PEFT as its tutorial runs it (see peer.py), 64 virtual tokens, examples cut at 128 tokens
memory_ratio    PEFT's peak memory in a step over ours, at the short shape: live tensors beyond the weights, eager
dtype           of our weights here (bfloat16 where the processor multiplies it faster); PEFT is tried in both
peer_way        the way that served PEFT best, by shape

    python benchmarks/train_speed.py [--quick] [--model smollm2]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


os.environ.setdefault("OMP_WAIT_POLICY", "passive")
sys.path.insert(0, str(Path(__file__).resolve().parent))

VOICES = [Path(__file__).resolve().parents[1] / "sample_texts" / voice for voice in ("noir", "gothic", "farce")]


@dataclass(frozen=True)
class Shape:
    tokens: int
    length: int
    rows: int


FULL = {"short": Shape(64, 128, 32), "long": Shape(20, 1000, 4)}
QUICK = {"short": Shape(64, 128, 16), "long": Shape(20, 1000, 2)}
# Processes, and what each of them trains in turn. The quick run leaves out what takes longest to prepare.
FULL_CHILDREN = {
    "ours": ["ours short", "ours long"],
    "eager": ["eager short", "newcomer short", "eager long"],
    "regional": ["regional short", "regional long"],
    "spinning": ["spinning short", "spinning long"],
    "compiled": ["compiled short", "compiled long"],
    "bf16": ["bf16 short", "bf16 long"],
    "bf16-regional": ["bf16-regional short", "bf16-regional long"],
}
QUICK_CHILDREN = {
    "ours": ["ours short", "ours long"],
    "eager": ["eager short", "newcomer short", "eager long"],
    "regional": ["regional short"],
    "bf16": ["bf16 short", "bf16 long"],
}


class Child:
    """A process that trains in one or several ways, a turn each on request."""

    def __init__(self, items: list[str], shapes: dict[str, Shape], model: str) -> None:
        sizes = {k: [v.tokens, v.length, v.rows] for k, v in shapes.items()}
        given = json.dumps({"items": items, "shapes": sizes, "model": model})
        self.items = items
        command = [sys.executable, __file__, "--child", given]
        # Threads that spin between products start the next one sooner, which may serve PEFT; ours do not wait.
        policy = "active" if items[0].startswith("spinning") else "passive"
        environment = {**os.environ, "OMP_WAIT_POLICY": policy}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ready(self) -> tuple[dict[str, int], str]:
        """Return the peak memory of an eager step by item, and the weights' dtype, when everything is prepared."""
        answer = self._answer()
        self._process.send_signal(signal.SIGSTOP)  # spinning threads would take a core from whose turn it is
        return dict(answer["memory"]), str(answer["dtype"])

    def turn(self, item: str, seconds: float) -> float:
        """Train that way for about that long: real tokens a second."""
        assert self._process.stdin is not None
        self._process.send_signal(signal.SIGCONT)
        self._process.stdin.write(json.dumps([item, seconds]) + "\n")
        self._process.stdin.flush()
        speed = float(self._answer()["speed"])
        self._process.send_signal(signal.SIGSTOP)
        return speed

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process that trains {self.items} ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def child(items: list[str], shapes: dict[str, Shape], model: str) -> None:
    """Answer turns on stdin with speeds on stdout."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from kobold_modules.backends.torch.load import load_torch_model
    from kobold_modules.backends.torch.precision import Precision
    from kobold_modules.corpus import read
    from kobold_modules.forward.memory import watch
    from kobold_modules.models.find import resolve

    first = items[0]
    precision: Precision = "auto" if first.startswith("ours") else "bfloat16" if first.startswith("bf16") else "float32"
    frozen = load_torch_model(resolve(model), "cpu", precision=precision)
    text = "\n\n".join(document.text for document in read(VOICES).documents)
    steps, memory = {}, {}
    for item in items:
        way, shape = item.split()[0], shapes[item.split()[1]]
        take = _ours(frozen, text, shape) if way == "ours" else _peer(frozen, text, shape, way)
        if item in ("ours short", "eager short"):
            take(0)
            with watch("cpu") as seen:
                take(1)
            memory[item] = seen.bytes
        for number in range(2):
            take(number)
        steps[item] = take
    dtype = str(frozen.table.dtype).removeprefix("torch.")
    print(json.dumps({"memory": memory, "dtype": dtype}), file=answers, flush=True)
    number = 2
    for line in sys.stdin:
        item, seconds = json.loads(line)
        began, tokens = time.perf_counter(), 0
        while not tokens or time.perf_counter() < began + seconds:
            tokens += steps[item](number)
            number += 1
        print(json.dumps({"speed": tokens / (time.perf_counter() - began)}), file=answers, flush=True)


def _ours(frozen: Any, text: str, shape: Shape) -> Any:
    from kobold_modules.forward.memory import AtOnce
    from kobold_modules.forward.prompt_loss import PromptLoss
    from kobold_modules.training.checkpoint import State
    from kobold_modules.training.distributed import World
    from kobold_modules.training.optimiser.allocator import keep_memory
    from kobold_modules.training.optimiser.step import batch_of, step
    from kobold_modules.training.packing import Rows

    keep_memory()
    loss = PromptLoss(frozen)
    rows = Rows.of((text,), frozen.encode, shape.length)
    state = State.fresh(frozen.table[: shape.tokens].float()[None].clone())
    at_once, world = AtOnce(1 << 30, "cpu"), World()

    def take(number: int) -> int:
        batch = batch_of([rows], 1, number, shape.rows)
        step(loss, batch, state, 0.1 * frozen.rms, at_once, world)
        return shape.rows * shape.length

    return take


def _peer(frozen: Any, text: str, shape: Shape, way: str) -> Any:
    from peer import NEWCOMER_BATCH, Peer, padded

    from kobold_modules.training.packing import Rows

    compiled = {"spinning": "regional", "bf16-regional": "regional", "bf16": "eager"}
    peer = Peer(frozen, shape.tokens, compiled.get(way, way))
    if way == "newcomer":
        examples = [ids for part in text.split("\n\n") if len(ids := frozen.encode(part)) > 4]

        def paragraphs(number: int) -> int:
            at = number * NEWCOMER_BATCH % (len(examples) - NEWCOMER_BATCH)
            ids, mask = padded(examples[at : at + NEWCOMER_BATCH], shape.length)
            peer.step(ids, mask)
            return int(mask.sum())

        return paragraphs
    rows = Rows.of((text,), frozen.encode, shape.length)

    def take(number: int) -> int:
        peer.step(rows.batch(1, number, shape.rows)[:, 0])
        return shape.rows * shape.length

    return take


def compare(
    children: dict[str, list[str]], shapes: dict[str, Shape], model: str, rounds: int, seconds: float
) -> dict[str, dict[str, Any]]:
    """Return by item: median real tokens a second, median over turns of our speed over its, peak memory in bytes."""
    running = [Child(items, shapes, model) for items in children.values()]
    speeds: dict[str, list[float]] = {}
    memory: dict[str, int] = {}
    dtypes: dict[str, str] = {}
    try:
        for each in running:
            seen, dtype = each.ready()
            memory |= seen
            dtypes |= dict.fromkeys(each.items, dtype)
        for shape in shapes:
            for _ in range(rounds):
                for each in running:
                    for item in each.items:
                        if item.split()[1] == shape:
                            speeds.setdefault(item, []).append(each.turn(item, seconds))
    finally:
        for each in running:
            each.end()
    found = {}
    for item, measured in speeds.items():
        ours = speeds[f"ours {item.split()[1]}"]
        ratios = [mine / its for mine, its in zip(ours, measured, strict=True)]
        found[item] = {
            "tokens_per_second": round(statistics.median(measured)),
            "ours_over_it": round(statistics.median(ratios), 3),
            "memory_bytes": memory.get(item),
            "dtype": dtypes[item],
        }
        print(f"  {item:<15} {found[item]}", flush=True)
    return found


def has_bf16() -> bool:
    """Return whether the processor multiplies bfloat16 itself; without that, a step takes a hundred times as long."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return True
    return "avx512_bf16" in flags or "amx_bf16" in flags


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="within 50 s on 2 cores; writes no result")
    parser.add_argument("--model", default="starter", help="as the command line names models")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        given = json.loads(arguments.child)
        child(given["items"], {name: Shape(*values) for name, values in given["shapes"].items()}, given["model"])
        return
    from common import keep

    shapes = QUICK if arguments.quick else FULL
    children = dict(QUICK_CHILDREN if arguments.quick else FULL_CHILDREN)
    if not has_bf16():
        children = {name: items for name, items in children.items() if not name.startswith("bf16")}
    rounds = 2 if arguments.quick else 10 if arguments.model == "starter" else 4
    found = compare(children, shapes, arguments.model, rounds, 0.0)

    def fastest(shape: str) -> str:
        """Return the way that serves PEFT best."""
        ways = [item for item in found if item.split()[1] == shape and item.split()[0] not in ("ours", "newcomer")]
        return min(ways, key=lambda item: float(found[item]["ours_over_it"]))

    result = {
        "ratio_short": found[fastest("short")]["ours_over_it"],
        "ratio_long": found[fastest("long")]["ours_over_it"],
        "ratio_newcomer": found["newcomer short"]["ours_over_it"],
        "memory_ratio": round(found["eager short"]["memory_bytes"] / found["ours short"]["memory_bytes"], 2),
        "dtype": found["ours short"]["dtype"],
        "peer_way": {shape: fastest(shape).split()[0] for shape in shapes},
    }
    settings = {
        "model": arguments.model,
        "shapes": {k: [v.tokens, v.length, v.rows] for k, v in shapes.items()},
        "ways": found,
    }
    name = "train_speed" if arguments.model == "starter" else f"train_speed_{Path(arguments.model).stem}"
    keep(name, settings, result, arguments.quick)


if __name__ == "__main__":
    main()
