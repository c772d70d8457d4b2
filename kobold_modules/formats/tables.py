"""An array from anywhere as the rows of a module: its type, its shape, and what had to be put right."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import BadModule
from ..soft_prompt.module import MOST_ROWS, Vectors
from . import limits, npy


# NumPy's spelling of what old tools saved rows as; bfloat16 has none, and is two bytes of anything (V2).
FLOATS = {"f2": "float16", "f4": "float32", "f8": "float64"}
NARROWEST_MODEL = 256  # no model that anybody wrote fiction with had narrower rows


@dataclass(frozen=True, slots=True)
class Table:
    """Rows, float32 ``[tokens, width]``, and ``notes``: what was odd about them, each the end of a sentence."""

    rows: Vectors
    notes: tuple[str, ...] = ()


def table_of(
    raw: bytes, descr: str, shape: tuple[int, ...], label: str, *, fortran: bool = False, width: int = 0
) -> Table:
    """Return the rows in ``raw``: numbers of NumPy's type ``descr`` (or ``bfloat16``) in C order unless ``fortran``.

    Double and half precision, either order of bytes, sides of length one, and a table that lies on its side are put
    right, with a note.

    Args:
        width: of the model it is for, where that is known, else 0: it tells which side is which.

    Raises:
        BadModule: with a sentence that begins with ``label``.
    """
    import numpy as np

    notes = []
    if descr in (*npy.BFLOAT16, "bfloat16"):
        size, order = 2, "<"
    else:
        order, name = (descr[0], descr[1:]) if descr.startswith(("<", ">", "=", "|")) else ("=", descr)
        if name not in FLOATS:
            raise BadModule(npy.refusal(npy.Header((1, 0), descr, False, (1, 1), 0), label) or f"{label} is no table.")
        size = int(name[1])
    if len(raw) != math.prod(shape) * size or math.prod(shape) > limits.MOST_TENSOR // 4:
        raise BadModule(f"{label} is damaged: shape {str(shape)[:60]} needs another number of bytes than it has.")
    if descr in (*npy.BFLOAT16, "bfloat16"):
        values = (np.frombuffer(raw, "<u2").astype("<u4") << np.uint32(16)).view("<f4")
    else:
        values = np.frombuffer(raw, f"{order}f{size}")
        if size == 8:
            notes.append("its numbers have double precision, of which a module keeps half")
        if order == ">":
            notes.append("its numbers are stored high byte first")
    with np.errstate(over="ignore", invalid="ignore"):
        array = np.ascontiguousarray(values.reshape(shape, order="F" if fortran else "C"), np.float32)
    return straightened(array, label, tuple(notes), width)


def straightened(array: Vectors, label: str, notes: tuple[str, ...] = (), wanted: int = 0) -> Table:
    """Return ``array`` (float32, any shape) as a table of rows, ``wanted`` wide where that is known.

    Raises:
        BadModule: it can be none.
    """
    import numpy as np

    shape = array.shape
    if len(shape) > 2 and sum(side != 1 for side in shape[:-2]) == 0:
        array = array.reshape(shape[-2:])
        notes = (*notes, f"its shape was {_spelled(shape)}, of which the leading ones were left out")
    if array.ndim == 1:
        raise BadModule(f"{label} has one dimension; a module is a table of rows, with two.")
    if array.ndim != 2:
        raise BadModule(f"{label} has the shape {_spelled(shape)}; a module is a table of rows, with two dimensions.")
    rows, width = array.shape
    if rows != width and (rows == wanted or (width != wanted and width < NARROWEST_MODEL <= rows and rows % 64 == 0)):
        array = np.ascontiguousarray(array.T)
        notes = (*notes, f"it lay on its side, {rows} rows of {width} numbers")
        rows, width = width, rows
    if not 1 <= rows <= MOST_ROWS:
        raise BadModule(f"{label} has {rows:,} rows; a module has 1 to {MOST_ROWS} virtual tokens.")
    if not 1 <= width <= limits.WIDEST:
        raise BadModule(f"{label} has rows {width:,} wide, which no model has.")
    return Table(array, notes)


def _spelled(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape[:8])) or "a single number"
