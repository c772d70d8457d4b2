"""Half letters and half stop strings are held back; nothing else is, and nothing is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.generation.text_stream import TextStream


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
def test_however_the_bytes_are_cut_the_text_is_the_same(text: str, cuts: list[int]) -> None:
    pieces, met = feed_all(text.encode(), cuts)
    assert "".join(pieces) == text
    assert not met


@given(st.text(alphabet="ab\n"), st.lists(st.integers(0, 99)), st.lists(st.text("ab\n", min_size=1), min_size=1))
def test_the_earliest_stop_string_ends_it_however_it_is_cut(text: str, cuts: list[int], stops: list[str]) -> None:
    pieces, met = feed_all(text.encode(), cuts, tuple(stops))
    places = [at for word in stops if (at := text.find(word)) >= 0]
    assert met == bool(places)
    if met:
        # A stop string that begins earlier may be completed later than another: whichever is complete first counts.
        assert "".join(pieces) == text[: len("".join(pieces))]
        assert not any(word in "".join(pieces) for word in stops)
    else:
        assert "".join(pieces) == text


def test_half_a_letter_waits_and_is_dropped_at_the_end() -> None:
    stream = TextStream()
    smile = "🙂".encode()
    assert stream.feed(b"a" + smile[:2]) == ("a", False)
    assert stream.feed(smile[2:]) == ("🙂", False)
    assert stream.feed(smile[:3]) == ("", False)
    assert stream.finish() == ""


def test_bytes_that_are_no_letters_show_as_such_and_stall_nothing() -> None:
    assert TextStream().feed(b"a\xffb") == ("a�b", False)


def test_half_a_stop_string_waits() -> None:
    stream = TextStream(("\nYou:", ""))
    assert stream.feed(b"Hello.\nYo") == ("Hello.", False)
    assert stream.feed(b"lk") == ("\nYolk", False)
    assert stream.feed(b"\nYou: go") == ("", True)


def write_around(
    tokens: list[str], banned: tuple[str, ...], before: str, stop: tuple[str, ...] = ()
) -> tuple[str, str]:
    """Feed ``tokens``. Returns what was shown, and what stands.

    Each token that is taken back is replaced with ``#`` and those after it are fed again.
    """
    stream, shown, standing = TextStream(stop, banned, before), "", []
    waiting = list(tokens)
    while waiting:
        token = waiting.pop(0)
        text, met = stream.feed(token.encode())
        shown += text
        if met:
            return shown, shown
        standing.append(token)
        if back := stream.undone:
            assert back <= len(standing)
            taken, standing = standing[-back:], standing[:-back]
            waiting = ["#" * len(taken[0]), *taken[1:], *waiting]
        assert stream.pending <= len(standing)
    return shown + stream.finish(), "".join(standing)


TOKENS = st.lists(st.text("abAB", min_size=1, max_size=3), max_size=14)


@given(TOKENS, st.lists(st.text("ab", min_size=1, max_size=5), min_size=1), st.text("ab", max_size=6))
def test_a_banned_string_is_never_seen_whatever_it_is_cut_into(
    tokens: list[str], banned: list[str], before: str
) -> None:
    shown, standing = write_around(tokens, tuple(banned), before)
    assert shown == standing
    for word in banned:
        places = [at for at in range(len(before + shown)) if (before + shown).lower().startswith(word, at)]
        assert all(at + len(word) <= len(before) for at in places)  # what the writer typed is the writer's


@given(TOKENS, st.text("ab", min_size=2, max_size=4), st.text("ab", min_size=1, max_size=3))
def test_banned_and_stop_strings_hold_back_together(tokens: list[str], banned: str, stop: str) -> None:
    shown, _ = write_around(tokens, (banned,), "", (stop,))
    assert banned not in shown.lower()
    assert stop not in shown


def test_a_banned_string_takes_its_first_token_back_with_all_its_text() -> None:
    stream = TextStream((), ("shivers down",))
    assert stream.feed(b"Cold ") == ("Cold ", False)
    assert stream.feed(b"sent shi") == ("", False)  # the token that may have begun it is held back whole
    assert stream.feed(b"vers") == ("", False)
    assert stream.pending == 2
    assert stream.feed(b" Down") == ("", False)
    assert stream.undone == 3
    assert stream.feed(b"sent word") == ("sent word", False)
    assert (stream.undone, stream.pending) == (0, 0)


def test_a_banned_string_may_begin_in_the_text_before_and_in_other_letters() -> None:
    stream = TextStream((), ("don't know",), "I don’t")
    assert stream.feed(b" ") == ("", False)
    assert stream.feed(b"KN") == ("", False)
    assert stream.feed(b"OW") == ("", False)
    assert stream.undone == 3
    assert stream.feed(b" care") == (" care", False)
    assert TextStream((), ("d",), "d").feed(b"e") == ("e", False)


def test_banned_letters_of_several_bytes_are_taken_back() -> None:
    stream, smile = TextStream((), ("🙂",)), "🙂".encode()
    assert stream.feed(b"a" + smile[:2]) == ("a", False)
    assert stream.feed(smile[2:]) == ("", False)
    assert stream.undone >= 1
