"""No bytes make a reader crash, hang or answer with anything but a module or BadModule."""

from __future__ import annotations

import base64
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kobold_modules.errors import BadModule
from kobold_modules.formats import check as checking
from kobold_modules.formats import kobold, npy, plain, read, tensors
from kobold_modules.soft_prompt.deep_prefix import with_rows
from kobold_modules.soft_prompt.module import Card, Module


MODULE = Module(np.arange(6, dtype=np.float32).reshape(2, 3), Card("Small"), np.zeros((2, 3), np.float32))
OURS = kobold.pack(MODULE)


def _packed(method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("tensor.npy", npy.write_table(MODULE.vectors))
        archive.writestr("meta.json", json.dumps({"name": "Small"}))
    return out.getvalue()


ZIPS = {
    "ours": OURS,
    "deflate": _packed(zipfile.ZIP_DEFLATED),
    "bzip2": _packed(zipfile.ZIP_BZIP2),
    "lzma": _packed(zipfile.ZIP_LZMA),
}
READERS: dict[str, tuple[bytes, Callable[[bytes], Module]]] = {
    **{name: (data, lambda data: kobold.unpack(data, "x.zip")) for name, data in ZIPS.items()},
    "safetensors": (plain.pack(MODULE), lambda data: plain.unpack(data, "x.safetensors")),
}


def survives(reader: Callable[[bytes], Module], data: bytes) -> Module | None:
    try:
        module = reader(data)
    except BadModule as error:
        fault = error.message
    else:
        assert np.isfinite(module.vectors).all()
        return module
    assert fault.endswith(".")
    return None


@pytest.mark.parametrize("name", READERS)
def test_a_file_cut_short_anywhere_is_refused(name: str) -> None:
    data, reader = READERS[name]
    for length in range(len(data)):
        assert survives(reader, data[:length]) is None, length


@pytest.mark.parametrize("name", READERS)
def test_every_byte_may_be_flipped(name: str) -> None:
    data, reader = READERS[name]
    for at in range(len(data)):
        for flip in (0x01, 0x80, 0xFF):
            survives(reader, data[:at] + bytes((data[at] ^ flip,)) + data[at + 1 :])


@pytest.mark.parametrize("name", ["ours", "deflate", "bzip2", "lzma"])
def test_no_flipped_byte_changes_the_rows_unnoticed(name: str) -> None:
    data, reader = READERS[name]
    for at in range(len(data)):
        module = survives(reader, data[:at] + bytes((data[at] ^ 0x10,)) + data[at + 1 :])
        assert module is None or np.array_equal(module.vectors, MODULE.vectors), at


changes = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 3), st.binary(max_size=8)), min_size=1, max_size=6)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(sorted(READERS)), changes)
def test_bytes_may_be_overwritten_removed_and_put_in(name: str, edits: list[tuple[int, int, bytes]]) -> None:
    data, reader = READERS[name]
    for at, cut, put in edits:
        at %= len(data)
        data = data[:at] + put + data[at + cut :]
    survives(reader, data)


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from([b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"\x08\0\0\0\0\0\0\0{", b"{", b'{"tensor":"']),
    st.binary(),
)
def test_no_file_at_all_makes_reading_or_checking_crash(
    tmp_path_factory: pytest.TempPathFactory, start: bytes, rest: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile"
    path.write_bytes(start + rest)
    survives(lambda _: with_rows(read(path)), b"")
    assert checking.check(path).exit_code == 3


@settings(deadline=None, max_examples=200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    ),
    st.sampled_from(["", "name", "curve", "fingerprint", "samples", "sources", "tags", "training", "extra"]),
)
def test_no_json_in_card_or_meta_keeps_the_rows_from_loading(value: object, key: str) -> None:
    text = json.dumps({"name": "x", key: value} if key else value).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("tensor.npy", npy.write_table(MODULE.vectors))
        archive.writestr("meta.json", text)
        archive.writestr("card.json", text)
    module = kobold.unpack(out.getvalue(), "x.zip")
    assert np.array_equal(module.vectors, MODULE.vectors)
    again = kobold.unpack(kobold.pack(module), "x.zip")
    assert again.card.name == module.card.name


class Bomb:
    """Unpickling this would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_no_reader_ever_unpickles(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    bomb = pickle.dumps(Bomb(trap))
    objects = io.BytesIO()
    np.save(objects, np.array([[Bomb(trap)]], dtype=object), allow_pickle=True)
    bare = io.BytesIO()
    with zipfile.ZipFile(bare, "w") as archive:
        archive.writestr("tensor.npy", objects.getvalue())
        archive.writestr("meta.json", '{"name": "x", "description": ""}')
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text('{"peft_type": "PROMPT_TUNING"}')
    (adapter / "adapter_model.bin").write_bytes(bomb)
    mkultra_bomb = json.dumps({"metadata": {}, "tensor": base64.b64encode(bomb).decode()}).encode()
    in_torch = io.BytesIO()
    with zipfile.ZipFile(in_torch, "w") as archive:
        archive.writestr("archive/data.pkl", bomb)
    files = {
        "a.zip": bare.getvalue(),
        "b.bin": bomb,
        "c.npy": objects.getvalue(),
        "d.json": mkultra_bomb,
        "e.pt": in_torch.getvalue(),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    for name in (*files, "adapter"):
        with pytest.raises(BadModule, match="pickle"):
            read(tmp_path / name)
        assert checking.check(tmp_path / name).exit_code == 3
    assert not trap.exists()


def test_a_tensor_that_claims_a_gigabyte_is_refused_before_it_is_inflated() -> None:
    header = npy.write_table(np.ones((1, 1), np.float32))[:128].replace(b"(1, 1), }", b"(2047, 32768), }")[:128]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tensor.npy", header + b"\0" * 1000)
    with pytest.raises(BadModule, match="promises"):
        kobold.unpack(out.getvalue(), "x.zip")


@pytest.mark.parametrize(
    "header",
    [
        b'{"vectors": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 25]}}',
        b'{"vectors": {"dtype": "F32", "shape": [2, 3], "data_offsets": [24, 0]}}',
        b'{"vectors": {"dtype": "F32", "shape": [2, 3], "data_offsets": [-24, 0]}}',
        b'{"vectors": {"dtype": "F32", "shape": [2, 1e9], "data_offsets": [0, 24]}}',
        b'{"vectors": {"dtype": "F32", "shape": [99999999999, 99999999999], "data_offsets": [0, 24]}}',
        b'{"vectors": {"dtype": "F64", "shape": [1, 3], "data_offsets": [0, 24]}}',
        b'{"vectors": {"dtype": ["F32"], "shape": "23", "data_offsets": "ab"}}',
        b'{"vectors": {"dtype": "F32", "shape": [true, 6], "data_offsets": [0, 24]}}',
        b'{"vectors": 5}',
        b'{"a": {}, "b": {}}',
        b'{"__metadata__": 7}',
        b"[]",
        b"{" * 50_000,
        b"\xff{}",
    ],
)
def test_a_safetensors_header_that_lies_is_refused(header: bytes) -> None:
    data = len(header).to_bytes(8, "little") + header + b"\0" * 24
    with pytest.raises(BadModule):
        plain.unpack(data, "x.safetensors")


def test_a_header_longer_than_the_file_is_no_safetensors_file() -> None:
    assert tensors.header_length((2**62).to_bytes(8, "little") + b"{", 100) is None
