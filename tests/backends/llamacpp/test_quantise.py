"""The starter in other kinds of weights, widened so that every fast path is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.backends.llamacpp.features import ALL, LADDER, REFERENCE
from kobold_modules.backends.llamacpp.probe import read
from kobold_modules.backends.llamacpp.quantise import main, quantise, widen
from kobold_modules.backends.llamacpp.weight_kinds import kind_of
from kobold_modules.backends.llamacpp.what_works import near


def test_a_wider_model_computes_the_same(starter: Path, tmp_path: Path) -> None:
    widen(starter, tmp_path / "wide.gguf")

    narrow, wide = (read(path, LADDER[REFERENCE], 4)["nats"] for path in (starter, tmp_path / "wide.gguf"))
    assert near(narrow, wide, 0.005)
    assert kind_of(tmp_path / "wide.gguf").matrices == ("F16 256 256",)


@pytest.mark.parametrize("weights", ["Q4_1", "Q4_K", "Q6_K", "IQ4_NL"])
def test_all_matrices_are_of_the_kind_that_was_asked_for(weights: str, starter: Path, tmp_path: Path) -> None:
    assert main([str(starter), str(tmp_path), weights]) == 0
    file = tmp_path / f"{weights}.gguf"

    assert kind_of(file).matrices == (f"{weights} 256 256",)
    assert near(read(tmp_path / "wide.gguf", ALL, 4)["nats"], read(file, ALL, 4)["nats"], 1.0)


def test_what_cannot_be_made_is_left_out(starter: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.gguf").write_bytes(b"GGUF")
    from kobold_modules.errors import EngineFailed

    with pytest.raises(EngineFailed, match="cannot make Q4_1"):
        quantise(tmp_path / "empty.gguf", tmp_path / "out.gguf", "Q4_1")
    assert not (tmp_path / "out.gguf").exists()
