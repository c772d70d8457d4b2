"""The KoboldAI zip: the exact bytes we write, what comes back, and the zips that strangers made."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kobold_modules.errors import BadModule, BadUsage
from kobold_modules.formats import kobold
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.module import MOST_ROWS, Card, Module


def opened(data: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(data))


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def npy(table: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, table, version=version, allow_pickle=True)
    return out.getvalue()


META = b'{"name": "Noir", "description": "Rain", "author": "Someone", "supported": ["Generic 6B"]}'
ROWS = np.arange(12, dtype=np.float32).reshape(3, 4)


# -- what we write


def test_tensor_npy_is_version_1_little_endian_float32_in_c_order(noir: Module) -> None:
    tensor = opened(kobold.pack(noir)).read("tensor.npy")
    assert tensor[:8] == b"\x93NUMPY\x01\x00"
    length = int.from_bytes(tensor[8:10], "little")
    assert (10 + length) % 64 == 0
    header = tensor[10 : 10 + length]
    assert header.rstrip(b" \n") == b"{'descr': '<f4', 'fortran_order': False, 'shape': (5, 8), }"
    assert header.endswith(b"\n")
    assert tensor[10 + length :] == noir.vectors.tobytes()


def test_numpy_itself_reads_the_tensor_without_pickle(noir: Module) -> None:
    table = np.load(io.BytesIO(opened(kobold.pack(noir)).read("tensor.npy")), allow_pickle=False)
    assert table.dtype == np.dtype("<f4")
    assert np.array_equal(table, noir.vectors)


def test_the_zip_begins_with_a_local_header_and_holds_these_members_stored(noir: Module) -> None:
    data = kobold.pack(noir)
    assert data[:4] == b"PK\x03\x04"
    archive = opened(data)
    assert archive.namelist() == ["tensor.npy", "meta.json", "card.json", "initial.npy"]
    assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    assert archive.testzip() is None


def test_a_module_without_a_start_has_no_initial_npy(noir: Module) -> None:
    assert "initial.npy" not in opened(kobold.pack(Module(noir.vectors, noir.card))).namelist()


def test_meta_json_is_an_ascii_object_of_texts_and_one_list_of_texts(noir: Module) -> None:
    raw = opened(kobold.pack(noir)).read("meta.json")
    assert raw.isascii()
    assert raw.startswith(b"{")
    meta = json.loads(raw)
    assert set(meta) == {"name", "description", "author", "supported"}
    assert all(isinstance(meta[key], str) for key in ("name", "description", "author"))
    assert meta["supported"] == ["starter"]
    assert meta["description"] == noir.card.description


def test_the_visible_name_and_author_hold_nothing_that_breaks_a_page_or_a_file_name(noir: Module) -> None:
    meta = json.loads(opened(kobold.pack(noir)).read("meta.json"))
    assert meta["name"] == "Noir “Rain” Ash"
    assert meta["author"] == "R. O’Neil"


@given(st.text())
def test_any_text_becomes_a_harmless_name(text: str) -> None:
    plain = kobold.plain_name(text)
    assert not set(plain) & set("\"'<>&/\\:*?|\n\r\t\0")
    assert len(plain) <= 120
    assert plain == plain.strip()


@pytest.mark.parametrize("author", ["Neil Jr.", "Анна Б.", "...", "J. R. R."])
def test_the_dots_of_an_author_stay(author: str) -> None:
    """F20."""
    assert kobold.meta_of(Card("x", author=author))["author"] == author


def test_a_name_of_nothing_but_markup_still_is_a_name() -> None:
    module = Module(ROWS, Card('<>"/'))
    assert kobold.meta_of(module.card)["name"] == "module"


def test_equal_modules_make_equal_files(noir: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    again = Module(noir.vectors.copy(), Card.from_dict(noir.card.to_dict()), noir.initial)
    once = kobold.pack(noir)
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert kobold.pack(again) == once


def test_a_wider_table_than_any_reader_takes_is_not_written() -> None:
    with pytest.raises(BadUsage, match="wide"):
        kobold.pack(Module(np.ones((1, 40_000), np.float32), Card("Wide")))


# -- what comes back


def test_a_module_comes_back_whole(noir: Module, tmp_path: Path) -> None:
    kobold.write(noir, tmp_path / "noir.zip")
    back = kobold.read(tmp_path / "noir.zip")
    assert back.card == noir.card
    assert back.vectors.tobytes() == noir.vectors.tobytes()
    assert back.initial is not None
    assert noir.initial is not None
    assert back.initial.tobytes() == noir.initial.tobytes()


tables = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
)
words = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\u2028\u2029"), max_size=40)
printed = words.map(lambda text: "".join(c for c in text if not 0x202A <= ord(c) <= 0x2069))
names = printed.map(lambda text: " ".join(text.split())).filter(bool)


@settings(deadline=None, max_examples=60)
@given(tables, names, printed, st.sampled_from(["style", "world", "imported"]), st.lists(names, max_size=3))
def test_every_module_comes_back_bit_for_bit(
    table: np.ndarray, name: str, description: str, kind: str, tags: list[str]
) -> None:
    module = Module(table, Card(name, kind, description, tags=tuple(tags)))  # type: ignore[arg-type]
    back = kobold.unpack(kobold.pack(module), "x.zip")
    assert back.vectors.tobytes() == table.tobytes()
    assert back.card == module.card
    assert kobold.pack(back) == kobold.pack(module)


def test_negative_zero_and_the_smallest_numbers_survive() -> None:
    table = np.array([[-0.0, 1e-45, np.finfo(np.float32).max, -np.finfo(np.float32).tiny]], dtype=np.float32)
    back = kobold.unpack(kobold.pack(Module(table, Card("Edge"))), "x.zip")
    assert back.vectors.tobytes() == table.tobytes()


def test_2047_rows_are_a_module_and_2048_are_not() -> None:
    meta = {"meta.json": META}
    most = kobold.unpack(zipped({"tensor.npy": npy(np.ones((MOST_ROWS, 2), "<f4")), **meta}), "x.zip")
    assert most.tokens == 2047
    with pytest.raises(BadModule, match="2,048 rows"):
        kobold.unpack(zipped({"tensor.npy": npy(np.ones((2048, 2), "<f4")), **meta}), "x.zip")
    with pytest.raises(BadModule, match="0 rows"):
        kobold.unpack(zipped({"tensor.npy": npy(np.ones((0, 2), "<f4")), **meta}), "x.zip")


def test_nan_in_our_measurements_does_not_cost_the_card(noir: Module) -> None:
    module = noir.with_card(measured={"a": float("nan")}, curve=((1, float("inf")), (2, 3.0)))
    back = kobold.unpack(kobold.pack(module), "x.zip")
    assert back.card.measured == {}
    assert back.card.curve == ((2, 3.0),)
    assert back.card.fingerprint == noir.card.fingerprint


# -- what strangers wrote


METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize("method", METHODS)
def test_all_four_ways_of_packing_are_read(method: int) -> None:
    module = kobold.unpack(zipped({"meta.json": META, "tensor.npy": npy(ROWS), "other.txt": b"x"}, method), "x.zip")
    assert np.array_equal(module.vectors, ROWS)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_all_three_npy_versions_and_both_orders_are_read(version: tuple[int, int], order: str) -> None:
    tensor = npy(np.array(ROWS, order=order), version)  # type: ignore[call-overload]
    assert np.array_equal(kobold.unpack(zipped({"tensor.npy": tensor, "meta.json": META}), "x").vectors, ROWS)


def test_half_precision_is_read_exactly() -> None:
    halves = np.array([[1.5, -0.1, 6e-8, 65504.0]], dtype="<f2")
    assert np.array_equal(kobold.unpack(zipped({"tensor.npy": npy(halves)}), "x").vectors, halves.astype(np.float32))


def test_two_raw_bytes_are_bfloat16() -> None:
    bits = np.array([[0x3F80, 0xC0A0, 0x0001]], dtype="<u2")  # 1, -5, and the smallest there is
    module = kobold.unpack(zipped({"tensor.npy": npy(bits.view("V2"))}), "x.zip")
    assert module.vectors.tolist() == [[1.0, -5.0, float(np.array(0x10000, "<u4").view("<f4"))]]


def test_meta_json_makes_an_imported_card() -> None:
    meta = json.dumps({**json.loads(META), "author": ["A", "B"], "n_tokens": 20, "seen": [1]}).encode()
    card = kobold.unpack(zipped({"tensor.npy": npy(ROWS), "meta.json": meta}), "x.zip").card
    assert card == Card("Noir", "imported", "Rain", "A, B", model="Generic 6B", extra={"n_tokens": 20, "seen": [1]})


@pytest.mark.parametrize(
    "meta",
    [None, b"", b"{", b"[]", b"null", b"{}", b'{"name": 5, "description": ["x"]}', b"\xff\xfe", b"[" * 100_000],
)
def test_missing_or_strange_meta_leaves_the_file_name_as_the_name(meta: bytes | None) -> None:
    members = {"tensor.npy": npy(ROWS)} | ({} if meta is None else {"meta.json": meta})
    card = kobold.unpack(zipped(members), "my-noir.zip").card
    assert (card.name, card.kind, card.author) == ("my-noir", "imported", "")


def test_a_byte_order_mark_in_meta_json_is_skipped() -> None:
    assert (
        kobold.unpack(zipped({"tensor.npy": npy(ROWS), "meta.json": b"\xef\xbb\xbf" + META}), "x").card.name == "Noir"
    )


def test_a_trainers_save_file_is_read_as_the_table_it_holds() -> None:
    """mtj-softtuner's .mtjsp: an npz, tensor.npy beside a pickled optimiser state, which is never opened."""
    state = npy(np.array([{"a": 1}], dtype=object))
    module = kobold.unpack(zipped({"tensor.npy": npy(ROWS), "opt_state.npy": state, "step.npy": b"x"}), "run.mtjsp")
    assert np.array_equal(module.vectors, ROWS)


def test_facts_that_make_no_sense_are_left_out_of_a_card() -> None:
    """F4, F5, F7: numbers of four hundred digits, texts and lists where numbers belong, halves of a pair."""
    card = b"""{"name": "x", "kind": "style", "description": "Rain.",
        "measured": {"gain": %s, "a": 1e999, "b": "text", "c": [1], "d": null, "e": {}, "f": 0.5, "g": true, "h": NaN},
        "training": {"steps": %s, "seconds": 3.5, "method": "prompt\\ntuning", "x": [1]},
        "curve": [[1], [Infinity, 1], [1, %s], [1, 2.5], "ab", [-1, 2]],
        "samples": {"opening": 5, "with": "It rained."},
        "sources": [5, {"name": "a.txt", "words": %s}]}""" % ((b"9" * 400,) * 4)
    back = kobold.unpack(zipped({"tensor.npy": npy(ROWS), "card.json": card}), "x.zip").card
    assert (back.name, back.kind, back.description) == ("x", "style", "Rain.")
    assert back.measured == {"f": 0.5, "g": True}
    assert back.training == {"seconds": 3.5, "method": "prompt tuning", "x": [1]}
    assert back.curve == ((1, 2.5),)
    assert back.samples == {"with": "It rained."}
    assert back.sources == ({"name": "a.txt"},)


@pytest.mark.parametrize(
    "card",
    [
        b"not json",
        b"[1]",
        b'{"kind": "style"}',
        b'{"name": 3}',
        b'{"name": "x", "tags": 5}',
        b'{"name": "x", "fingerprint": {"vocabulary": Infinity, "width": 1}}',
        b'{"name": "x", "fingerprint": "starter"}',
        b"[" * 200_000,
        b'{"name":' + b"9" * 5000 + b"}",
    ],
)
def test_a_malformed_card_is_set_aside_and_the_rows_load(card: bytes) -> None:
    module = kobold.unpack(zipped({"tensor.npy": npy(ROWS), "meta.json": META, "card.json": card}), "x.zip")
    assert module.card.name == "Noir"
    assert module.card.kind == "imported"
    assert np.array_equal(module.vectors, ROWS)


@pytest.mark.parametrize(
    "initial", [b"junk", npy(np.ones((2, 4), "<f4")), npy(np.full((3, 4), np.nan, "<f4")), npy(np.ones((3, 4), object))]
)
def test_malformed_initial_rows_are_set_aside(initial: bytes) -> None:
    module = kobold.unpack(zipped({"tensor.npy": npy(ROWS), "meta.json": META, "initial.npy": initial}), "x.zip")
    assert module.initial is None


def test_a_fingerprint_of_another_width_than_the_rows_is_not_believed() -> None:
    card = json.dumps(Card("x", fingerprint=Fingerprint(10, 99, (1.0,))).to_dict()).encode()
    assert kobold.unpack(zipped({"tensor.npy": npy(ROWS), "card.json": card}), "x.zip").card.fingerprint is None


def test_a_strangers_card_can_not_repaint_the_terminal() -> None:
    card = {"name": "a\x1b[2Jb\nc\u202ed", "description": "x\x1b]0;y\x07\nz", "author": "\ud800q", "tags": ["\x9b1m"]}
    back = kobold.unpack(zipped({"tensor.npy": npy(ROWS), "card.json": json.dumps(card).encode()}), "x.zip").card
    assert (back.name, back.description, back.author, back.tags) == ("a[2Jb cd", "x]0;y\nz", "q", ("1m",))


def test_a_very_long_name_is_cut() -> None:
    card = json.dumps({"name": "n" * 50_000}).encode()
    assert len(kobold.unpack(zipped({"tensor.npy": npy(ROWS), "card.json": card}), "x.zip").card.name) == 200


# -- what is refused


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (np.ones((3, 4), "<f8"), "<f8"),
        (np.ones((3, 4), ">f4"), ">f4"),
        (np.ones((3, 4), "i1"), "i1"),
        (np.ones((3, 4), "<u2"), "bfloat16 values must be declared as V2"),
        (np.ones((3, 4), object), "pickled Python objects"),
        (np.ones(3, "<f4"), "has one dimension"),
        (np.ones((1, 3, 4), "<f4"), "3 dimensions"),
        (np.ones((3, 0), "<f4"), "0 wide"),
        (np.ones((1, 2), [("a", "<f4")]), "a module holds float32"),
        (np.full((3, 4), np.nan, "<f4"), "not numbers"),
        (np.full((3, 4), -np.inf, "<f4"), "not numbers"),
    ],
)
def test_other_tables_are_refused_in_a_sentence(table: np.ndarray, words: str) -> None:
    with pytest.raises(BadModule, match=words.replace("(", r"\(")) as caught:
        kobold.unpack(zipped({"tensor.npy": npy(table), "meta.json": META}), "x.zip")
    assert caught.value.message.startswith(("x.zip", "Noir"))
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"meta.json": META}, "zip without tensor.npy"),
        ({"soft/tensor.npy": npy(ROWS)}, "at the root of the zip"),
        ({"Tensor.npy": npy(ROWS)}, "spelled just so"),
        ({"word/document.xml": b"<x/>"}, "a Word document"),
        ({"mimetype": b"application/epub+zip", "META-INF/container.xml": b"<x/>"}, "an EPUB book"),
        ({"archive/data.pkl": b"\x80\x02."}, "a PyTorch file"),
    ],
)
def test_a_zip_that_is_something_else_is_told_so(members: dict[str, bytes], words: str) -> None:
    with pytest.raises(BadModule, match=words):
        kobold.unpack(zipped(members), "x.zip")
