"""No bytes make a reader crash, hang or answer with anything but a lorebook or BadInput."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kobold_modules.errors import BadInput
from kobold_modules.lorebook import Lorebook
from kobold_modules.lorebook.activation import Scan, activate
from kobold_modules.lorebook.reading import read_bytes
from kobold_modules.lorebook.write import to_json
from tests.lorebook import examples


JSONS = {
    name: data for name, data in examples.FILES.items() if data[:1] in (b"{", b"[")
}  # the containers hold the same ones
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("1e999"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def survives(data: bytes, name: str = "x.any") -> Lorebook | None:
    """Return the book in ``data``, once everything was done with it; None where it was refused in a sentence."""
    try:
        book = read_bytes(data, name)
    except BadInput as error:
        fault = error.message
    else:
        return used(book)
    assert fault.endswith(".")
    assert fault.isprintable()
    return None


def used(book: Lorebook) -> Lorebook:
    """Do with ``book`` all that is done with one."""
    json.dumps(to_json(book))
    activate([book], "Orla woke in the night of the wreck.", len, Scan(budget=100))
    for entry in book.entries:
        (entry.name + entry.text + "".join(entry.keys)).encode()
    return book


@pytest.mark.parametrize("name", examples.FILES)
def test_a_file_cut_short_anywhere_is_a_book_or_refused(name: str) -> None:
    data = examples.FILES[name]
    for length in range(0, len(data), max(1, len(data) // 60)):
        survives(data[:length])


@pytest.mark.parametrize("name", examples.FILES)
@settings(max_examples=20, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_file_with_other_bytes_in_it_is_a_book_or_refused(name: str, changes: list[tuple[int, int]]) -> None:
    data = bytearray(examples.FILES[name])
    for at, byte in changes:
        data[at % len(data)] = byte
    survives(bytes(data))


@pytest.mark.parametrize("name", JSONS)
@settings(max_examples=20, deadline=None)
@given(chosen=st.integers(0, 10**6), value=ANYTHING)
def test_any_member_may_be_of_any_type(name: str, chosen: int, value: Any) -> None:
    data = json.loads(JSONS[name])
    places = list(_places(data))
    holder, key = places[chosen % len(places)]
    holder[key] = value

    survives(json.dumps(data).encode())


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_a_book_or_refused(data: bytes) -> None:
    survives(data)
    survives(b"\x89PNG\r\n\x1a\n" + data)
    survives(b"# A heading\n\n" + data)


@settings(max_examples=100, deadline=None)
@given(value=ANYTHING)
def test_anything_may_stand_for_the_entries(value: Any) -> None:
    for shape in ({"entries": value}, {"data": value, "type": "risu"}, {"lorebookVersion": value, "entries": [value]}):
        survives(json.dumps(shape).encode())


@settings(max_examples=100, deadline=None)
@given(key=st.text(alphabet="()[]{}|*+?\\/^$.,ab1-<>:=!#&~pLuU", max_size=30), flags=st.text("gimsuy", max_size=3))
def test_any_key_may_be_a_pattern(key: str, flags: str) -> None:
    entry = {"title": "x", "keys": [f"/{key}/{flags}"], "content": "y"}

    assert survives(json.dumps({"entries": [entry]}).encode()) is not None


def test_a_chunk_that_claims_more_than_the_file_ends_the_picture() -> None:
    data = bytearray(examples.FILES["card V2 PNG"])
    at = data.index(b"tEXt") - 4
    data[at : at + 4] = b"\xff\xff\xff\xff"

    with pytest.raises(BadInput, match="without a character card"):
        read_bytes(bytes(data), "x.png")


def test_a_name_of_a_stranger_is_told_without_its_control_characters() -> None:
    card = {"spec": "chara_card_v2", "data": {"name": "\x1b[31mOrla\x07"}}

    with pytest.raises(BadInput) as raised:
        read_bytes(json.dumps(card).encode(), "x\x1b.json")

    assert raised.value.message.isprintable()


def _places(value: Any) -> Any:
    if isinstance(value, dict | list):
        for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from _places(inner)
