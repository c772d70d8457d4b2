"""Does a module trained on F16 weights work on Q8_0 and Q4 ones? Held-out bits per byte, with and without it.

    python benchmarks/quantised_transfer.py [--quick] [--minutes M]

A module is trained on the starter as it ships, the starter is quantised with llama.cpp's own quantiser, and each file
writes through llama.cpp with the module in front: what a reader of a shared module does. ``kept`` is the share of the
module's gain on F16 that is left.
"""

from __future__ import annotations

import ctypes
import math
import os
import tempfile
from pathlib import Path
from typing import Any


os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from common import benchmark_parser, keep

from kobold_modules.backends.llamacpp.binding import library
from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.corpus import read as read_corpus
from kobold_modules.corpus import split as split_corpus
from kobold_modules.models.reference import ModelFile
from kobold_modules.models.starter import starter_path
from kobold_modules.soft_prompt.deep_prefix import with_rows
from kobold_modules.soft_prompt.module import Module
from kobold_modules.soft_prompt.stack import Stack


VOICE = Path(__file__).resolve().parents[1] / "sample_texts" / "noir"
KINDS = {"Q8_0": 7, "Q5_K_M": 17, "Q4_K_M": 15, "Q4_0": 2}  # llama.h: enum llama_ftype
WINDOW = 400  # tokens of text behind the module at a time


def quantise(source: Path, target: Path, kind: int) -> None:
    """Write ``source`` to ``target`` in another quantisation. Raises RuntimeError where llama.cpp cannot."""
    binding = library()
    parameters = binding.llama_model_quantize_default_params()
    parameters.ftype = kind
    parameters.nthread = 1
    if binding.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(parameters)) != 0:
        raise RuntimeError(f"llama.cpp could not quantise {source} to type {kind}")


def trained(minutes: float, seed: int) -> Module:
    """Train a module of the sample voice as `kobold-modules train` does."""
    from kobold_modules.formats import read
    from kobold_modules.records import Saved
    from kobold_modules.training import train
    from kobold_modules.training.settings import TrainingRequest

    request = TrainingRequest((str(VOICE),), name="noir", minutes=minutes, seed=seed)
    saved = [record.path for record in train(request) if isinstance(record, Saved) and record.what == "module"]
    return with_rows(read(Path(saved[-1])))


def bits_per_byte(engine: LlamaEngine, stack: Stack, texts: tuple[str, ...], most: int) -> float:
    """Measure all texts window by window, the first token of each window left out with and without the stack."""
    nats, size = 0.0, 0
    for text in texts:
        ids = engine.tokenize(text)
        for at in range(0, min(len(ids), most), WINDOW):
            part = b"".join(engine._model.piece(token) for token in ids[at : at + WINDOW]).decode("utf-8", "ignore")
            logs = engine.log_probabilities(part, stack)
            nats -= float(logs[1:].sum() if stack.active else logs.sum())
            size += len(part.encode())
    return nats / math.log(2) / size


def main() -> None:
    parser = benchmark_parser(__doc__, quick="within 50 s on 2 cores: hardly trained")
    parser.add_argument("--minutes", type=float, default=3.0)
    arguments = parser.parse_args()
    minutes = 0.2 if arguments.quick else arguments.minutes
    held_out = tuple(split_corpus(read_corpus([VOICE])).held_out)  # the pages that a training keeps back
    most = 1200 if arguments.quick else 8000
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KOBOLD_MODULES_HOME"] = folder  # a library of our own
        stack = Stack().add(trained(minutes, 1))
        print(f"{'weights':<8} " + " ".join(f"{name:>8}" for name in ("MB", "without", "with", "%", "kept")))
        for kind in ("F16", *KINDS):
            path = starter_path()
            if kind in KINDS:
                path = Path(folder) / f"starter-{kind}.gguf"
                quantise(starter_path(), path, KINDS[kind])
            with LlamaEngine(ModelFile.at(path), disk=0) as engine:
                without = bits_per_byte(engine, Stack(), held_out, most)
                stacked = bits_per_byte(engine, stack, held_out, most)
            gain = without - stacked
            reference = result["F16"]["without"] - result["F16"]["with"] if result else gain
            result[kind] = {
                "megabytes": round(path.stat().st_size / 1e6, 1),
                "without": round(without, 4),
                "with": round(stacked, 4),
                "change": round(-100 * gain / without, 2),
                "kept": round(gain / reference, 2) if reference else 0.0,
            }
            row = result[kind]
            numbers = [row[name] for name in ("megabytes", "without", "with", "change", "kept")]
            print(f"{kind:<8} " + " ".join(f"{number:>8}" for number in numbers), flush=True)
    keep("quantised_transfer", {"minutes": minutes, "voice": VOICE.name, "tokens": most}, result, arguments.quick)


if __name__ == "__main__":
    main()
