"""The bounded header reader: right about real files, quick about large ones, unmoved by lies."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kobold_modules.errors import NoModel
from kobold_modules.models.headers.gguf import BLOCKS, HEADER_MOST, _Reader, read_gguf_header
from tests.models.small_gguf import (
    LIST,
    MAGIC,
    TEXT,
    U32,
    field,
    header,
    llama_fields,
    llama_tensors,
    text,
    texts,
    weights,
    write_llama,
)


def test_it_agrees_with_the_gguf_package(starter: Path) -> None:
    import gguf

    ours, theirs = read_gguf_header(starter), gguf.GGUFReader(starter)

    assert ours.architecture == "llama"
    assert [(t.name, t.shape, t.type, t.begin) for t in ours.tensors] == [
        (t.name, tuple(int(n) for n in t.shape), int(t.tensor_type), int(t.data_offset)) for t in theirs.tensors
    ]
    for key, value in ours.fields.items():
        assert value == theirs.fields[key].contents(), key
    assert ours.counts["tokenizer.ggml.tokens"] == len(theirs.fields["tokenizer.ggml.tokens"].data)


def test_settings_behind_a_large_vocabulary_are_read(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "m.gguf", words=30_000, pairs=50_000)

    head = read_gguf_header(path)

    assert head.number("general.file_type") == 15
    assert (head.counts["tokenizer.ggml.tokens"], head.counts["tokenizer.ggml.merges"]) == (30_000, 50_000)
    assert len(head.tensors) == 18


def test_jumping_and_walking_come_to_the_same(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "m.gguf", words=3000, pairs=3000)

    with path.open("rb") as file:
        jumped, walked = (_Reader(file, path.stat().st_size, jump).read() for jump in (True, False))

    assert jumped == walked


def test_a_token_that_looks_like_a_key_misleads_nobody(tmp_path: Path) -> None:
    """The jump lands in the middle of the vocabulary; nothing that follows is possible, so the file is walked."""
    bait = text("tokenizer.ggml.bos_token_id") + struct.pack("<II", U32, 7)
    words = [f"w{n}" for n in range(400)]
    tokens = texts(words)[:-3] + text(b"x" + bait) + text("z" * 8)
    tokens = struct.pack("<IIQ", LIST, TEXT, 401) + b"".join(map(text, words[:399])) + text(b"x" + bait) + text("zz")
    fields = llama_fields() | {"tokenizer.ggml.tokens": tokens}
    path = tmp_path / "m.gguf"
    path.write_bytes(header(fields, llama_tensors()) + weights())

    head = read_gguf_header(path)

    assert head.number("tokenizer.ggml.bos_token_id") == 1
    assert head.counts["tokenizer.ggml.tokens"] == 401


def test_a_list_at_the_very_end_is_walked(tmp_path: Path) -> None:
    fields = llama_fields()
    last = fields.pop("tokenizer.ggml.merges")
    path = tmp_path / "m.gguf"
    path.write_bytes(
        header(fields | {"last.words": texts(["a b"] * 5000), "merges": last}, llama_tensors()) + weights()
    )

    assert read_gguf_header(path).counts["last.words"] == 5000


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty"),
        (b"XK\3\4" + bytes(40), "does not begin with GGUF"),
        (MAGIC, "ends before its header"),
        (MAGIC + struct.pack("<IQQ", 1, 0, 0), "version 1 of the GGUF format"),
        (MAGIC + struct.pack("<IQQ", 9, 0, 0), "version 9 of the GGUF format"),
        (MAGIC + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
        (MAGIC + struct.pack("<IQQ", 3, 2**60, 0), "tensors"),
        (MAGIC + struct.pack("<IQQ", 3, 0, 2**60), "settings"),
        (MAGIC + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2**63), "bytes long"),
        (MAGIC + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<IQ", TEXT, 2**62), "ends before"),
        (MAGIC + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<IIQ", LIST, TEXT, 2**60), "does not fit"),
        (MAGIC + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<IIQ", LIST, U32, 2**61), "ends before"),
        (MAGIC + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<IIQ", LIST, LIST, 1), "unknown kind"),
        (MAGIC + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<I", 77), "unknown kind"),
        (header({}, [text("t") + struct.pack("<I", 2**31)]), "dimensions"),
        (header({}, [text("t") + struct.pack("<IQQIQ", 2, 2**40, 2**40, 0, 0)]), "elements"),
        (header({}, [text("t") + struct.pack("<IQIQ", 1, 8, 0, 2**62)]), "not all there"),
        (header({"general.alignment": 0}, [text("t") + struct.pack("<IQIQ", 1, 8, 0, 0)]), "make no sense"),
    ],
)
def test_lies_cost_a_sentence_and_no_memory(tmp_path: Path, data: bytes, sentence: str) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(data)

    tracemalloc.start()
    try:
        with pytest.raises(NoModel, match=sentence):
            read_gguf_header(path)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


def test_sizes_of_weights_are_those_of_the_gguf_package() -> None:
    import gguf

    assert {int(kind): sizes for kind, sizes in gguf.GGML_QUANT_SIZES.items()} == BLOCKS


def test_a_file_whose_last_tensor_is_cut_is_not_whole(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "m.gguf")
    whole = path.read_bytes()
    path.write_bytes(whole[:-2000])

    with pytest.raises(NoModel, match=r"weights are not all there: [0-9,]+ of [0-9,]+ bytes"):
        read_gguf_header(path)


def test_a_header_without_end_is_left_alone(tmp_path: Path) -> None:
    """A sparse file of zeros, as long as it likes to be: settings of nothing, for ever."""
    path = tmp_path / "sparse.gguf"
    with path.open("wb") as file:
        file.write(MAGIC + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<IIQ", LIST, TEXT, HEADER_MOST))
        file.truncate(2**36)

    with pytest.raises(NoModel, match="does not fit"):
        read_gguf_header(path)


def test_a_folder_and_a_missing_file_are_sentences(tmp_path: Path) -> None:
    for path, says in ((tmp_path, "cannot be read"), (tmp_path / "none.gguf", "There is no model file at")):
        with pytest.raises(NoModel, match=says):
            read_gguf_header(path)


WHOLE = header(llama_fields(), llama_tensors()) + weights()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, len(WHOLE) - 1), junk=st.binary(min_size=1, max_size=12), cut=st.integers(0, len(WHOLE)))
def test_any_damage_is_read_or_refused(tmp_path: Path, at: int, junk: bytes, cut: int) -> None:
    path = tmp_path / "damaged.gguf"
    path.write_bytes((WHOLE[:at] + junk + WHOLE[at + len(junk) :])[: max(cut, at + 1)])

    try:
        head = read_gguf_header(path)
    except NoModel:
        return
    assert all(tensor.begin < head.size for tensor in head.tensors)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(
        st.text("abcxyz._", min_size=1, max_size=20).filter(lambda key: key != "general.alignment"),
        st.one_of(
            st.integers(0, 2**32 - 1), st.booleans(), st.text(max_size=50), st.lists(st.integers(0, 99), max_size=9)
        ),
        max_size=12,
    )
)
def test_what_is_written_is_read_again(tmp_path: Path, fields: dict[str, object]) -> None:
    path = tmp_path / "fields.gguf"
    path.write_bytes(header(fields, []))

    assert dict(read_gguf_header(path).fields) == fields


def test_every_field_can_be_spelled(tmp_path: Path) -> None:
    assert field("a", 1) == text("a") + struct.pack("<II", U32, 1)
