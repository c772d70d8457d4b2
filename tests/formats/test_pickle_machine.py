"""The pickle machine: plain values and tensors' places are built, everything else ends in one sentence."""

from __future__ import annotations

import pickle
import re

import pytest

from kobold_modules.errors import BadModule
from kobold_modules.formats.pickle_machine import PickleMachine, Storage, Tensor


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_come_out_as_they_went_in(protocol: int) -> None:
    value = {"a": [1, 2.5, "x", None, (True, False)], "b": {"c": ()}, "d": (1, 2, 3, 2**70), "e": [], "f": b"\xe9"}
    data = pickle.dumps(value, protocol)
    assert PickleMachine("x").run(b"before" + data + b"behind", len(b"before")) == (value, len(b"before" + data))


def test_a_tensor_is_where_its_numbers_lie() -> None:
    program = (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nHalfStorage\nU\x010U\x03cpuK\x08tQ"
        b"K\x02(K\x03K\x02t(K\x02K\x01t\x89NtR."
    )
    assert PickleMachine("x").run(program)[0] == Tensor(Storage("0", "<f2", 2, 8), 2, (3, 2), (2, 1))


@pytest.mark.parametrize(
    "program",
    [
        b"",
        b"\x80\x04.",
        b"\x80\x04h\x05.",
        b"\x80\x04K\x01\x86.",
        b"\x80\x04}K\x01s.",
        b"\x80\x04X\xff\xff\xff\x7f.",
        b"\x80\x04Q.",
        b"\x80\x04ctorch._utils\n_rebuild_tensor_v2\n)R.",
        b"\x80\x04ctorch._utils\n_rebuild_tensor_v2\n(NNNNNNtR.",
        b"\x80\x04ccollections\nOrderedDict\nK\x01\x85R.",
        b"\x80\x04ctorch.storage\n_load_from_bytes\nC\x01x\x85R.",
        b"\x80\x04" + b"]" * 50,
        b"\x80\x04cposix\nsystem\n.",
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93.",
        b"\x80\x04" + b"K\x01" * 250_000 + b".",
        b"\x80\x04" + b"]" + b"\x94" * 110_000 + b".",
    ],
)
def test_a_program_that_makes_no_value_is_one_sentence(program: bytes) -> None:
    with pytest.raises(BadModule):
        PickleMachine("x").run(program)


@pytest.mark.parametrize(
    ("program", "named"),
    [
        (b"S'a\\q'\n.", "STRING"),
        (b"(ia\\q\nb\\q\n.", "INST"),
        (b"Pa\\q\n.", "PERSID"),
        (b"ca\\q\nb\\q\n.", r"a\q.b\q"),
    ],
    ids=["text", "instance", "persistent id", "name"],
)
def test_escapes_of_a_stranger_are_never_decoded(program: bytes, named: str) -> None:
    """Python warns of the ones it does not know, and a warning is an error here."""
    with pytest.raises(BadModule, match=re.escape(f"more than numbers ({named})")):
        PickleMachine("x").run(program)


def test_a_program_without_an_end_is_cut_short() -> None:
    with pytest.raises(BadModule, match="cut short"):
        PickleMachine("x").run(b"\x80\x04]")
