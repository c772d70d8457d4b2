"""Cutting texts into rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.training.packing import Rows


def letters(text: str) -> list[int]:
    return [ord(letter) for letter in text]


TEXTS = st.lists(st.text("abcdef", min_size=8, max_size=60), min_size=1, max_size=5)


@given(TEXTS, st.integers(2, 40), st.integers(0, 3))
def test_a_pass_reads_every_token(texts: list[str], length: int, seed: int) -> None:
    rows = Rows.of(tuple(texts), letters, length)

    batch = rows.batch(seed, 0, rows.rows_a_pass)

    read = sorted(batch[:, 0].flatten().tolist())
    for letter in set(read):
        assert read.count(letter) >= sum(text.count(chr(letter)) for text in texts)
    assert len(read) < rows.tokens + rows.length


@given(TEXTS, st.integers(2, 40), st.integers(0, 50))
def test_what_a_row_calls_one_document_stands_so_in_one_text(texts: list[str], length: int, step: int) -> None:
    rows = Rows.of(tuple(texts), letters, length)

    ids, documents = rows.batch(1, step, 1)[0]

    for document in set(documents.tolist()):
        part = "".join(chr(i) for i in ids[documents == document].tolist())
        assert any(part in text for text in texts)
    assert (documents[1:] >= documents[:-1]).all()


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    rows = Rows.of(("the rain fell on the tin roof all night long",) * 3, letters, 16)

    first = rows.batch(5, 7, 4)
    rows.batch(5, 2, 4)

    assert (rows.batch(5, 7, 4) == first).all()
    assert (rows.batch(6, 7, 4) != first).any()


def test_texts_shorter_than_a_row_are_read_too() -> None:
    rows = Rows.of(("abcdefgh", "ijklmnop", "qrstuvwx"), letters, 24)

    assert sorted(rows.batch(1, 0, 1)[0, 0].tolist()) == sorted(letters("abcdefghijklmnopqrstuvwx"))


def test_rows_are_no_longer_than_all_there_is() -> None:
    assert Rows.of(("a short text",), letters, 256).length == len("a short text")
