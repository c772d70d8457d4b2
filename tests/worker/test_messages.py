"""The lines between a worker and its client: jobs and answers come back, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.errors import BadUsage
from kobold_modules.records import Record, TextChunk
from kobold_modules.worker.messages import FROM_WORKER, TO_WORKER, Answer, Ask, Cancel, End, Job, Quit, encode, id_in
from tests import messages


@pytest.mark.parametrize("kind", messages.members(Job))
@given(data=st.data())
def test_every_job_comes_back_as_it_went(kind: type, data: st.DataObject) -> None:
    asked = Ask(3, data.draw(messages.of(kind)))
    line = encode(asked)
    assert line.count(b"\n") == 1
    assert TO_WORKER.decode(line) == asked


@pytest.mark.parametrize("kind", messages.members(Record))
@given(data=st.data())
def test_every_record_comes_back_with_its_job(kind: type, data: st.DataObject) -> None:
    answer = Answer(data.draw(messages.of(int | None)), data.draw(messages.of(kind)))
    assert FROM_WORKER.decode(encode(answer)) == answer


def test_the_other_lines_come_back() -> None:
    for line in (Cancel(), Cancel(3), Quit()):
        assert TO_WORKER.decode(encode(line)) == line
    assert FROM_WORKER.decode(encode(End(7))) == End(7)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"x",
        b"[]",
        b"{}",
        b'{"line": "answer", "id": "a", "record": {"record": "text_chunk", "text": ""}}',
        b'{"line": "answer", "id": 1, "record": {"record": "?"}}',
        b'{"line": "ask", "id": 1, "job": {"do": "count", "text": "a"}}',
    ],
)
def test_other_lines_are_no_answers(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any sentence will do
        FROM_WORKER.decode(line)


def test_a_setting_that_makes_no_sense_is_refused_where_it_is_made_and_where_it_is_read() -> None:
    line = encode(Answer(1, TextChunk("")))
    assert id_in(line) == 1
    job = b'{"line": "ask", "id": 4, "job": {"do": "generate", "text": "a", "sampler": {"temperature": 99}}}'
    with pytest.raises(BadUsage, match="temperature is 99"):
        TO_WORKER.decode(job)
    assert id_in(job) == 4
    assert id_in(b'{"id": "nine"}') is None
    assert id_in(b"nonsense") is None
