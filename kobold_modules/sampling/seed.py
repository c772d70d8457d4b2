"""The seed of a text for which nobody gave one: by chance, or in the order that KOBOLD_MODULES_SEED begins.

Chance is what a writer wants. Who wants to see the very same again (a test, a bug report, a recorded session) sets the
variable to a whole number: then a process, and every child it starts, draws the same seeds in the same order each time.
"""

from __future__ import annotations

import os
import random
import secrets


VARIABLE = "KOBOLD_MODULES_SEED"
BITS = 31  # every program and file format that takes a seed takes these

_begun: tuple[str, random.Random] | None = None


def draw_seed() -> int:
    """Return a seed from 0 to 2^31 - 1."""
    global _begun
    given = os.environ.get(VARIABLE, "")
    if not given:
        return secrets.randbits(BITS)
    if _begun is None or _begun[0] != given:
        _begun = (given, random.Random(given))
    return _begun[1].getrandbits(BITS)
