"""A deep prefix in a safetensors file: ours, whole, bounded."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from kobold_modules import formats
from kobold_modules.errors import BadModule, BadUsage
from kobold_modules.formats import deep_prefix
from kobold_modules.formats.tensors import open_tensors
from kobold_modules.soft_prompt.deep_prefix import DeepPrefix
from kobold_modules.soft_prompt.module import Card


SHAPE = (2, 2, 3, 4)
RNG = np.random.default_rng(5)
KEYS, VALUES = (RNG.normal(size=SHAPE).astype(np.float32) for _ in range(2))
DEEP = DeepPrefix(KEYS, VALUES, Card("Deep", "world"))
STARTED = DeepPrefix(DEEP.keys, DEEP.values, DEEP.card, DEEP.values, DEEP.keys)
ONES = np.ones((1, 1, 1, 2), np.float32)
SMALL = deep_prefix.pack(DeepPrefix(ONES, ONES, Card("s")))


def unpack(data: bytes) -> DeepPrefix:
    return deep_prefix.unpack(open_tensors(data, "noir.safetensors"))


@pytest.mark.parametrize("prefix", [DEEP, STARTED], ids=["alone", "with its start"])
def test_it_comes_back_whole(prefix: DeepPrefix, tmp_path: Path) -> None:
    deep_prefix.write(prefix, tmp_path / "noir.safetensors")
    back = formats.read(tmp_path / "noir.safetensors")
    assert isinstance(back, DeepPrefix)
    assert back.card == prefix.card
    assert back.digest == prefix.digest
    for mine, theirs in ((back.initial_keys, prefix.initial_keys), (back.initial_values, prefix.initial_values)):
        assert (mine is None and theirs is None) or np.array_equal(mine, theirs)  # type: ignore[arg-type]


def test_the_safetensors_package_reads_it_and_equal_ones_are_equal_files() -> None:
    data = deep_prefix.pack(STARTED)
    tensors = load(data)
    assert set(tensors) == {"keys", "values", "initial_keys", "initial_values"}
    assert np.array_equal(tensors["keys"], DEEP.keys)
    assert data == deep_prefix.pack(unpack(data))


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_a_strangers_keys_and_values_are_one(kind: type) -> None:
    found = unpack(save({"keys": DEEP.keys.astype(kind), "values": DEEP.values.astype(kind)}))
    assert found.card == Card("noir", "imported")
    assert np.allclose(found.keys, DEEP.keys, atol=1e-2)


@pytest.mark.parametrize(
    ("tensors", "metadata", "said"),
    [
        ({"keys": DEEP.keys}, {"kind": "deep prefix"}, "no readable tensor called 'values'"),
        ({"keys": DEEP.keys, "values": DEEP.values, "more": DEEP.keys}, None, "more than the keys"),
        ({"keys": DEEP.keys, "values": DEEP.values[:1]}, None, "different shapes"),
        ({"keys": DEEP.keys[0], "values": DEEP.values[0]}, None, "no deep prefix"),
        ({"keys": DEEP.keys * np.float32("nan"), "values": DEEP.values}, None, "not numbers"),
        (
            {"keys": np.zeros((1, 1, 2048, 1), np.float32), "values": np.zeros((1, 1, 2048, 1), np.float32)},
            None,
            "shape",
        ),
        ({"keys": DEEP.keys.astype(np.float64), "values": DEEP.values}, None, "F64"),
        ({"keys": DEEP.keys, "values": DEEP.values}, {"layout": "interleaved"}, "interleaved"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(
    tensors: dict[str, np.ndarray], metadata: dict[str, str] | None, said: str
) -> None:
    with pytest.raises(BadModule, match=said):
        unpack(save(tensors, metadata=metadata))


def test_a_shape_that_promises_more_than_there_is_allocates_nothing() -> None:
    shape = [1024, 1024, 2047, 4096]
    header = f'{{"keys":{{"dtype":"F32","shape":{shape},"data_offsets":[0,8]}},"values":{{}}}}'.encode()
    with pytest.raises(BadModule, match="damaged"):
        unpack(struct.pack("<Q", len(header)) + header + b"12345678")


@given(st.integers(0, len(SMALL) - 1), st.sampled_from([0x01, 0x10, 0x80, 0xFF]))
@settings(max_examples=200, deadline=None)
def test_any_byte_may_be_flipped(at: int, flip: int) -> None:
    try:
        found = unpack(SMALL[:at] + bytes((SMALL[at] ^ flip,)) + SMALL[at + 1 :])
    except BadModule as error:
        assert error.message.endswith(".")  # noqa: PT017 - that it is raised at all depends on the byte
    else:
        assert np.isfinite(found.keys).all()


@given(st.integers(0, len(SMALL) - 1))
@settings(max_examples=100, deadline=None)
def test_a_file_cut_short_anywhere_is_refused(length: int) -> None:
    with pytest.raises(BadModule):
        unpack(SMALL[:length])


@pytest.mark.parametrize("format", ["kobold", "mkultra"])
def test_a_format_of_rows_has_no_place_for_it(format: str, tmp_path: Path) -> None:
    """A zip for KoboldAI of a deep prefix names the way there is: distil."""
    with pytest.raises(BadUsage, match="rows of vectors") as refused:
        formats.write(DEEP, tmp_path / "noir.zip", format)
    assert "distil" in refused.value.hint
    assert not (tmp_path / "noir.zip").exists()
