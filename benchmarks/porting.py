"""What a module keeps on other weights of its model, and on a wider model of the family: carried over, and trained on.

    python benchmarks/porting.py [--quick] [--model starter|smollm2] [--minutes 3] [--steps 200]

A module of the sample voice (for the starter the one in the package) is settled onto quantisations of its model. For
the starter it is also ported to two other members of a family with one vocabulary: the same model filled up with zeros
to a wider one, as far apart as two models can be that compute the same; and one of other weights, every matrix moved by
a twentieth of its size at random, the table of words included. Bits per byte of the pages that the training kept back,
as each model writes; ``kept`` is the share of the module's gain on its own model.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any


os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
from common import benchmark_parser, keep

from kobold_modules.backends.llamacpp.quantise import quantise, widen
from kobold_modules.drain import drain
from kobold_modules.library.library import Library
from kobold_modules.models.find import resolve
from kobold_modules.models.reference import ModelFile
from kobold_modules.models.starter import demo_module_path
from kobold_modules.porting.port import Ported, port
from kobold_modules.porting.settings import PortRequest
from kobold_modules.training import train
from kobold_modules.training.settings import TrainingRequest


VOICE = Path(__file__).resolve().parents[1] / "sample_texts" / "noir"
KINDS = ("F16", "Q8_0", "Q5_1", "Q4_0")  # all for any width that divides by 32
MOVED = 0.05  # of a matrix' own root mean square, in a sibling
NAME = "noir"


def put_in_library(file: ModelFile, minutes: float) -> None:
    """Put a module of the voice for ``file`` into the library."""
    if file.name == "starter":
        Library().add(Library().find(str(demo_module_path())).with_card(name=NAME))
        return
    for _ in train(TrainingRequest((str(VOICE),), name=NAME, model=str(file.path), minutes=minutes)):
        pass


def sibling(source: Path, target: Path) -> None:
    """Write ``target``: the Llama in ``source`` (F32 or F16) with other weights and the same vocabulary."""
    import gguf

    reader, chance = gguf.GGUFReader(source), np.random.default_rng(1)
    writer = gguf.GGUFWriter(target, "llama")
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], inner)
    for tensor in reader.tensors:
        data = np.asarray(tensor.data).reshape([int(length) for length in reversed(tensor.shape)])
        if data.ndim > 1:
            size = MOVED * float(np.sqrt(np.square(data.astype(np.float32)).mean()))
            data = (data + size * chance.standard_normal(data.shape)).astype(data.dtype)
        writer.add_tensor(tensor.name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def row(found: Ported) -> dict[str, Any]:
    """Return the numbers of one model."""
    fronts = {front.name: round(front.bits_per_byte, 4) for front in found.fronts}
    kept = {f"kept_{name}": found.kept(name) for name in ("ported", "trained")}
    before = None if found.before is None else round(100 * found.before.share, 2)
    rounded = {name: None if share is None else round(share, 3) for name, share in kept.items()}
    return {"way": found.way, **fronts, **rounded, "gain_before": before, "explained": round(found.explained, 4)}


def main() -> None:
    parser = benchmark_parser(__doc__, quick="two steps: a check that it runs, no result")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--minutes", type=float, default=3.0, help="of the module's own training (not the starter's)")
    parser.add_argument("--steps", type=int, default=200, help="of the training that follows")
    arguments = parser.parse_args()
    steps = 2 if arguments.quick else arguments.steps
    file = resolve(arguments.model)  # before another home hides what was fetched
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KOBOLD_MODULES_HOME"] = folder  # a library of our own
        put_in_library(file, 0.2 if arguments.quick else arguments.minutes)
        targets = {kind: Path(folder) / f"{file.name}-{kind}.gguf" for kind in KINDS}
        for kind, path in targets.items():
            quantise(file.path, path, kind, again=True)
        if arguments.model == "starter":
            targets["wider"] = Path(folder) / "starter-wide.gguf"
            widen(file.path, targets["wider"])
            targets["sibling"] = Path(folder) / "starter-sibling.gguf"
            sibling(file.path, targets["sibling"])
        for kind, path in targets.items():
            request = PortRequest(
                module=NAME, target=str(path), texts=(str(VOICE),), steps=steps, source=str(file.path)
            )
            found[kind] = row(drain(port(request)))
            print(f"{kind:<8} {found[kind]}", flush=True)
    keep(
        "porting" if arguments.model == "starter" else f"porting_{Path(arguments.model).stem}",
        {"model": file.name, "voice": VOICE.name, "steps": steps, "minutes": arguments.minutes},
        found,
        arguments.quick,
    )


if __name__ == "__main__":
    main()
