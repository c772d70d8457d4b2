"""What stands where when memory, story and note come together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.errors import BadUsage
from kobold_modules.generation.prompt import build
from kobold_modules.generation.protocol import Request


def letters(text: str) -> list[int]:
    """Return a token a character."""
    return [ord(letter) for letter in text]


def read(request: Request, free: int = 10_000, still: int = 10) -> str:
    return "".join(map(chr, build(request, request.text, still, free, letters).tokens))


STORY = "One fine day.\n\nIt rained.\nShe left.\nHe stayed"


def test_memory_stands_first_and_the_note_near_the_end() -> None:
    request = Request(text=STORY, memory="They are ghosts.", note="[Sad.]", note_depth=2)
    assert read(request) == "They are ghosts.\nOne fine day.\n\nIt rained.\n[Sad.]\nShe left.\nHe stayed"


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (0, STORY + "\n[Sad.]\n"),
        (1, "One fine day.\n\nIt rained.\nShe left.\n[Sad.]\nHe stayed"),
        (4, "[Sad.]\n" + STORY),
        (99, "[Sad.]\n" + STORY),
    ],
)
def test_how_deep_a_note_stands(depth: int, expected: str) -> None:
    assert read(Request(text=STORY, note="[Sad.]", note_depth=depth)) == expected


def test_neither_changes_anything_where_it_is_empty() -> None:
    assert read(Request(text=STORY, memory="  ", note="\n")) == STORY


def test_the_story_slides_and_memory_and_note_stay() -> None:
    story = " ".join(f"Sentence {n} is about rain." for n in range(100))
    request = Request(text=story, memory="They are ghosts.", note="[Sad.]", note_depth=1)
    text = read(request, free=600)
    assert text.startswith("They are ghosts.\n[Sad.]\nSentence ")
    assert text.endswith("about rain.")
    assert len(text) <= 590


def test_a_memory_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(BadUsage, match="take 51 of the 100 tokens"):
        read(Request(text=STORY, memory="x" * 50), free=100)


def test_a_longer_end_keeps_the_beginning_of_the_tokens() -> None:
    """Or else nothing could be reused."""
    before = build(Request(text=STORY, memory="m", note="[n]"), STORY, 5, 1000, letters).tokens
    after = build(Request(text=STORY, memory="m", note="[n]"), STORY + " a while.", 5, 1000, letters).tokens
    assert after[: len(before)] == before


@given(
    st.text(alphabet="ab .\n", max_size=300),
    st.text(alphabet="ab\n", max_size=20),
    st.text(alphabet="ab\n", max_size=20),
    st.integers(0, 6),
    st.integers(100, 200),
    st.integers(0, 300),
)
def test_it_always_fits_and_leaves_room(text: str, memory: str, note: str, depth: int, free: int, still: int) -> None:
    request = Request(text=text, memory=memory, note=note, note_depth=depth)
    prompt = build(request, text, still, free, letters)
    assert len(prompt.tokens) <= free - min(still, (free - 44) // 2) + 1
    assert 0 <= prompt.left_out <= len(text)
