"""Relations of every kind of words are put into sentences that hold."""

from __future__ import annotations

import pytest

from kobold_modules.self_study import Relation
from kobold_modules.self_study.templates.relation import statement


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("father of", "Mirren is the father of the Salt Gate"),
        ("daughter of and successor to", "Mirren is the daughter of and successor to the Salt Gate"),
        ("eastern edge of", "Mirren is the eastern edge of the Salt Gate"),
        ("one of", "Mirren is one of the Salt Gate"),
        ("guide to", "Mirren is the guide to the Salt Gate"),
        ("hired by", "Mirren was hired by the Salt Gate"),
        ("born in", "Mirren was born in the Salt Gate"),
        ("sworn to stand on", "Mirren is sworn to stand on the Salt Gate"),
        ("planned", "Mirren planned the Salt Gate"),
        ("rises south of", "Mirren rises south of the Salt Gate"),
        ("listens to", "Mirren listens to the Salt Gate"),
        ("are kept open under", "Mirren are kept open under the Salt Gate"),
    ],
)
def test_statements(how: str, sentence: str) -> None:
    assert statement("Mirren", Relation(how, "The Salt Gate")) == sentence
