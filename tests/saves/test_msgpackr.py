"""MessagePack from a stranger: what msgpackr writes is read, and nothing else, and never beyond its size."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.saves.msgpackr import decode
from tests.saves.msgpackr_bytes import bundled, packed, record


def test_plain_values() -> None:
    value = {"a": [1, 200, -3, -300, 70000, 2**40, 1.5, True, False, None, "x" * 40, "y" * 300, b"z"], "": {}}
    assert decode(packed(value)) == value


def test_a_record_gives_its_names_once() -> None:
    first = record(0x41, ["type", "text"], [packed(1), packed("one")], define=True)
    second = record(0x41, ["type", "text"], [packed(2), packed("two")])
    assert decode(b"\x92" + first + second) == [{"type": 1, "text": "one"}, {"type": 2, "text": "two"}]


def test_bundled_strings_are_cut_as_javascript_counts() -> None:
    assert decode(bundled(["sections", "Zoë 🙂 left", "order", "雨"])) == ["sections", "Zoë 🙂 left", "order", "雨"]


def test_a_class_of_the_programs_own_is_what_it_holds() -> None:
    assert decode(b"\xd4\x14\x00" + packed({"a": 1})) == {"a": 1}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x92\x01",  # two items promised, one there
        b"\xdd\xff\xff\xff\xff",  # four thousand million items
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\x91" * 500 + b"\x01",  # too deep
        b"\xc1\x05",  # a bundled string without a bundle
        b"\xd6b" + struct.pack(">I", 9999) + b"\x01",
        b"\xd4\x50\x07\x01",  # no extension that is known
        b"\xa2\xff\xff",  # no UTF-8
    ],
)
def test_malformed_bytes_are_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(data)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_value_error(data: bytes) -> None:
    with suppress(ValueError):
        decode(data)
