"""A small module that most of these tests pack, spoil and read."""

from __future__ import annotations

import numpy as np
import pytest

from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.module import Card, Module


@pytest.fixture
def noir() -> Module:
    numbers = np.random.default_rng(7)
    vectors = numbers.normal(size=(5, 8)).astype(np.float32)
    card = Card(
        name="Noir: “Rain” & <Ash>",
        kind="style",
        description='Short sentences.\nA "hard" city — wet.',
        author="R. O'Neil",
        model="starter",
        fingerprint=Fingerprint(4096, 8, (0.25, -1.5, 0.0625)),
        created="2026-11-21T07:00:00Z",
        tags=("crime", "night"),
        training={"steps": 400, "learning_rate": 0.3, "method": "rows"},
        measured={"bits_per_byte_with": 1.01, "bits_per_byte_without": 1.25},
        curve=((0, 3.5), (100, 3.1)),
        samples={"opening": "It was", "with": " raining.", "without": " a day."},
        sources=({"name": "rain.txt", "words": 812},),
        extra={"from_the_future": [1, {"a": None}]},
    )
    return Module(vectors, card, numbers.normal(size=(5, 8)).astype(np.float32))
