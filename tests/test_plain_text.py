"""What a stranger wrote, made safe to show."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.errors import BadUsage
from kobold_modules.plain_text import escaped, one_line, printable, prose


HOSTILE = "a\x1b[2Jb\rc\x9bd\u202ee\u200bf\u2066g\x00h\x7f\u2028i"


def test_nothing_that_steers_a_terminal_is_left() -> None:
    """F9: C0, C1, overrides of direction, what cannot be seen."""
    assert printable(HOSTILE) == "a[2Jbcdefghi"
    assert printable("é\t“雨”\n🙂") == "é\t“雨”\n🙂"
    assert printable("👩\u200d🚀") == "👩\u200d🚀"  # the joiner belongs to the picture
    assert printable("a\udcff.zip") == "a\ufffd.zip"  # F11: a file name that is not UTF-8


def test_a_line_is_one_line_and_has_an_end() -> None:
    """F10, F22."""
    assert one_line(" a\n✓ all is well \t b") == "a ✓ all is well b"
    assert one_line("x" * 5_000_000, 20) == "x" * 19 + "…"
    assert one_line("x" * 20, 20) == "x" * 20


def test_prose_keeps_the_marks_of_its_script() -> None:
    assert prose("\u200fשלום\u200e\x1b[31m\n") == "\u200fשלום\u200e[31m\n"


@given(st.text(st.characters(), max_size=30))
def test_json_stays_the_same_json_and_steers_nothing(text: str) -> None:
    line = escaped(json.dumps({"a": text}, ensure_ascii=False))
    assert json.loads(line) == {"a": text}
    assert line == printable(line)


@pytest.mark.parametrize("quoted", [HOSTILE, "x" * 3_000_000, "a\n✓ fine"])
def test_a_sentence_that_quotes_a_stranger_is_one_safe_line(quoted: str) -> None:
    error = BadUsage(f"{quoted} is no module.", quoted)
    assert error.message == str(error) == one_line(error.message)
    assert len(error.message) <= 1000
    assert error.hint == one_line(error.hint)
