"""Messages and their JSON: what comes back as it went, what earlier versions wrote, what is refused."""

from __future__ import annotations

import json
import math

import msgspec
import pytest
from hypothesis import given

from kobold_modules import codec
from tests import messages


class Point(msgspec.Struct, frozen=True, tag_field="kind", tag=codec.tag_of):
    x: float | None
    label: str = ""


class LongLine(msgspec.Struct, frozen=True, tag_field="kind", tag=codec.tag_of):
    points: tuple[Point, ...]


DECODER: codec.Decoder[Point | LongLine] = codec.Decoder(Point | LongLine)


@given(messages.of(Point | LongLine))
def test_a_message_comes_back_from_one_line(message: Point | LongLine) -> None:
    line = codec.encode(message)
    assert b"\n" not in line
    assert DECODER.decode(line) == message


def test_a_message_says_its_kind() -> None:
    assert json.loads(codec.encode(LongLine((Point(1.0),)))) == {
        "kind": "long_line",
        "points": [{"kind": "point", "x": 1.0, "label": ""}],
    }
    assert codec.plain(Point(1.0, "a")) == {"kind": "point", "x": 1.0, "label": "a"}


def test_half_of_a_letter_passes_as_it_is_and_as_earlier_versions_wrote_it() -> None:
    """A file name on Linux need not be UTF-8."""
    half = Point(0.0, "b\udcff\ud83d")
    assert DECODER.decode(codec.encode(half)) == half
    raw = json.dumps(codec.plain(half), ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert DECODER.decode(raw) == half


def test_what_json_cannot_say_is_null() -> None:
    assert codec.encode(Point(math.nan)) == codec.encode(Point(math.inf)) == codec.encode(Point(None))
    found = DECODER.decode(b'{"kind": "point", "x": NaN}')  # as Python's json writes it
    assert isinstance(found, Point)
    assert found.x is not None
    assert math.isnan(found.x)


def test_fields_of_a_newer_version_are_ignored() -> None:
    assert DECODER.decode(b'{"kind": "point", "x": 1, "colour": [1]}') == Point(1.0)


def test_what_an_earlier_version_wrote_is_turned_into_todays_shape() -> None:
    older: codec.Decoder[Point] = codec.Decoder(Point, older=lambda data: {"kind": "point", "x": data["across"]})
    assert older.decode(b'{"across": 3}') == Point(3.0)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"x",
        b"[]",
        b"null",
        b"{}",
        b'{"kind": "circle"}',
        b'{"kind": "point"}',
        b'{"kind": null}',
        b'{"kind": "point", "x": "far"}',
        b'{"kind": "long_line", "points": [{"x": {}}]}',
        b"\xff\xfe\x00",
        b'{"kind": "point", "x": 1',
        b"[" * 100_000,
        b'{"points":' * 100_000,
    ],
    ids=range(14),
)
def test_anything_else_is_refused_with_a_sentence(line: bytes) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - msgspec's own, json's own
        DECODER.decode(line)
    assert str(refused.value)
    assert "\n" not in str(refused.value)
