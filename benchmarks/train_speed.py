"""Training speed and memory against PEFT prompt tuning: same model, same tokens, one machine, taking turns.

Every way of training lives in a process of its own, which takes a few steps on request, so that slow and quick
spells of the machine fall on all alike. Real tokens are those of the text: padding and virtual tokens do not count.

ratio_short     ours over PEFT's fastest way, 64 virtual tokens and rows of 128
ratio_long      the same with 20 virtual tokens and rows of 1000
ratio_newcomer  ours over PEFT as its tutorial runs it (see peer.py), 64 virtual tokens, examples cut at 128 tokens
memory_ratio    PEFT's peak memory in a step over ours, at the short shape: live tensors beyond the weights, eager
dtype           of our weights here (bfloat16 where the processor multiplies it faster); PEFT is tried in both
peer_way        the way that served PEFT best, by shape
mfu             on a GPU, by shape, ours and PEFT's: the operations that a step needs over those that the card's data
                sheet promises in bfloat16, or a large product reaches where we do not know the card (utilisation.py)

On a GPU the ways do not share it: each has it for itself, one after another, SmolLM2 and Llama shapes of 1, 3 and 8
billion with random weights (see random_llama.py) unless --model names one.

    python benchmarks/train_speed.py [--quick [--keep]] [--model smollm2] [--device cuda]
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
from dataclasses import astuple, dataclass
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
# A larger model's steps take ten times as long: half the rows, one step to warm up, and neither compiling nor, where
# bfloat16 serves PEFT better anyway, its long rows in float32.
QUICK_LARGE = {"short": Shape(64, 128, 8), "long": Shape(20, 1000, 2)}
QUICK_LARGE_CHILDREN = {
    "ours": ["ours short", "ours long"],
    "eager": ["eager short", "newcomer short"],
    "bf16": ["bf16 short", "bf16 long"],
}
GPU_MODELS = ("smollm2", "llama-1b", "llama-3b", "llama-8b")
GPU_CHILDREN = {
    "ours": ["ours short", "ours long"],
    "eager": ["eager short", "newcomer short", "eager long"],
    "regional": ["regional short", "regional long"],
    "compiled": ["compiled short", "compiled long"],
}


class Child:
    """A process that trains in one or several ways, a turn each on request."""

    def __init__(self, items: list[str], shapes: dict[str, Shape], model: str, device: str, warm: int) -> None:
        sizes = {k: [v.tokens, v.length, v.rows] for k, v in shapes.items()}
        given = json.dumps({"items": items, "shapes": sizes, "model": model, "device": device, "warm": warm})
        self.items = items
        command = [sys.executable, __file__, "--child", given]
        # Threads that spin between products start the next one sooner, which may serve PEFT; ours do not wait.
        policy = "active" if items[0].startswith("spinning") else "passive"
        environment = {**os.environ, "OMP_WAIT_POLICY": policy}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ready(self) -> dict[str, Any]:
        """Wait until everything is prepared. Returns what a :func:`child` says of itself."""
        answer = self._answer()
        self._process.send_signal(signal.SIGSTOP)  # spinning threads would take a core from whose turn it is
        return answer

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


def loaded(model: str, device: str, way: str) -> Any:
    """Return the frozen model that ``way`` trains through, PEFT's in the precision to try; on a GPU in bfloat16."""
    from random_llama import SHAPES, random_llama

    from kobold_modules.backends.torch.load import load_torch_model
    from kobold_modules.backends.torch.precision import Precision, training_dtype
    from kobold_modules.models.find import resolve

    precision: Precision = "auto" if way == "ours" else "bfloat16" if way.startswith("bf16") else "float32"
    if model in SHAPES:
        return random_llama(model, device, training_dtype("auto" if device != "cpu" else precision, device))
    return load_torch_model(resolve(model), device, precision=precision)


def child(items: list[str], shapes: dict[str, Shape], model: str, device: str, warm: int) -> None:
    """Answer turns on stdin with speeds on stdout."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from utilisation import operations_of, promised

    from kobold_modules.corpus import read
    from kobold_modules.forward.memory import watch

    frozen = loaded(model, device, items[0].split()[0])
    text = "\n\n".join(document.text for document in read(VOICES).documents)
    steps, memory = {}, {}
    for item in items:
        way, shape = item.split()[0], shapes[item.split()[1]]
        take = _ours(frozen, text, shape) if way == "ours" else _peer(frozen, text, shape, way)
        if item in ("ours short", "eager short"):
            take(0)
            with watch(device) as seen:
                take(1)
            memory[item] = seen.bytes
        for number in range(warm):
            take(number)
        steps[item] = take
    ready = {
        "memory": memory,
        "dtype": str(frozen.table.dtype).removeprefix("torch."),
        "peak": promised(device),
        "operations": {each: operations_of(frozen, *astuple(shapes[each.split()[1]])) for each in items},
    }
    print(json.dumps(ready), file=answers, flush=True)
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
    at_once, world = AtOnce(1 << 30, frozen.device), World()

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
            peer.step(ids.to(frozen.device), mask.to(frozen.device))
            return int(mask.sum())

        return paragraphs
    rows = Rows.of((text,), frozen.encode, shape.length)

    def take(number: int) -> int:
        peer.step(rows.batch(1, number, shape.rows)[:, 0].to(frozen.device))
        return shape.rows * shape.length

    return take


def compare(
    children: dict[str, list[str]],
    shapes: dict[str, Shape],
    model: str,
    rounds: int,
    *,
    device: str = "cpu",
    warm: int = 2,
) -> dict[str, dict[str, Any]]:
    """Return by item: median real tokens a second, median over turns of our speed over its, peak memory in bytes."""
    speeds: dict[str, list[float]] = {}
    known: dict[str, dict[str, Any]] = {}
    # A GPU's memory is for one of them, and nothing else runs there; a CPU's slow spells are to fall on all alike.
    groups = [list(children.values())] if device == "cpu" else [[items] for items in children.values()]
    for group in groups:
        running = [Child(items, shapes, model, device, warm) for items in group]
        try:
            for each in running:
                known |= dict.fromkeys(each.items, each.ready())
            for shape in shapes:
                for _ in range(rounds):
                    for each in running:
                        for item in each.items:
                            if item.split()[1] == shape:
                                speeds.setdefault(item, []).append(each.turn(item, 0.0 if device == "cpu" else 3.0))
        finally:
            for each in running:
                each.end()
    found = {}
    for item, measured in speeds.items():
        ours = speeds[f"ours {item.split()[1]}"]
        ratios = [mine / its for mine, its in zip(ours, measured, strict=True)]
        ready, median = known[item], statistics.median(measured)
        found[item] = {
            "tokens_per_second": round(median),
            "ours_over_it": round(statistics.median(ratios), 3),
            "memory_bytes": ready["memory"].get(item),
            "dtype": ready["dtype"],
        }
        if ready["peak"]:
            found[item]["mfu"] = round(median * ready["operations"][item] / ready["peak"], 3)
        print(f"  {item:<15} {found[item]}", flush=True)
    return found


def has_bf16() -> bool:
    """Return whether the processor multiplies bfloat16 itself; without that, a step takes a hundred times as long."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return True
    return "avx512_bf16" in flags or "amx_bf16" in flags


def measure(model: str, device: str, quick: bool, kept: bool) -> None:
    """Compare all ways on one model, and keep the result."""
    from common import keep

    small = model == "starter"
    shapes = FULL if not quick else QUICK if small else QUICK_LARGE
    children = dict(FULL_CHILDREN if not quick else QUICK_CHILDREN if small else QUICK_LARGE_CHILDREN)
    if device != "cpu":
        children = dict(GPU_CHILDREN)
        if quick:
            children.pop("compiled")
    elif not has_bf16():
        children = {name: items for name, items in children.items() if not name.startswith("bf16")}
        if quick and not small:
            children["eager"] = ["eager short", "newcomer short", "eager long"]
    rounds = 2 if quick else 10 if small else 4
    found = compare(children, shapes, model, rounds, device=device, warm=1 if quick and not small else 2)

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
    if "mfu" in found["ours short"]:
        result["mfu"] = {shape: [found[f"ours {shape}"]["mfu"], found[fastest(shape)]["mfu"]] for shape in shapes}
    settings = {
        "model": model,
        "device": device,
        "quick": quick,
        "shapes": {k: [v.tokens, v.length, v.rows] for k, v in shapes.items()},
        "ways": found,
    }
    name = "train_speed" if small else f"train_speed_{Path(model).stem}"
    keep(name if device == "cpu" else f"{name}_{device.partition(':')[0]}", settings, result, quick and not kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="starter: within 50 s on 2 cores; writes no result")
    parser.add_argument("--keep", action="store_true", help="write the result of a quick run, too")
    parser.add_argument("--model", help="as the command line names models, or llama-1b, llama-3b, llama-8b")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        given = json.loads(arguments.child)
        shapes = {name: Shape(*values) for name, values in given["shapes"].items()}
        child(given["items"], shapes, given["model"], given["device"], given["warm"])
        return
    models = (arguments.model,) if arguments.model else ("starter",) if arguments.device == "cpu" else GPU_MODELS
    for model in models:
        measure(model, arguments.device, arguments.quick, arguments.keep)


if __name__ == "__main__":
    main()
