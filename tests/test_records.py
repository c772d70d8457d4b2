"""The wire format: every record comes back from its line, and nothing else is taken for one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.records import (
    Baseline,
    Done,
    Finished,
    Loss,
    Record,
    TextChunk,
    TextLoss,
    TrainedModule,
    from_json,
    to_dict,
    to_json,
)
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
    assert from_json(b'{"record": "done", "v": 2, "what": "training", "mood": "good", "at": 3.1}') == Done("training")


def test_results_of_version_0_1_are_read() -> None:
    """A journal in the queue may be older than the program."""
    words = b'"words_in_context": {"nats_per_token": 3.2, "bits_per_byte": 1.4}, "tokens": 1320'
    line = b'{"record": "result", "v": 1, "what": "baseline", "data": {"nats_per_token": 3.3, "bits_per_byte": 1.5, '
    assert from_json(line + words + b'}, "at": 1.5}') == Baseline(3.3, 1.5, TextLoss(3.2, 1.4), 1320)
    line = b'{"record": "result", "v": 1, "what": "module", "data": {"name": "n", "tokens": 4, "gain": 0.05}}'
    assert from_json(line) == TrainedModule(name="n", tokens=4, gain=0.05)
    with pytest.raises(ValueError, match="result"):
        from_json(b'{"record": "result", "v": 1, "what": "spell", "data": {}}')


def test_a_trained_module_says_only_what_is_known() -> None:
    module = TrainedModule(name="n", tokens=4, gain=0.05, learned=False, stopped=None)
    assert to_dict(module) == {
        "record": "trained_module",
        "v": 1,
        "name": "n",
        "tokens": 4,
        "gain": 0.05,
        "learned": False,
    }


def test_a_file_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="what"):
        from_json(b'{"record": "saved", "path": "/x", "what": "spell"}')


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
        Done("training").what = "stopped"  # type: ignore[misc]
