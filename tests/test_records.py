"""The wire format: every record comes back from its line, and nothing else is taken for one."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules import records
from kobold_modules.records import KINDS, Done, Finished, Loss, TextChunk, from_json, to_json


texts = st.text()
numbers = st.floats(allow_nan=False)
VALUES = {
    "str": texts,
    "int": st.integers(),
    "float": numbers,
    "float | None": st.none() | numbers,
    "dict[str, Any]": st.dictionaries(texts, st.integers() | texts | st.lists(numbers)),
}
every_record = st.one_of(
    [st.builds(kind, **{field.name: VALUES[str(field.type)] for field in fields(kind)}) for kind in KINDS.values()]
)


@given(every_record)
def test_every_record_comes_back_from_one_line(record: records.Record) -> None:
    line = to_json(record)
    assert "\n" not in line
    assert from_json(line) == record


def test_a_line_names_its_kind_and_version() -> None:
    assert json.loads(to_json(TextChunk("“Rain,”", 2))) == {
        "record": "text_chunk",
        "v": 1,
        "text": "“Rain,”",
        "sequence": 2,
    }


def test_all_records_of_the_union_are_known() -> None:
    assert set(KINDS.values()) == set(records.Record.__args__)  # type: ignore[attr-defined]


def test_fields_of_a_newer_version_are_ignored() -> None:
    assert from_json('{"record": "done", "v": 2, "what": "train", "mood": "good"}') == Done("train")


def test_what_is_not_said_has_its_default() -> None:
    assert from_json('{"record": "loss", "step": 3, "train": 1.5}') == Loss(3, 1.5)
    assert Finished("end", 1, 0.5, 7).prefix_decoded == 0


@pytest.mark.parametrize(
    "line", ["", "x", "[]", "null", "{}", '{"record": "spell"}', '{"record": "done"}', '{"record": null}']
)
def test_anything_else_is_a_value_error(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json has sentences of its own
        from_json(line)


def test_records_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Done("x").what = "y"  # type: ignore[misc]
