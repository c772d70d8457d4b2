"""The wire format: every record comes back from its line, and nothing else is taken for one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.records import Done, Finished, Loss, Record, TextChunk, from_json, to_dict, to_json
from tests import messages


@pytest.mark.parametrize("kind", messages.members(Record))
@given(data=st.data())
def test_every_record_comes_back_from_one_line(kind: type, data: st.DataObject) -> None:
    record = data.draw(messages.of(kind))
    line = to_json(record)
    assert b"\n" not in line
    assert from_json(line) == record


def test_a_line_of_the_command_line_names_its_kind_and_version() -> None:
    assert to_dict(TextChunk("“Rain,”", 2)) == {"record": "text_chunk", "v": 1, "text": "“Rain,”", "sequence": 2}


def test_a_line_between_processes_names_its_kind() -> None:
    assert json.loads(to_json(TextChunk("“Rain,”", 2))) == {"record": "text_chunk", "text": "“Rain,”", "sequence": 2}


def test_fields_of_another_version_are_ignored() -> None:
    assert from_json(b'{"record": "done", "v": 2, "what": "train", "mood": "good", "at": 3.1}') == Done("train")


def test_what_is_not_said_has_its_default() -> None:
    assert from_json(b'{"record": "loss", "step": 3, "train": 1.5}') == Loss(3, 1.5)
    assert Finished("end", 1, 0.5, 7).prefix_decoded == 0


@pytest.mark.parametrize(
    "line", ["", "x", "[]", "null", "{}", '{"record": "spell"}', '{"record": "done"}', '{"record": null}']
)
def test_anything_else_is_a_value_error(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec has sentences of its own
        from_json(line.encode())


def test_records_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Done("x").what = "y"  # type: ignore[misc]
