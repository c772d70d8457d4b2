"""What a style module is worth: held-out bits per byte of its own voice and of the others, beside LoRA and own words.

Tables of module x text: our three sample voices with the demo's settings, and authors of ../shared/corpora (300 kB
each; the starter never saw the first four). A number is the change in bits per byte with the module, in per cent: below
zero is better. A good module helps its own voice and no other. For the authors each own number has its 95 % interval,
paired stretch by stretch, and beside it stand

words        the author's own words in the context, as many tokens as the module has: what the same cost buys untrained
lora         LoRA of rank 8 on every linear layer by PEFT, AdamW, for the same seconds on the same rows (``--lora``)
specificity  how much more the module does for its own author than for the others, per cent of bits per byte, with the
             interval of the difference of own and mean other gain

    python benchmarks/style_effect.py [--quick] [--minutes M] [--only voices|authors] [--model smollm2] [--authors 6]
    python benchmarks/style_effect.py --only authors --model smollm2 --lora      (needs the extra `bench`)
    python benchmarks/style_effect.py --only authors --model smollm2 --method prefix --lora-of style_effect_smollm2
"""

from __future__ import annotations

import json
import os
import time
from typing import Any


os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch
from authors import AUTHORS, Author, author
from common import RESULTS, SHARED, benchmark_parser, keep
from lora import Lora
from peer import load_for_peers

from kobold_modules.backends.torch.load import TorchModel
from kobold_modules.evaluation.bits import Bits, measure
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.training.checkpoint import State
from kobold_modules.training.loop import optimise
from kobold_modules.training.optimiser.allocator import keep_memory
from kobold_modules.training.optimiser.rate_scale import rate_scale
from kobold_modules.training.prompt_init import initial_rows
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training.start import OF_PREFIXES, new_state
from kobold_modules.training.task import Task


LORA_RATES = (5e-4, 2e-3)  # AdamW; the one that ends lower on the first text serves all, and trying is not charged


def trained(text: Author, loss: PromptLoss, request: TrainingRequest) -> State:
    """Return the state after a training on ``text``, its choice of start and its looks at held-out text included."""
    began = time.monotonic()
    state = new_state(loss, loss.start(initial_rows(loss.rows, text.rows, request))[None], request)
    state.rate_scale = rate_scale(loss.rows) * (1.0 if loss.prefix is None else OF_PREFIXES)
    state.begins([measure(loss, state.initial[0], text.looked_at(request), request.tokens).nats_per_token])
    state.elapsed = time.monotonic() - began
    for _ in optimise(loss, [Task(text.name, text.rows, text.looked_at(request))], request, state):
        pass
    return state


def change(found: Bits, without: Bits) -> list[float]:
    """Return the change in bits per byte in per cent and the ends of its interval, below zero is better."""
    gain = found.compared_to(without)
    low, high = (gain.share if end is None else end for end in (gain.low, gain.high))
    return [round(-100 * share, 2) for share in (gain.share, high, low)]


def table(
    texts: list[Author],
    frozen: TorchModel,
    loss: PromptLoss,
    request: TrainingRequest,
    lora: bool,
    kept: dict[str, dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Train a module on each text and measure it on all: ``{module: {"changes": {text: per cent}, ...}}``.

    ``kept`` are rows of an earlier run, whose LoRA stands beside these.
    """
    without = {text.name: measure(loss, None, text.held_out, request.tokens) for text in texts}
    found: dict[str, dict[str, Any]] = {}
    rates: tuple[float, ...] = LORA_RATES
    for text in texts:
        state = trained(text, loss, request)
        ends = {other.name: measure(loss, state.best[0], other.held_out, request.tokens) for other in texts}
        changes = {name: change(bits, without[name]) for name, bits in ends.items()}
        rows = initial_rows(loss.rows, text.rows, request)  # strides of the author's own words
        words = measure(loss.rows, rows, text.held_out, request.tokens)
        row: dict[str, Any] = {
            "steps": state.step,
            "changes": {name: each[0] for name, each in changes.items()},
            "own": changes[text.name],
            "words": change(words, without[text.name]),
            "over_words": change(ends[text.name], words),
            "specificity": specificity(changes, text.name),
        }
        if lora:
            row |= lora_ends(text, frozen, request, without[text.name], rates)
            rates = (row["lora_rate"],)
        row |= {key: value for key, value in kept.get(text.name, {}).items() if key.startswith("lora")}
        found[text.name] = row
        print(f"{text.name:<22} {state.step:>5} steps  {row}", flush=True)
    return found


def specificity(changes: dict[str, list[float]], own: str) -> list[float]:
    """Return own gain less the mean gain of the others, in points, with an interval; above zero is its own voice.

    The half-widths of independent intervals add as squares.
    """
    others = [each for name, each in changes.items() if name != own]
    if not others:
        return []
    value = -changes[own][0] + sum(each[0] for each in others) / len(others)
    half = [(each[2] - each[1]) / 2 for each in (changes[own], *others)]
    wide = (half[0] ** 2 + sum(each**2 for each in half[1:]) / len(others) ** 2) ** 0.5
    return [round(value, 2), round(value - wide, 2), round(value + wide, 2)]


def lora_ends(
    text: Author, frozen: TorchModel, request: TrainingRequest, without: Bits, rates: tuple[float, ...]
) -> dict[str, Any]:
    """Return where LoRA ends in the same seconds, at the best of ``rates``."""
    ends: dict[float, tuple[Bits, int]] = {}
    for rate in rates:
        with Lora(frozen, rate) as peer:
            steps = peer.train(text.rows, request.batch, request.budget)
            ends[rate] = measure(peer.loss, None, text.held_out, request.tokens), steps
    rate = min(ends, key=lambda each: ends[each][0].nats_per_token)
    return {"lora": change(ends[rate][0], without), "lora_rate": rate, "lora_steps": ends[rate][1]}


def rows_of(name: str, settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the authors' rows of the result ``name``.

    Raises:
        SystemExit: there is none, or it was made with other settings.
    """
    path = RESULTS / f"{name}.json"
    if not path.exists():
        raise SystemExit(f"There is no {path}: run this with --lora first.")
    kept = json.loads(path.read_text())
    if {key: value for key, value in kept["settings"].items() if key != "method"} != settings:
        raise SystemExit(f"{name} was made with other settings: {kept['settings']}, here {settings}")
    rows: dict[str, dict[str, Any]] = kept["result"]["authors"]["table"]
    return rows


def summary(found: dict[str, dict[str, Any]]) -> dict[str, float]:
    own = [row["own"][0] for row in found.values()]
    others = [value for name, row in found.items() for other, value in row["changes"].items() if other != name]
    mean_own, mean_others = sum(own) / len(own), sum(others) / max(1, len(others))
    result = {
        "own_percent": round(mean_own, 2),
        "worst_own_percent": max(own),
        "others_percent": round(mean_others, 2),
        "own_minus_others_points": round(mean_own - mean_others, 2),
        "clearly_better": sum(row["own"][2] < 0 for row in found.values()),
        "clearly_specific": sum(bool(row["specificity"]) and row["specificity"][1] > 0 for row in found.values()),
        "clearly_over_words": sum(row["over_words"][2] < 0 for row in found.values()),
        "texts": len(found),
    }
    if all("lora" in row for row in found.values()):
        shares = [row["own"][0] / row["lora"][0] for row in found.values() if row["lora"][0] < 0]
        result["share_of_lora"] = round(sum(shares) / max(1, len(shares)), 3)
    return result


def main() -> None:
    parser = benchmark_parser(__doc__, quick="a few seconds a module: a check that it runs, no result")
    parser.add_argument("--minutes", type=float, help="a module; default 2 for voices (as the demo), 3 for authors")
    parser.add_argument("--only", choices=["voices", "authors"])
    parser.add_argument("--model", default="starter")
    parser.add_argument("--authors", type=int, default=4, help=f"how many, at most {len(AUTHORS)}")
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--held-out", type=int, default=8000, help="tokens of a text that are measured")
    parser.add_argument("--lora", action="store_true", help="LoRA beside it, as many seconds at each of its rates")
    parser.add_argument("--lora-of", metavar="NAME", help="the LoRA of an earlier result with the same settings")
    parser.add_argument("--method", choices=["prompt", "prefix"], default="prompt", help="rows, or a deep prefix")
    arguments = parser.parse_args()
    keep_memory()
    frozen, loss = load_for_peers(arguments.model)
    loss = loss.deep() if arguments.method == "prefix" else loss
    result: dict[str, Any] = {}
    settings: dict[str, Any] = {
        "model": arguments.model,
        "threads": torch.get_num_threads(),
        "precision": str(frozen.table.dtype),
    }
    for part, default in (("voices", 2.0), ("authors", 3.0)):
        if arguments.only not in (None, part):
            continue
        minutes = 0.05 if arguments.quick else arguments.minutes or default
        request = TrainingRequest(files=(), name="x", minutes=minutes, tokens=arguments.tokens, method=arguments.method)
        settings[part] = {k: getattr(request, k) for k in ("minutes", "tokens", "row", "batch", "rate", "seed")}
        if part == "authors" and not (SHARED / "corpora").exists():
            print("../shared/corpora is not here; the authors are left out")
            continue
        names = ("noir", "gothic", "farce") if part == "voices" else AUTHORS[: arguments.authors]
        texts = [author(name, frozen, request, arguments.held_out) for name in names]
        print(f"{part}: modules in rows, texts in columns ({', '.join(text.name for text in texts)})")
        kept = rows_of(arguments.lora_of, settings) if part == "authors" and arguments.lora_of else {}
        found = table(texts, frozen, loss, request, arguments.lora, kept)
        result[part] = {"table": found, **summary(found)}
    name = "style_effect" if arguments.model == "starter" else f"style_effect_{arguments.model}"
    name = name if arguments.method == "prompt" else f"{name}_{arguments.method}"
    keep(name, settings | {"method": arguments.method}, result, arguments.quick)


if __name__ == "__main__":
    main()
