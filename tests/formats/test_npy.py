"""NumPy array files: ours are numpy's own, and no header makes us allocate, evaluate or hang."""

from __future__ import annotations

import io
import struct
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kobold_modules.errors import BadModule
from kobold_modules.formats import npy


def with_header(text: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    raw = text.encode("latin-1")
    return npy.MAGIC + version + struct.pack("<H" if version == b"\x01\x00" else "<I", len(raw)) + raw + data


GOOD = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n"
tables = arrays.arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 12)))


@settings(deadline=None, max_examples=60)
@given(tables)
def test_what_we_write_is_what_numpy_writes(table: np.ndarray) -> None:
    out = io.BytesIO()
    np.lib.format.write_array(out, table.astype("<f4"), version=(1, 0))
    ours = npy.write_table(table)
    header = npy.read_header(ours, "x")
    assert ours[header.start :] == table.tobytes()
    assert np.load(io.BytesIO(ours), allow_pickle=False).tobytes() == table.tobytes()
    assert npy.read_table(out.getvalue(), "x").tobytes() == table.tobytes()


@settings(deadline=None, max_examples=60)
@given(tables, st.sampled_from([(1, 0), (2, 0), (3, 0)]), st.booleans(), st.booleans())
def test_whatever_numpy_writes_we_read(table: np.ndarray, version: tuple[int, int], fortran: bool, half: bool) -> None:
    with np.errstate(over="ignore"):
        table = np.array(table, dtype="<f2" if half else "<f4", order="F" if fortran else "C")
    out = io.BytesIO()
    np.lib.format.write_array(out, table, version=version)
    read = npy.read_table(out.getvalue(), "x")
    assert read.dtype == np.float32
    assert read.flags.c_contiguous
    assert np.array_equal(read, table.astype(np.float32), equal_nan=True)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "{'shape': (2, 3), 'descr': '<f4', 'fortran_order': False}",
        '{"descr":"<f4","fortran_order":False,"shape":(2,3)}',
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L)}",
        "  {  'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 2 , 3 , ) , }  \n",
    ],
)
def test_the_header_may_be_spelled_in_any_way_python_would(text: str) -> None:
    header = npy.read_header(with_header(text), "x")
    assert (header.kind, header.fortran, header.shape) == ("float32", False, (2, 3))


@pytest.mark.parametrize("descr", ["|V2", "<V2", "V2"])
def test_each_spelling_of_bfloat16_is_known(descr: str) -> None:
    data = with_header(f"{{'descr': '{descr}', 'fortran_order': False, 'shape': (1, 1)}}", b"\x80\x3f")
    assert npy.read_table(data, "x").tolist() == [[1.0]]


@pytest.mark.parametrize(
    "text",
    [
        "    ",
        "{}",
        "[]",
        "{'descr': '<f4', 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, -3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3.0)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [2, 3]}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1}",
        "{'descr': '<f4', 'descr': '<f2', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 5000 + ", 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1," * 4000 + ")}",
    ],
)
def test_other_headers_are_refused(text: str) -> None:
    with pytest.raises(BadModule, match="header that NumPy would not write"):
        npy.read_header(with_header(text), "x")


@pytest.mark.parametrize("filler", ["1", " ", "(", "1,", "1 ", "'", "[", "L"])
def test_no_header_takes_long_to_refuse(filler: str) -> None:
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + (filler * 9000)[:9000]
    started = time.process_time()
    with pytest.raises(BadModule):
        npy.read_table(with_header(text + "x)}"), "x")
    assert time.process_time() - started < 1


def test_a_shape_is_compared_with_the_bytes_before_anything_is_allocated() -> None:
    for shape in ((2, 4), (10**17, 10**17), (0, 5), (2, 2)):
        text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
        with pytest.raises(BadModule, match="promises"):
            npy.read_table(with_header(text, b"\0" * 24), "x")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a NumPy array file"),
        (b"\x93NUMPY\x01\x00", "not a NumPy array file"),
        (with_header(GOOD)[:40], "cut short"),
        (npy.MAGIC + b"\x04\x00" + b"\0" * 20, "version 4.0"),
        (npy.MAGIC + b"\x02\x00\xff\xff\xff\xff" + b"x" * 20, "header of 4,294,967,295 bytes"),
    ],
)
def test_broken_files_are_refused_in_a_sentence(data: bytes, words: str) -> None:
    with pytest.raises(BadModule, match=words):
        npy.read_table(data, "x")
