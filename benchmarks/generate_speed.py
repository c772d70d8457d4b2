"""What a stack costs while writing: tokens a second, switching, restoring, and several stacks in one batch.

    python benchmarks/generate_speed.py [--quick] [--model FILE.gguf]

The last line is one JSON object of ratios; each is the median over rounds in which both sides take turns, so that a
machine that gets busier gets busier for both.

``stack_vs_plain``: tokens/s of our engine behind a stack against llama.cpp's own loop (a context, a sampler chain,
``llama_decode`` a token) with as many tokens in its context; at least 0.98. The peer runs the same settings, without
any of our code.

``switch_back``: time to the first token after switching back to a stack whose state over this text is cached, against
continuing without a switch; at most 1.15. ``switch_new`` is the same for a stack that is new to this text: it reads the
text once.

``disk_restore_vs_decode``: time to have a stack of 100 rows ready in a fresh engine from the disk cache, against
computing it.

``compare4_speedup``: four stacks in one batch against one after another, all texts read before; at least 1.4 on two
cores.

``deep_restore_vs_rows``: time to the first token behind a deep prefix whose state is kept in memory but not in the
context, as at a switch of stacks, against the same behind as many rows; at most 1.05. ``deep_new_vs_rows`` is the same
for a stack that is new: a deep prefix is written, rows are computed.

The batch arithmetic for a 7B model on a GPU, which this machine has none of: a step reads all weights once, whatever
the batch, and each sequence's keys and values. Q4_K_M of 7B is 4.1 GB; at 1,000 tokens of context a sequence is 128
KiB x 1,000 = 0.13 GB (8 key-value heads; 0.5 GB without grouped heads). A step of one sequence moves 4.2 GB, of four
4.6 GB, of eight 5.1 GB: on a card that is bound by its memory, four stacks cost 1.09 times one (3.7 times faster than
in turn) and eight 1.21 times (6.6). Compute does not bind yet: eight tokens are 8 x 14 GFLOP, 0.11 TFLOP a step,
against some 5 ms in which 4.1 GB pass at 900 GB/s, where such a card does 0.3 TFLOP and more. Without grouped heads
the four cost 1.33 times, the eight 1.76 times.
"""

from __future__ import annotations

import codecs
import ctypes
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
from common import benchmark_parser, keep

from kobold_modules.backends.llamacpp.binding import library, threads
from kobold_modules.backends.llamacpp.deep_support import deep_support
from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.backends.llamacpp.model import NativeModel
from kobold_modules.generation.protocol import Request
from kobold_modules.models.reference import ModelFile
from kobold_modules.models.starter import starter_path
from kobold_modules.records import Finished
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.deep_prefix import DeepPrefix
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack


TEXT = "The rain had stopped, and the street was quiet again. Somebody had left a lamp burning in the window. " * 20
ROWS, TOKENS = 100, 400  # of the stack, of the text
SETTINGS: dict[str, Any] = {"temperature": 0.8, "min_p": 0.05, "repetition": 1.05, "repetition_range": 256}


def never_ending(model: NativeModel) -> tuple[tuple[str, float], ...]:
    """Return a bias that keeps the model from ending a text, for both sides must write as much."""
    return tuple((f"#{token}", -100.0) for token in range(model.vocabulary) if model.ends(token))


class Peer:
    """llama.cpp's plain loop, as its own examples have it."""

    def __init__(self, model: NativeModel, context: int, tokens: int) -> None:
        self.lib: Any = library()
        parameters = self.lib.llama_context_default_params()
        parameters.n_ctx, parameters.n_batch = context, 512
        parameters.n_threads, parameters.n_threads_batch = threads()
        self.ctx = self.lib.llama_init_from_model(model.handle, parameters)
        self.memory = self.lib.llama_get_memory(self.ctx)
        self.tokens = tokens
        self.ids = (self.lib.llama_token * tokens)(*(model.tokenize(TEXT * 9)[:tokens]))
        for at in range(0, tokens, 512):
            part = ctypes.cast(ctypes.byref(self.ids, 4 * at), ctypes.POINTER(ctypes.c_int32))
            self.lib.llama_decode(self.ctx, self.lib.llama_batch_get_one(part, min(512, tokens - at)))
        self.bias = [token for token in range(model.vocabulary) if model.ends(token)]
        self.vocabulary = model.vocabulary
        self.vocab = self.lib.llama_model_get_vocab(model.handle)
        self.piece = ctypes.create_string_buffer(64)
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.text = ""

    def write(self, count: int) -> float:
        """Return the seconds a token of writing ``count`` of them behind the text."""
        lib = self.lib
        lib.llama_memory_seq_rm(self.memory, 0, self.tokens - 1, -1)
        chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        biases = (lib.llama_logit_bias * len(self.bias))(*((token, -100.0) for token in self.bias))
        for sampler in (
            lib.llama_sampler_init_logit_bias(self.vocabulary, len(self.bias), biases),
            lib.llama_sampler_init_penalties(self.vocabulary, 256, 1.05, 0.0, 0.0),
            lib.llama_sampler_init_min_p(0.05, 1),
            lib.llama_sampler_init_temp(0.8),
            lib.llama_sampler_init_dist(1),
        ):
            lib.llama_sampler_chain_add(chain, sampler)
        for at in range(max(0, self.tokens - 256), self.tokens):  # ours penalises what the text repeats, too
            lib.llama_sampler_accept(chain, self.ids[at])
        self.text = ""
        token = (lib.llama_token * 1)(self.ids[self.tokens - 1])
        began = time.perf_counter()
        for _ in range(count):
            lib.llama_decode(self.ctx, lib.llama_batch_get_one(token, 1))
            token[0] = lib.llama_sampler_sample(chain, self.ctx, -1)
            length = lib.llama_token_to_piece(self.vocab, token[0], self.piece, len(self.piece), 0, False)
            self.text += self.decode(self.piece.raw[:length])
        seconds = (time.perf_counter() - began) / count
        lib.llama_sampler_free(chain)
        return seconds

    def close(self) -> None:
        self.lib.llama_free(self.ctx)


def stack_of(width: int, seed: int, rows: int = ROWS) -> Stack:
    rng = np.random.default_rng(seed)
    return Stack().add(Module((0.03 * rng.standard_normal((rows, width))).astype(np.float32), Card(f"stack {seed}")))


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def first_token(engine: LlamaEngine, request: Request) -> float:
    """Return the seconds until ``request`` shows its first token."""
    begun: list[object] = []
    writing = engine.generate(request, lambda: bool(begun))  # cancelled once the first token is here
    seconds = timed(lambda: begun.append(next(writing)))
    list(writing)
    return seconds


def ratio(pairs: list[tuple[float, float]]) -> float:
    """Return the median of a round's first time over its second."""
    return round(statistics.median(a / b for a, b in pairs), 3)


def speed(engine: LlamaEngine, peer: Peer, request: Request, rounds: int) -> tuple[float, list[float]]:
    """Return tokens a second of the engine over the peer's, and both."""
    pairs = []
    for _ in range(rounds):
        writing = engine.generate(request)
        next(writing)  # the text has been read
        count, began = 1, time.perf_counter()
        for record in writing:
            if isinstance(record, Finished):
                count = record.tokens
        ours = (time.perf_counter() - began) / (count - 1)
        pairs.append((peer.write(request.max_tokens), ours))
    return ratio(pairs), [round(1 / statistics.median(side), 1) for side in zip(*pairs, strict=True)][::-1]


def switching(engine: LlamaEngine, text: str, settings: Sampler, rounds: int, width: int) -> tuple[float, float]:
    """Time switching back, and to a stack new to the text, against continuing."""
    one, two = (Request(text=text, stack=stack_of(width, seed), max_tokens=8, sampler=settings) for seed in (1, 2))
    for request in (one, two):
        list(engine.generate(request))
    back, new = [], []
    for number in range(rounds):
        stay = first_token(engine, two)  # the stack that wrote last
        list(engine.generate(one))
        again = first_token(engine, two)  # cached, but another one wrote last
        back.append((again, stay))
        if number < 3:
            fresh = Request(text=text, stack=stack_of(width, 50 + number), max_tokens=8, sampler=settings)
            list(
                engine.generate(Request(text="", stack=fresh.stack, max_tokens=1, sampler=settings))
            )  # its rows are kept; the text is new to it
            new.append((first_token(engine, fresh), stay))
    return ratio(back), ratio(new)


def restoring(path: Path, stacks: list[Stack], settings: Sampler) -> float:
    """Measure a stack restored from the disk in a fresh engine, against computing it there."""
    empty = [Request(text="", stack=stack, max_tokens=1, sampler=settings) for stack in stacks]
    with LlamaEngine(ModelFile.at(path)) as engine:
        for request in empty:
            list(engine.generate(request))
    pairs = []
    with LlamaEngine(ModelFile.at(path)) as warm, LlamaEngine(ModelFile.at(path), disk=0) as cold:
        for engine in (warm, cold):
            list(engine.generate(Request(text="a", stack=Stack(), max_tokens=1, sampler=settings)))
        for request in empty:
            restored, computed = first_token(warm, request), first_token(cold, request)
            pairs.append((restored, computed))
    return ratio(pairs)


def deep_of(engine: LlamaEngine, seed: int) -> Stack:
    """Return a stack of a deep prefix of ROWS tokens for ``engine``'s model."""
    layout = deep_support(Path(engine.info.path), engine._model.features).require(engine.info.name)
    rng = np.random.default_rng(seed)
    shape = (layout.layers, layout.kv_heads, ROWS, layout.head_dim)
    keys, values = (0.3 * rng.standard_normal(shape).astype(np.float32) for _ in range(2))
    return Stack().add(DeepPrefix(keys, values, Card(f"deep {seed}")))


def deep_switching(engine: LlamaEngine, settings: Sampler, rounds: int, width: int) -> tuple[float, float]:
    """Time a deep prefix against as many rows: restored from memory, and new to the engine."""

    def start(stack: Stack) -> float:
        decoder = engine._open()
        for cached in decoder.sequences:
            decoder.pool.drop(cached)
        return first_token(engine, Request(text="The rain", stack=stack, max_tokens=1, sampler=settings))

    kept = (deep_of(engine, 1), stack_of(width, 90))
    for stack in kept:
        start(stack)
    restored = [(start(kept[0]), start(kept[1])) for _ in range(rounds)]
    new = [(start(deep_of(engine, 100 + n)), start(stack_of(width, 100 + n))) for n in range(min(rounds, 9))]
    return ratio(restored), ratio(new)


def together(engine: LlamaEngine, requests: list[Request], rounds: int) -> float:
    """Time one after another over one batch, all texts kept in the context."""
    list(engine.together(requests))
    pairs = []
    for _ in range(rounds):
        in_turn = timed(lambda: [list(engine.generate(request)) for request in requests])
        pairs.append((in_turn, timed(lambda: list(engine.together(requests)))))
    return ratio(pairs)


def main() -> None:
    parser = benchmark_parser(__doc__, quick="within 50 s on 2 cores")
    parser.add_argument("--model", type=Path, default=starter_path())
    arguments = parser.parse_args()
    rounds = 11 if arguments.quick else 31
    length = 96
    with tempfile.TemporaryDirectory() as home:
        os.environ["KOBOLD_MODULES_HOME"] = home  # a disk cache of our own
        with LlamaEngine(ModelFile.at(arguments.model)) as engine:
            bias = never_ending(engine._model)
            settings = Sampler(**SETTINGS, seed=1, bias=bias)
            width = engine.info.width
            text = TEXT
            while len(engine.tokenize(text)) > TOKENS:
                text = text[:-20]
            tokens = len(engine.tokenize(text))
            request = Request(text=text, stack=stack_of(width, 1), max_tokens=length, sampler=settings)
            list(engine.generate(request))
            peer = Peer(engine._model, engine.info.context, ROWS + tokens)
            against, speeds = speed(engine, peer, request, rounds)
            peer.close()
            back, new = switching(engine, text, settings, 3 * rounds, width)
            deep, deep_new = deep_switching(engine, settings, rounds, width)
            four = [
                Request(text=text, stack=stack_of(width, seed), max_tokens=length, sampler=settings)
                for seed in range(1, 5)
            ]
            batch = together(engine, four, max(5, rounds // 3))
        restored = restoring(arguments.model, [stack_of(width, 20 + seed) for seed in range(min(rounds, 12))], settings)
    result = {
        "stack_vs_plain": against,
        "switch_back": back,
        "disk_restore_vs_decode": restored,
        "compare4_speedup": batch,
        "deep_restore_vs_rows": deep,
    }
    details = {
        "model": arguments.model.name,
        "rows": ROWS,
        "text tokens": tokens,
        "written tokens": length,
        "rounds": rounds,
        "threads": list(threads()),
        "tokens/s with a stack, plain": speeds,
        "switch_new": new,
        "deep_new_vs_rows": deep_new,
        "7B Q4_K_M on a GPU, bytes a step": {"1 sequence": 4.2e9, "4 stacks": 4.6e9, "8 stacks": 5.1e9},
        "7B Q4_K_M on a GPU, speed-up over one after another": {"4 stacks": 3.7, "8 stacks": 6.6},
    }
    print(details)
    keep("generate_speed", details, result, arguments.quick)


if __name__ == "__main__":
    main()
