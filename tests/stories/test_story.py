"""A story's steps, spans and takes: whatever is done to it can be undone."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.stories.story import Span, Story


letters = st.text(alphabet="ab \né🙂", max_size=12)
actions = st.lists(
    st.one_of(
        st.tuples(st.just("take"), letters, st.sampled_from(["noir", "no module"]), st.integers(0, 3)),
        st.tuples(st.just("edit"), st.integers(0, 40), st.integers(0, 40), letters),
        st.tuples(st.sampled_from(["retry", "undo", "redo"])),
    ),
    max_size=30,
)


def do(story: Story, action: tuple[Any, ...]) -> None:
    match action:
        case ("take", text, label, seed):
            story.append_take(text, label, seed)
        case ("edit", start, length, text):
            start = start % (len(story.text) + 1)
            story.edit(story.text[:start] + text + story.text[start + length :])
        case (name,):
            getattr(story, name)()


def state(story: Story) -> tuple[object, ...]:
    return story.text, story.spans, story.takes


def check(story: Story) -> None:
    assert sum(span.length for span in story.spans) == len(story.text)
    assert all(span.length > 0 for span in story.spans)
    assert all(not a.joins(b) for a, b in zip(story.spans, story.spans[1:], strict=False))
    for take in story.takes:
        assert story.text[take.start : take.end] == take.text


@given(letters, actions)
def test_spans_cover_the_text_and_takes_stand_in_it(text: str, sequence: list[tuple[Any, ...]]) -> None:
    story = Story("t", text)
    for action in sequence:
        do(story, action)
        check(story)


@given(letters, actions)
def test_undoing_everything_leads_back_and_redoing_forward(text: str, sequence: list[tuple[Any, ...]]) -> None:
    story = Story("t", text)
    beginning = state(story)
    for action in sequence:
        do(story, action)
    end = state(story)
    undone = 0
    while story.undo():
        undone += 1
        check(story)
    assert state(story) == beginning
    while undone and story.redo():
        undone -= 1
        check(story)
    assert state(story) == end


@given(letters, actions)
def test_saved_and_loaded_it_is_the_same(text: str, sequence: list[tuple[Any, ...]]) -> None:
    story = Story("A title", text)
    for action in sequence:
        do(story, action)
    again = Story.from_dict(json.loads(json.dumps(story.to_dict())))
    assert state(again) == state(story)
    assert again.title == "A title"


@given(letters, letters)
def test_an_edit_makes_exactly_the_new_text(old: str, new: str) -> None:
    story = Story("", old)
    story.edit(new)
    assert story.text == new
    assert story.can_undo == (old != new)


def test_who_wrote_what() -> None:
    story = Story("", "I began. ")
    story.append_take("The model went on.", "noir ×0.5", 7)
    assert story.spans == (Span(9), Span(18, True, "noir ×0.5", 7))
    story.edit(story.text.replace("model", "machine"))
    assert [(s.length, s.by_model) for s in story.spans] == [(9, False), (5, True), (6, False), (9, True)]
    assert story.takes == ()


def test_retry_takes_back_the_last_take_only() -> None:
    story = Story("", "I began.")
    assert not story.can_retry
    assert story.retry() == "I began."
    story.append_take(" One.", "a", 1)
    story.append_take(" Two.", "a", 2)
    assert story.retry() == "I began. One."
    assert story.retry() == "I began."
    assert story.undo()
    assert story.text == "I began. One."
    assert story.can_retry
    story.edit("I began. One. And I")
    assert not story.can_retry
    assert story.retry() == story.text == "I began. One. And I"


def test_an_edit_before_a_take_moves_it() -> None:
    story = Story("", "I began.")
    story.append_take(" One.", "a", 1)
    story.edit("Then I began. One.")
    assert story.can_retry
    assert story.retry() == "Then I began."


def test_typing_is_undone_word_by_word() -> None:
    story = Story("", "")
    typed = "It was late"
    for end in range(1, len(typed) + 1):
        story.edit(typed[:end])
    seen = []
    while story.undo():
        seen.append(story.text)
    assert seen == ["It was ", "It ", ""]
    for _ in range(3):
        story.redo()
    assert story.text == typed


def test_undo_separates_what_is_typed_before_and_after_a_take() -> None:
    story = Story("", "")
    story.edit("Word")
    story.append_take("!", "a", 1)
    story.undo()
    story.edit("Words")
    story.undo()
    assert story.text == "Word"
    assert not story.can_retry


def test_words_and_dirt() -> None:
    story = Story("Rain", "It had  stopped.\n")
    assert (story.word_count, story.dirty) == (3, False)
    for change in ("text", "title", "memory", "note"):
        if change == "text":
            story.append_take(" Again.", "a", 1)
        else:
            setattr(story, change, "Snow")
        assert story.dirty
        story.mark_saved()
        assert not story.dirty
    story.mark_unsaved()
    assert story.dirty


def test_the_note_stands_in_its_template() -> None:
    story = Story(note="Slow. Sad.")
    assert story.note_text == "[Author's note: Slow. Sad.]"
    story.note_template = "<|>!"
    assert story.note_text == "Slow. Sad.!"
    story.note_template = "no place for it"
    assert story.note_text == "Slow. Sad."
    story.note = " "
    assert story.note_text == ""


@given(letters, actions)
def test_steps_saved_and_loaded_lead_back_and_forward_as_before(text: str, sequence: list[tuple[Any, ...]]) -> None:
    story = Story("t", text)
    for action in sequence:
        do(story, action)
    again = Story.from_dict(json.loads(json.dumps(story.to_dict(steps=1_000_000))))
    assert again.can_undo == story.can_undo
    for way in ("redo", "undo", "redo"):
        while getattr(story, way)():
            assert getattr(again, way)()
            assert state(again) == state(story)
            check(again)
        assert not getattr(again, way)()


def test_only_the_nearest_steps_fit_a_small_file() -> None:
    story = Story()
    for word in range(50):
        story.append_take(f"word {word} ", "a", word)
    again = Story.from_dict(json.loads(json.dumps(story.to_dict(steps=2_500))))
    back = 0
    while again.undo():
        back += 1
    assert 5 < back < 15
    assert story.text.startswith(again.text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.sampled_from(["", "ab", "start", "a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["at", "old", "new", "old_spans", "new_spans", "lost", "gained", "length", "start", "end"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(json_values, json_values, json_values)
def test_whatever_stands_in_a_file_the_story_is_whole(spans: object, takes: object, steps: object) -> None:
    story = Story.from_dict({"text": "abab", "spans": spans, "takes": takes, "steps": {"done": steps, "undone": steps}})
    assert story.text == "abab"
    check(story)
    while story.undo():
        check(story)


def test_members_that_are_not_ours_are_kept() -> None:
    story = Story.from_dict({"text": "It rained.", "bench": {"stack": [1]}})
    assert story.extra == {"bench": {"stack": [1]}}
    assert story.to_dict()["bench"] == {"stack": [1]}


@pytest.mark.parametrize("data", [[], {}, {"text": 5}, None, 7])
def test_what_is_no_story(data: object) -> None:
    with pytest.raises(ValueError, match="not a story"):
        Story.from_dict(data)


def test_marks_that_do_not_fit_are_forgotten_and_the_text_kept() -> None:
    for spans in ([{"length": 3}], [{"length": -1}, {"length": 6}], "abc", [{"width": 1}], 7, [{"length": "5"}]):
        story = Story.from_dict({"text": "12345", "spans": spans})
        assert (story.text, story.spans) == ("12345", (Span(5),))
    for takes in ([{"start": 9, "end": 12, "label": "", "seed": 1}], [{"start": 0}], [5], {"a": 1}):
        assert Story.from_dict({"text": "12345", "spans": [{"length": 5}], "takes": takes}).takes == ()


def test_a_novel_is_edited_in_no_time() -> None:
    story = Story("", "The rain had stopped. " * 25_000)
    middle = len(story.text) // 2
    began = time.process_time()
    for _ in range(50):
        story.edit(story.text[:middle] + "x" + story.text[middle:])
    assert (time.process_time() - began) / 50 < 0.02


def test_many_edits_are_one_step_and_leave_the_rest_to_whose_it_was() -> None:
    story = Story(text="Ann met Ann.")
    story.append_take(" Ann left.", "noir", 7)
    story.append_take(" Rain fell.", "noir", 8)
    before = (story.text, story.spans, story.takes)
    story.edit_many([(0, 3, "Mara"), (8, 11, "Mara"), (13, 16, "Mara")])
    assert story.text == "Mara met Mara. Mara left. Rain fell."
    assert [take.text for take in story.takes] == [" Rain fell."]
    assert sum(span.length for span in story.spans) == len(story.text)
    assert [(span.length, span.by_model) for span in story.spans] == [
        (14, False),
        (1, True),
        (4, False),
        (6, True),
        (11, True),
    ]
    after = (story.text, story.spans, story.takes)
    assert story.undo()
    assert (story.text, story.spans, story.takes) == before
    assert not story.can_undo or story.undo()
    while story.text != after[0]:
        assert story.redo()
    assert (story.spans, story.takes) == after[1:]


def test_many_edits_equal_one_after_another() -> None:
    one, many = Story(text="a b a b a"), Story(text="a b a b a")
    for story in (one, many):
        story.append_take(" a b a", "noir", 1)
        story.append_take(" c c", "rain", 2)
    edits = [(0, 1, "xx"), (4, 5, ""), (10, 11, "yyy"), (14, 14, "z")]
    many.edit_many(edits)
    for start, end, new in reversed(edits):
        one.edit(one.text[:start] + new + one.text[end:])
    assert (many.text, many.spans, many.takes) == (one.text, one.spans, one.takes)
