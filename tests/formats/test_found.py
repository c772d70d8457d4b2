"""Years-old soft prompts as they lie about: every form is read, and what was odd about it is said."""

from __future__ import annotations

import base64
import io
import json
import pickle
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobold_modules.errors import BadModule
from kobold_modules.formats import kobold, limits, npy, plain, read, read_found
from kobold_modules.formats.found import found_in_bytes
from kobold_modules.soft_prompt.deep_prefix import with_rows
from kobold_modules.soft_prompt.module import Card, Module


ROWS = np.random.default_rng(1).normal(size=(20, 768)).astype(np.float32)  # GPT-2's width, as many of them were
META = json.dumps({"name": "Old", "description": "d", "author": "A", "supported": ["GPT-2"]})


def saved(array: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array, **options)
    return out.getvalue()


def zipped(members: Mapping[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def archived(make: Callable[..., None], **arrays: np.ndarray) -> bytes:
    out = io.BytesIO()
    make(out, **arrays)
    return out.getvalue()


@pytest.mark.parametrize("descr", ["<f4", "<f2", ">f4", ">f2", "<f8", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("leading", [(), (1,), (1, 1)])
def test_an_array_of_any_precision_order_and_leading_ones(descr: str, order: str, leading: tuple[int, ...]) -> None:
    array = np.array(ROWS.astype(descr).reshape(*leading, *ROWS.shape), order=order)  # type: ignore[call-overload]
    for data, label in ((saved(array), "x.npy"), (zipped({"tensor.npy": saved(array), "meta.json": META}), "x.zip")):
        found = found_in_bytes(data, label)
        assert np.array_equal(with_rows(found.module).vectors, ROWS.astype(descr).astype(np.float32))
        assert any("double precision" in note for note in found.notes) == (descr[1:] == "f8")
        assert any("high byte" in note for note in found.notes) == (descr[0] == ">")
        assert any("leading ones" in note for note in found.notes) == bool(leading)
    assert found.module.card.name == "Old"


def test_bfloat16_is_two_bytes_of_anything() -> None:
    bits = (ROWS.view("<u4") >> 16).astype("<u2")
    found = found_in_bytes(saved(bits.view("V2")), "x.npy")
    assert np.array_equal(with_rows(found.module).vectors, (bits.astype("<u4") << 16).view("<f4"))


def test_a_table_on_its_side_is_told_by_the_width_of_models() -> None:
    found = found_in_bytes(saved(ROWS.T), "x.npy")
    assert np.array_equal(with_rows(found.module).vectors, ROWS)
    assert "on its side" in found.notes[0]
    upright = np.ones((64, 32), np.float32)
    assert with_rows(found_in_bytes(saved(upright), "x.npy").module).vectors.shape == (64, 32)
    assert with_rows(found_in_bytes(saved(upright), "x.npy", width=64).module).vectors.shape == (32, 64)
    assert found_in_bytes(saved(np.ones((300, 768), np.float32)), "x.npy").module.tokens == 300


@pytest.mark.parametrize("make", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("name", ["tensor", "arr_0", "prompt_embeddings", "anything"])
def test_npz_of_any_name(make: Callable[..., None], name: str) -> None:
    assert np.array_equal(with_rows(found_in_bytes(archived(make, **{name: ROWS}), "x.npz").module).vectors, ROWS)


def test_a_training_state_of_mtj_gives_its_tensor_and_opens_no_pickle() -> None:
    out = io.BytesIO()
    state = np.array({"m": 1}, dtype=object)
    np.savez_compressed(out, tensor=ROWS, opt_state=state, step=np.int64(5), allow_pickle=True)
    assert np.array_equal(with_rows(found_in_bytes(out.getvalue(), "x.mtjsp").module).vectors, ROWS)


@pytest.mark.parametrize(
    "name", ["soft/tensor.npy", "./tensor.npy", "soft\\tensor.npy", "Tensor.npy", "TENSOR.NPY", "a/b/c/Tensor.Npy"]
)
def test_a_table_in_a_folder_or_of_another_case(name: str) -> None:
    folder = name.replace("\\", "/").rpartition("/")[0]
    meta = f"{folder}/meta.json" if folder not in ("", ".") else "meta.json"
    found = found_in_bytes(zipped({name: saved(ROWS), meta: META}), "x.zip")
    assert np.array_equal(with_rows(found.module).vectors, ROWS)
    assert found.module.card.name == "Old"
    assert "is called" in found.notes[0]


def test_a_zip_in_a_zip(tmp_path: Path) -> None:
    inner = zipped({"tensor.npy": saved(ROWS), "meta.json": META})
    for outer in (zipped({"old.zip": inner}), zipped({"a/b/old.zip": inner, "readme.txt": "x"})):
        found = found_in_bytes(outer, "x.zip")
        assert np.array_equal(with_rows(found.module).vectors, ROWS)
        assert "old.zip" in found.notes[0]
    deep = inner
    for _ in range(limits.MOST_NESTING + 1):
        deep = zipped({"old.zip": deep})
    with pytest.raises(BadModule):
        found_in_bytes(deep, "x.zip")


def test_two_modules_in_one_zip_are_told_apart_by_unpacking() -> None:
    inner = zipped({"tensor.npy": saved(ROWS), "meta.json": META})
    for members in ({"a.zip": inner, "b.zip": inner}, {"a/tensor.npy": saved(ROWS), "b/tensor.npy": saved(ROWS)}):
        with pytest.raises(BadModule, match="holds 2 modules") as caught:
            found_in_bytes(zipped(members), "x.zip")
        assert "Unpack" in caught.value.hint


def test_an_unpacked_folder(tmp_path: Path) -> None:
    (tmp_path / "Tensor.npy").write_bytes(saved(ROWS.astype("<f8")))
    (tmp_path / "META.json").write_text(META)
    found = read_found(tmp_path)
    assert np.array_equal(with_rows(found.module).vectors, ROWS)
    assert found.module.card.name == "Old"
    assert found.notes[0] == "it is an unpacked folder"


def test_bytes_in_front_of_a_zip(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(
        b"HTTP/1.1 200 OK\r\n\r\n" + zipped({"tensor.npy": saved(ROWS), "meta.json": META})
    )
    found = read_found(tmp_path / "x.zip")
    assert np.array_equal(with_rows(found.module).vectors, ROWS)
    assert found.notes == ("bytes stood in front of the zip",)


def test_a_card_and_a_start_stay_with_a_table_that_was_put_right(tmp_path: Path) -> None:
    module = Module(ROWS, Card("noir", author="A"), ROWS * np.float32(0.5))
    with zipfile.ZipFile(io.BytesIO(kobold.pack(module))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["tensor.npy"] = saved(ROWS.astype("<f8"))
    found = found_in_bytes(zipped(members), "x.zip")
    assert found.module.card == module.card
    assert np.array_equal(with_rows(found.module).initial, module.initial)  # type: ignore[arg-type]


# -- Sukima --


def sukima(data: bytes, **more: Any) -> bytes:
    packed = base64.b64encode(zlib.compress(data)).decode()
    return json.dumps({"name": "S", "description": "d", "public": True, "steps": 9, "data": packed} | more).encode()


HALF = ROWS.astype("<f2")


def test_sukima_is_as_wide_as_the_model_it_names() -> None:
    found = found_in_bytes(sukima(HALF.tobytes(), model="gpt2", loss=3.1), "s.json")
    assert np.array_equal(with_rows(found.module).vectors, HALF.astype(np.float32))
    assert (found.format, found.module.card.name, found.module.card.model) == ("sukima", "S", "gpt2")
    assert found.module.card.training == {"steps": 9, "loss": 3.1}


def test_sukima_of_an_unknown_model_asks_for_the_width() -> None:
    data = sukima(HALF.tobytes(), model="my-model")
    with pytest.raises(BadModule, match="how wide") as caught:
        found_in_bytes(data, "s.json")
    assert "--width" in caught.value.hint
    assert found_in_bytes(data, "s.json", width=768).module.tokens == 20


@pytest.mark.parametrize("inside", [saved(HALF)], ids=["npy"])
def test_sukima_with_an_array_inside(inside: bytes) -> None:
    found = found_in_bytes(sukima(inside, model="?"), "s.json")
    assert np.array_equal(with_rows(found.module).vectors, HALF.astype(np.float32))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (sukima(b"abc", model="gpt2"), "no rows of 768"),
        (sukima(b"", model="gpt2"), "no rows of 768"),
        (json.dumps({"model": "gpt2", "data": "!!!"}).encode(), "not base64"),
        (json.dumps({"model": "gpt2", "data": base64.b64encode(b"zzzz").decode()}).encode(), "does not unpack"),
        (json.dumps({"model": "gpt2", "data": "QQ"}).encode(), "not base64"),
    ],
)
def test_damaged_sukima_is_a_sentence(data: bytes, words: str) -> None:
    with pytest.raises(BadModule, match=words):
        found_in_bytes(data, "s.json")


def test_a_sukima_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_UNPACKED", 1 << 16)
    with pytest.raises(BadModule, match="more numbers than any module"):
        found_in_bytes(sukima(b"\0" * (1 << 20), model="gpt2"), "s.json")


# -- NovelAI --


def test_a_novelai_module_says_what_it_is_and_why_it_cannot_be_read(tmp_path: Path) -> None:
    said = {"moduleVersion": 1, "name": "Noir\x1b[2J", "description": "wet", "model": "euterpe-v2", "steps": 2000}
    (tmp_path / "x.module").write_text(json.dumps(said | {"data": "AAAA"}))
    with pytest.raises(BadModule) as caught:
        read(tmp_path / "x.module")
    assert caught.value.message.startswith("x.module is a NovelAI module “Noir[2J” for euterpe-v2, 2,000 steps (wet).")
    assert "never published" in caught.value.message
    assert caught.value.hint.startswith("Train")


@pytest.mark.parametrize(
    "said", [{}, {"name": ["x"], "steps": "many"}, {"steps": 10**400}, {"model": {"a": 1}, "description": None}]
)
def test_a_novelai_module_that_says_nonsense_is_still_named(said: dict[str, Any]) -> None:
    with pytest.raises(BadModule, match="is a NovelAI module"):
        found_in_bytes(json.dumps({"moduleVersion": 1} | said).encode(), "x.module")


# -- what is none --


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (saved(np.ones(5, np.float32)), "one dimension"),
        (saved(np.ones((2, 3, 4), np.float32)), "2 x 3 x 4"),
        (saved(np.ones((3000, 4), np.float32)), "3,000 rows"),
        (saved(np.ones((2, 0), np.float32)), "0 wide|needs another"),
        (saved(np.ones((2, 3), np.int64)), "<i8"),
        (saved(np.ones((2, 3), np.complex64)), "<c8"),
        (saved(np.full((2, 3), np.nan, np.float32)), "NaN"),
        (saved(np.full((2, 3), 1e300)), "infinity"),
        (saved(ROWS)[:-4], "damaged"),
        (saved(np.array([["a"]])), "<U1"),
        (zipped({"notes.txt": "x"}), "zip without tensor.npy"),
        (zipped({"a.npy": saved(ROWS), "b.npy": saved(ROWS)}), "2 arrays"),
        (b"[1, 2]", "no format"),
        (b"", "no format"),
    ],
)
def test_what_is_no_module_is_one_sentence(data: bytes, words: str) -> None:
    with pytest.raises(BadModule, match=words) as caught:
        found_in_bytes(data, "x")
    assert "Traceback" not in caught.value.message


def test_a_safetensors_file_is_found_too() -> None:
    module = Module(ROWS, Card("noir"))
    assert found_in_bytes(plain.pack(module), "x").module.card.name == "noir"


def test_a_pickled_numpy_array_is_not_opened() -> None:
    with pytest.raises(BadModule, match="more than numbers"):
        found_in_bytes(pickle.dumps(ROWS), "x.bin")


def test_a_header_that_promises_more_than_a_module_is_refused_before_it_is_read() -> None:
    header = npy.write_table(np.ones((1, 1), np.float32))[:128].replace(b"(1, 1), }      ", b"(99999, 99999), }")[:128]
    with pytest.raises(BadModule, match="damaged"):
        found_in_bytes(header + b"\0" * 64, "x.npy")
