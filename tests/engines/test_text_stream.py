"""Half letters and half stop strings are held back; nothing else is, and nothing is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.engines.text_stream import TextStream


def feed_all(data: bytes, cuts: list[int], stop: tuple[str, ...] = ()) -> tuple[list[str], bool]:
    stream, pieces, at = TextStream(stop), [], 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        text, met = stream.feed(data[at:cut])
        pieces.append(text)
        if met:
            return pieces, True
        at = cut
    return [*pieces, stream.finish()], False


@given(st.text(), st.lists(st.integers(0, 500)))
def test_however_the_bytes_are_cut_the_text_is_the_same(text, cuts):
    pieces, met = feed_all(text.encode(), cuts)
    assert "".join(pieces) == text
    assert not met


@given(st.text(alphabet="ab\n"), st.lists(st.integers(0, 99)), st.lists(st.text("ab\n", min_size=1), min_size=1))
def test_the_earliest_stop_string_ends_it_however_it_is_cut(text, cuts, stops):
    pieces, met = feed_all(text.encode(), cuts, tuple(stops))
    places = [at for word in stops if (at := text.find(word)) >= 0]
    assert met == bool(places)
    if met:
        # A stop string that begins earlier may be completed later than another: whichever is complete first counts.
        assert "".join(pieces) == text[: len("".join(pieces))]
        assert not any(word in "".join(pieces) for word in stops)
    else:
        assert "".join(pieces) == text


def test_half_a_letter_waits_and_is_dropped_at_the_end():
    stream = TextStream()
    smile = "🙂".encode()
    assert stream.feed(b"a" + smile[:2]) == ("a", False)
    assert stream.feed(smile[2:]) == ("🙂", False)
    assert stream.feed(smile[:3]) == ("", False)
    assert stream.finish() == ""


def test_bytes_that_are_no_letters_show_as_such_and_stall_nothing():
    assert TextStream().feed(b"a\xffb") == ("a�b", False)


def test_half_a_stop_string_waits():
    stream = TextStream(("\nYou:", ""))
    assert stream.feed(b"Hello.\nYo") == ("Hello.", False)
    assert stream.feed(b"lk") == ("\nYolk", False)
    assert stream.feed(b"\nYou: go") == ("", True)
