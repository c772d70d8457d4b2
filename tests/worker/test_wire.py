from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.records import Failed, Finished, TextChunk
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.worker import messages as jobs
from kobold_modules.worker import wire
from kobold_modules.worker.messages import Count, Estimate, Generate, Load


@given(st.text(), st.one_of(st.none(), st.integers(0, 10**9)))
def test_records_come_back_as_they_went(text: str, number: int | None) -> None:
    for record in (TextChunk(text), Failed(text, "", 3), Finished("end", 3, 0.5, 7)):
        line = wire.encode(wire.answer(number, record))
        assert line.count(b"\n") == 1
        assert wire.parse_answer(line) == wire.Answer(number, record)


@given(st.text(alphabet=st.characters()))
def test_jobs_come_back_as_they_went(text: str) -> None:
    stack = (Layer("a.zip", 0.5), Layer("b.zip", 1.0, False))
    for job in (Load(text, 512), Generate(text, stack, 9, {"seed": 1}, ("\n",)), Count(text), Estimate({"name": text})):
        data = wire.parse(wire.encode(jobs.to_json(3, job)))
        assert data["id"] == 3
        assert jobs.from_json(data) == job


def test_half_a_letter_passes() -> None:
    data = wire.parse(wire.encode(jobs.to_json(1, Count("\ud83d"))))
    assert jobs.from_json(data) == Count("\ud83d")


def test_the_end_of_a_job_is_an_answer_without_a_record() -> None:
    assert wire.parse_answer(wire.encode(wire.end(7))) == wire.Answer(7, None)


@pytest.mark.parametrize(
    "line", [b"", b"x", b"[]", b"{}", b'{"id": "a", "record": "text_chunk"}', b'{"id": 1, "record": "?"}']
)
def test_other_lines_are_no_answers(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any sentence will do
        wire.parse_answer(line)
