"""What the three KoboldAI-side loaders accept, as it was found by running them, against what ``check`` says.

Client and United with Python 3.8 and NumPy 1.24, text-generation-webui of June 2023. ``ok`` means that the program
loads the file and lists it, and anything else is how it fails. ``check`` calls bad what Client or United refuse, and
warns of what only text-generation-webui does.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobold_modules.formats import kobold, read_found
from kobold_modules.formats.check import check
from kobold_modules.soft_prompt.deep_prefix import with_rows
from kobold_modules.soft_prompt.fingerprint import Fingerprint


META: dict[str, Any] = {"name": "n", "description": "d", "author": "a", "supported": ["s"]}
ROWS = np.random.default_rng(5).normal(size=(3, 4)).astype(np.float32)


def npy(array: np.ndarray, version: tuple[int, int] = (1, 0)) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version)
    return out.getvalue()


def pack(tensor: bytes | None, meta: Any = META, method: int = zipfile.ZIP_STORED, **options: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        members = [("tensor.npy", tensor), ("meta.json", meta if isinstance(meta, str | bytes) else json.dumps(meta))]
        if meta is None:
            members.pop()
        for name, content in reversed(members) if options.get("meta_first") else members:
            if content is not None:
                archive.writestr(options.get("names", {}).get(name, name), content)
        for name in options.get("more", ()):
            archive.writestr(name, "x")
    return out.getvalue()


def changed(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in (META | changes).items() if value is not ...}


def file(make: Callable[..., bytes], *arguments: Any, **options: Any) -> Callable[[], bytes]:
    return lambda: make(*arguments, **options)


WRONG = npy(ROWS)
MATRIX: dict[str, tuple[Callable[[], bytes], str, str, str]] = {
    # what: (file, Client, United, text-generation-webui)
    "float32": (file(pack, npy(ROWS)), "ok", "ok", "ok"),
    "deflate": (file(pack, npy(ROWS), method=zipfile.ZIP_DEFLATED), "ok", "ok", "ok"),
    "bzip2": (file(pack, npy(ROWS), method=zipfile.ZIP_BZIP2), "ok", "ok", "ok"),
    "lzma": (file(pack, npy(ROWS), method=zipfile.ZIP_LZMA), "ok", "ok", "ok"),
    "npy 2.0": (file(pack, npy(ROWS, (2, 0))), "ok", "ok", "ok"),
    "npy 3.0": (file(pack, npy(ROWS, (3, 0))), "ok", "ok", "ok"),
    "fortran": (file(pack, npy(np.asfortranarray(ROWS))), "ok", "ok", "ok"),
    "meta first": (file(pack, npy(ROWS), meta_first=True), "ok", "ok", "ok"),
    "extra members": (file(pack, npy(ROWS), more=("readme.txt",)), "ok", "ok", "ok"),
    "float16": (file(pack, npy(ROWS.astype("<f2"))), "ok", "ok", "ok"),
    "bfloat16": (file(pack, npy((ROWS.view("<u4") >> 16).astype("<u2").view("V2"))), "ok", "ok", "TypeError"),
    "float64": (file(pack, npy(ROWS.astype("<f8"))), "2", "2", "ok"),
    "int8": (file(pack, npy(ROWS.astype("<i1"))), "2", "2", "ok"),
    "uint16": (file(pack, npy(ROWS.astype("<u2"))), "2", "2", "ok"),
    "big-endian": (file(pack, npy(ROWS.astype(">f4"))), "2", "2", "ValueError"),
    "1-D": (file(pack, npy(ROWS[0])), "1", "1", "error"),
    "3-D": (file(pack, npy(ROWS[None])), "1", "1", "error"),
    "folder": (file(pack, npy(ROWS), names={"tensor.npy": "a/tensor.npy"}), "1", "1", "error"),
    "other case": (file(pack, npy(ROWS), names={"tensor.npy": "Tensor.npy"}), "1", "1", "error"),
    "2047 rows": (file(pack, npy(np.ones((2047, 4), np.float32))), "ok", "ok", "ok"),
    "2048 rows": (file(pack, npy(np.ones((2048, 4), np.float32))), "4", "4", "ok"),
    "0 rows": (file(pack, npy(np.ones((0, 4), np.float32))), "breaks", "breaks", "ok"),
    "wrong width": (file(pack, npy(np.ones((3, 5), np.float32))), "3", "3", "fails later"),
    "NaN": (file(pack, npy(np.full((3, 4), np.nan, np.float32))), "AssertionError", "AssertionError", "ok"),
    "no meta": (file(pack, npy(ROWS), None), "KeyError", "KeyError", "KeyError"),
    "no name": (file(pack, npy(ROWS), changed(name=...)), "ok", "KeyError", "upload fails"),
    "no description": (file(pack, npy(ROWS), changed(description=...)), "ok", "list breaks", "ok"),
    "no author": (file(pack, npy(ROWS), changed(author=...)), "ok", "ok", "ok"),
    "no supported": (file(pack, npy(ROWS), changed(supported=...)), "ok", "ok", "ok"),
    "supported as text": (file(pack, npy(ROWS), changed(supported="s")), "ok", "ok", "ok"),
    "author list": (file(pack, npy(ROWS), changed(author=["a", "b"])), "ok", "ok", "ok"),
    "extra keys": (file(pack, npy(ROWS), changed(more="x")), "ok", "ok", "ok"),
    "name a number": (file(pack, npy(ROWS), changed(name=5)), "list breaks", "ok", "ok"),
    "description a list": (file(pack, npy(ROWS), changed(description=["d"])), "list breaks", "ok", "ok"),
    "extra list of numbers": (file(pack, npy(ROWS), changed(more=[1])), "ok", "ok", "TypeError"),
    "meta a list": (file(pack, npy(ROWS), "[]"), "error", "error", "error"),
    "meta null": (file(pack, npy(ROWS), "null"), "error", "error", "error"),
    "name with a slash": (file(pack, npy(ROWS), changed(name="a/b")), "ok", "ok", "upload fails"),
    "byte order mark": (
        file(pack, npy(ROWS), b"\xef\xbb\xbf" + json.dumps(META).encode()),
        "ok",
        "ok",
        "JSONDecodeError",
    ),
    "bytes before": (lambda: b"\r\n" + pack(npy(ROWS)), "fails", "fails", "ok"),
    "cut short": (lambda: pack(npy(ROWS))[:-30], "fails", "fails", "fails"),
    "bad checksum": (lambda: pack(npy(ROWS)).replace(ROWS.tobytes(), bytes(48)), "fails", "fails", "fails"),
}
UNREADABLE = {"int8", "uint16", "1-D", "2048 rows", "0 rows", "NaN", "cut short", "bad checksum"}


@pytest.mark.parametrize("what", MATRIX)
def test_check_says_what_the_loaders_do(what: str, tmp_path: Path) -> None:
    make, client, united, webui = MATRIX[what]
    (tmp_path / "n.zip").write_bytes(make())
    result = check(tmp_path / "n.zip", Fingerprint(100, 4), "the model")
    levels = {finding.level for finding in result.findings}
    refused = client != "ok" or united != "ok"
    assert ("bad" in levels) == refused, [finding.sentence for finding in result.findings]
    if not refused and webui != "ok":
        assert "warn" in levels
    if not refused and what not in ("name with a slash", "bfloat16", "extra list of numbers", "byte order mark"):
        assert levels <= {"ok", "warn"}


@pytest.mark.parametrize("what", [what for what in MATRIX if what not in UNREADABLE])
def test_what_can_be_read_at_all_is_exported_as_all_three_load_it(what: str, tmp_path: Path) -> None:
    (tmp_path / "n.zip").write_bytes(MATRIX[what][0]())
    found = read_found(tmp_path / "n.zip")
    kobold.write(with_rows(found.module), tmp_path / "fixed.zip")
    assert {finding.level for finding in check(tmp_path / "fixed.zip").findings} <= {"ok", "warn"}
    with zipfile.ZipFile(tmp_path / "fixed.zip") as archive:
        table = np.load(io.BytesIO(archive.read("tensor.npy")), allow_pickle=False)
        meta = json.loads(archive.read("meta.json").decode("ascii"))
    assert (table.dtype.str, table.flags.c_contiguous, table.ndim) == ("<f4", True, 2)
    assert isinstance(meta["name"], str)
    assert meta["name"]
    assert isinstance(meta["description"], str)
    assert all(isinstance(item, str) for item in meta["supported"])


@pytest.mark.parametrize("what", sorted(UNREADABLE))
def test_what_cannot_be_read_is_no_module(what: str, tmp_path: Path) -> None:
    (tmp_path / "n.zip").write_bytes(MATRIX[what][0]())
    assert check(tmp_path / "n.zip", Fingerprint(100, 4)).module is None
