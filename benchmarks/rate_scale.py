"""How far along a first Muon step each model's loss falls, as a share of its embedding table's scale (decision 30).

furthest_fall   the step with the lowest loss on other rows; seconds: what finding it took, once a model

    python benchmarks/rate_scale.py [MODEL ...]      default: starter, and smollm2 where it has been fetched
"""

from __future__ import annotations

import argparse
import os
import time


os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from common import keep

from kobold_modules.models.find import resolve
from kobold_modules.models.smollm2 import smollm2_path
from kobold_modules.training.frozen import load_frozen
from kobold_modules.training.optimiser.rate_scale import REFERENCE, furthest_fall
from kobold_modules.training.settings import TrainingRequest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    arguments = parser.parse_args()
    found = {}
    for name in arguments.models or ["starter", *(["smollm2"] if smollm2_path() else [])]:
        frozen, loss = load_frozen(resolve(name), TrainingRequest(files=(), name="x", model=name), "cpu")
        began = time.perf_counter()
        fall = furthest_fall(loss)
        found[frozen.name] = {
            "width": frozen.table.shape[1],
            "furthest_fall": round(fall, 3),
            "scale": round(min(1.0, fall / REFERENCE), 2),
            "seconds": round(time.perf_counter() - began, 1),
        }
    keep("rate_scale", {"reference": REFERENCE}, found, quick=False)


if __name__ == "__main__":
    main()
