"""Many clients of `kobold-modules serve` under three stacks at once: is anything lost, and what does HTTP cost?

clients, lost       clients that ask at the same moment, each for a text of its own; a text that does not come whole,
                    or begins otherwise than the same request asked alone, counts as lost
p50_ms, p99_ms      from a request to the last word of its text, waiting for a place included
tokens_s_vs_one     tokens per second of all clients at once over those of the same requests one after another
overhead_vs_engine  share of tokens per second that HTTP costs one client whose text streams, against the engine itself
                    in this process (medians of turns that alternate; below zero is chance)

    python benchmarks/serve_load.py [--quick] [--model MODEL] [--clients N]
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


os.environ.setdefault("OMP_WAIT_POLICY", "passive")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from common import benchmark_parser, keep

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.generation.log import VARIABLE, logged
from kobold_modules.generation.protocol import Request
from kobold_modules.library.library import Library
from kobold_modules.models.find import resolve
from kobold_modules.models.reference import ModelFile
from kobold_modules.records import Finished
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack


VOICES = ("noir", "gothic", "farce")
ROWS = 20
SIDE_BY_SIDE = 16
OPENINGS = (
    "The rain had stopped an hour before dawn, and the street",
    "Nobody in the house had slept since the letter came.",
    "On the third day the captain called them all on deck and said",
    "It was the sort of party at which one is asked one's opinion of fish.",
    "She had left the lamp burning in the window, as she had promised,",
)
ALIKE = 12  # characters at the beginning of a text that must be those of the same request alone


@dataclass(frozen=True)
class Server:
    """A running server, and the requests of one client."""

    port: int
    tokens: int
    ends: dict[str, float]

    def body(self, number: int) -> dict[str, Any]:
        prompt = f"{OPENINGS[number % len(OPENINGS)]} {number}"
        return {
            "model": VOICES[number % len(VOICES)],
            "prompt": prompt,
            "max_tokens": self.tokens,
            "temperature": 0,
            "ignore_eos": True,
            "stream": True,
            "stream_options": {"include_usage": True},
            "user": f"client {number}",
        }

    def ask(self, number: int) -> tuple[str, int, float]:
        """Return the text of one client, its tokens, and the seconds it took."""
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request("POST", "/v1/completions", json.dumps(self.body(number)))
            data = connection.getresponse().read().decode()
        finally:
            connection.close()
        text, tokens = [], 0
        for line in data.split("\n"):
            if line.startswith("data: {"):
                said = json.loads(line[6:])
                text += [choice["text"] for choice in said.get("choices", ())]
                tokens = said["usage"]["completion_tokens"] if said.get("usage") else tokens
        return "".join(text), tokens, time.perf_counter() - began


def modules_of(file: ModelFile) -> dict[str, Module]:
    """Make three modules of rows of the model's own table."""
    table = np.concatenate(list(file.read_table()))
    rng = np.random.default_rng(3)
    picked = {name: table[rng.integers(200, len(table), ROWS)].astype(np.float32) for name in VOICES}
    return {
        name: Module(rows, Card(name, fingerprint=file.fingerprint, model=file.name)) for name, rows in picked.items()
    }


@contextlib.contextmanager
def serving(model: str, tokens: int, ends: dict[str, float]) -> Iterator[Server]:
    command = [sys.executable, "-m", "kobold_modules", "serve", "--model", model, "--port", "0", "--json"]
    command += ["--clients", str(SIDE_BY_SIDE), "--queue", "1000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = urlsplit(json.loads(process.stdout.readline())["address"]).port
        assert port is not None
        yield Server(port, tokens, ends)
    finally:
        process.terminate()
        process.wait(60)


def overhead(server: Server, engine: LlamaEngine, modules: dict[str, Module], turns: int) -> float:
    """Return the share of tokens per second that HTTP costs one client."""
    speeds: tuple[list[float], list[float]] = ([], [])
    settings = Sampler(temperature=0, repetition=1, min_p=0, bias=tuple(server.ends.items()))
    for turn in range(turns + 1):
        for which in (0, 1) if turn % 2 else (1, 0):
            body = server.body(turn // 2)
            if which:
                _, count, seconds = server.ask(turn // 2)
            else:
                request = Request(
                    text=body["prompt"],
                    stack=Stack().add(modules[body["model"]]),
                    max_tokens=server.tokens,
                    sampler=settings,
                )
                began = time.perf_counter()
                records = list(logged(engine.generate(request), engine.info, [request], "serve"))
                seconds = time.perf_counter() - began
                count = next(record.tokens for record in records if isinstance(record, Finished))
            if turn:  # the first one warms up
                speeds[which].append(count / seconds)
    plain, served = map(statistics.median, speeds)
    return 1 - served / plain


def main() -> None:
    parser = benchmark_parser(__doc__, quick="fewer turns and shorter texts; writes no result")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--clients", type=int, default=50)
    arguments = parser.parse_args()
    turns, tokens = (4, 40) if arguments.quick else (40, 80)
    file = resolve(arguments.model)
    with tempfile.TemporaryDirectory() as home:
        os.environ["KOBOLD_MODULES_HOME"] = home
        os.environ[VARIABLE] = "all"
        modules = modules_of(file)
        for module in modules.values():
            Library().add(module)
        with LlamaEngine(file) as engine:
            ends = {f"#{token}": -100.0 for token in range(engine.info.vocabulary) if engine._model.ends(token)}
            with serving(arguments.model, tokens, ends) as server:
                cost = overhead(server, engine, modules, turns)
                began = time.perf_counter()
                alone = [server.ask(number) for number in range(arguments.clients)]
                one = sum(count for _, count, _ in alone) / (time.perf_counter() - began)
                began = time.perf_counter()
                with ThreadPoolExecutor(arguments.clients) as pool:
                    together = list(pool.map(server.ask, range(arguments.clients)))
                many = sum(count for _, count, _ in together) / (time.perf_counter() - began)
    lost = sum(
        count != tokens or text[:ALIKE] != before[0][:ALIKE]
        for (text, count, _), before in zip(together, alone, strict=True)
    )
    seconds = sorted(each for _, _, each in together)
    result = {
        "clients": arguments.clients,
        "lost": lost,
        "p50_ms": round(1000 * statistics.median(seconds)),
        "p99_ms": round(1000 * seconds[min(len(seconds) - 1, int(0.99 * len(seconds)))]),
        "tokens_s_vs_one": round(many / one, 3),
        "overhead_vs_engine": round(cost, 4),
    }
    settings = {
        "model": file.name,
        "stacks": len(VOICES),
        "side_by_side": SIDE_BY_SIDE,
        "tokens": tokens,
        "turns": turns,
        "same_text": sum(text == before[0] for (text, _, _), before in zip(together, alone, strict=True)),
        "tokens_per_second": {"one": round(one, 1), "many": round(many, 1)},
    }
    print(json.dumps(settings), file=sys.stderr)
    keep("serve_load", settings, result, arguments.quick)


if __name__ == "__main__":
    main()
