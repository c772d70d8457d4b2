"""A look at the next words, and at the passage word by word."""

from __future__ import annotations

import pytest

from kobold_modules.answers import Candidate, NextTokens, Scores
from kobold_modules.records import Failed
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.tui.dialogs.ask import Confirm
from kobold_modules.tui.screens.writing.bench import BenchScreen
from kobold_modules.tui.screens.writing.next_words import CandidateList, NextWordsScreen
from kobold_modules.tui.widgets.writing.stack_effect import effect_of, passage
from kobold_modules.tui.writing.candidates import bar, candidates, per_cent, shown
from kobold_modules.worker.messages import Generate, Peek, Score
from tests.tui.conftest import OPENING, Open, Stage


async def look(on: Stage, *names: str, text: str = OPENING, at: int | None = None) -> NextWordsScreen:
    """Go to the bench with a stack and ``text``, and look at what could come at the cursor."""
    by_name = {entry.name: entry for entry in on.app.app_state.entries}
    for name in names:
        on.app.app_state.stack = on.app.app_state.stack.add(by_name[name])
    await on.press("f3")
    on.editor.insert(text)
    if at is not None:
        on.editor.move_cursor(on.editor.location_of(at))
    await on.press("ctrl+n")
    await on.until(lambda: isinstance(on.app.screen, NextWordsScreen) and on.app.screen.rows)
    screen = on.app.screen
    assert isinstance(screen, NextWordsScreen)
    await on.until(lambda: screen.query_one(CandidateList).option_count == len(screen.rows))
    await on.settled()
    return screen


async def test_bars_with_and_without_the_stack(stage: Open) -> None:
    async with stage() as on:
        screen = await look(on, "gothic house")
        (job,) = [job for job in on.client.jobs if isinstance(job, Peek)]
        assert job.text == OPENING
        assert len(job.stack) == 1
        await on.shows("█", "plain model", "gothic house", "▲", "▼")
        await on.shows(shown(screen.rows[0].text), per_cent(screen.rows[0].with_stack))


async def test_memory_and_note_stand_before_the_words_as_they_do_for_a_take(stage: Open) -> None:
    async with stage() as on:
        await on.press("f3")
        on.bench.story.memory, on.bench.story.note = "Mara keeps the light.", "A storm."
        await look(on)
        (job,) = [job for job in on.client.jobs if isinstance(job, Peek)]
        assert (job.text, job.memory) == (OPENING, "Mara keeps the light.")
        assert "A storm." in job.note


async def test_without_a_stack_there_is_one_bar(stage: Open) -> None:
    async with stage() as on:
        await look(on)
        await on.shows("probability")
        await on.until(lambda: on.text().count("plain model") == 1)  # in the stack's panel behind


async def test_a_word_is_put_in_and_the_model_goes_on_from_it(stage: Open) -> None:
    async with stage() as on:
        screen = await look(on, "gothic house")
        await on.press("down")
        word = screen.rows[1].text
        await on.press("enter")
        await on.until(lambda: isinstance(on.app.screen, BenchScreen) and not on.bench.writing and on.bench.story.takes)
        await on.until(lambda: len(on.editor.text) > 300)
        assert on.editor.text.startswith(OPENING + word)
        job = next(job for job in on.client.jobs if isinstance(job, Generate))
        assert job.text == OPENING + word
        await on.press("ctrl+r")  # another take, from behind the chosen word
        await on.until(lambda: len([job for job in on.client.jobs if isinstance(job, Generate)]) == 2)
        await on.until(lambda: not on.bench.writing)
        assert on.editor.text.startswith(OPENING + word)
        await on.press("ctrl+z", "ctrl+z", "ctrl+z", "ctrl+z")
        assert on.editor.text == OPENING


async def test_words_can_be_put_in_one_after_another_and_taken_back(stage: Open) -> None:
    async with stage() as on:
        screen = await look(on, "gothic house")
        first = screen.rows[0].text
        await on.press("space")
        await on.until(lambda: screen.rows)
        second = screen.rows[0].text
        await on.press("space")
        await on.until(lambda: screen.rows)
        asked = [job.text for job in on.client.jobs if isinstance(job, Peek)]
        assert asked == [OPENING, OPENING + first, OPENING + first + second]
        await on.press("backspace")
        await on.until(lambda: len([job for job in on.client.jobs if isinstance(job, Peek)]) == 4)
        await on.press("escape")
        assert on.editor.text == OPENING + first
        assert on.bench.story.spans[-1].by_model
        await on.shows("you chose this among the model's words")
        assert not [job for job in on.client.jobs if isinstance(job, Generate)]


async def test_escape_changes_nothing(stage: Open) -> None:
    async with stage() as on:
        await look(on)
        await on.press("escape")
        assert on.editor.text == OPENING
        assert not on.bench.story.takes


async def test_in_the_middle_one_is_asked_before_the_rest_is_cut(stage: Open) -> None:
    text = "The lamp was out. Nobody said a word."
    async with stage() as on:
        screen = await look(on, text=text, at=len(OPENING))
        word = screen.rows[0].text
        await on.press("enter")
        await on.until(lambda: isinstance(on.app.screen, Confirm))
        assert isinstance(on.app.screen, Confirm)
        assert "4 words after the cursor will be cut" in on.app.screen.explanation
        await on.press("escape")
        assert on.editor.text == OPENING + word + " Nobody said a word."
        await on.press("ctrl+z")
        assert on.editor.text == text
        on.editor.move_cursor(on.editor.location_of(len(OPENING)))
        await on.press("ctrl+n")
        await on.until(lambda: isinstance(on.app.screen, NextWordsScreen) and on.app.screen.rows)
        await on.press("enter", "y")
        await on.until(lambda: isinstance(on.app.screen, BenchScreen) and len(on.editor.text) > 300)
        await on.until(lambda: not on.bench.writing)
        assert on.editor.text.startswith(OPENING + word)
        assert "Nobody" not in on.editor.text


async def test_inside_the_last_take_the_rest_is_rolled_anew_without_a_question(stage: Open) -> None:
    async with stage() as on:
        await on.press("f3")
        on.editor.insert(OPENING)
        await on.press("ctrl+j")
        await on.until(lambda: not on.bench.writing and on.bench.story.takes)
        first = on.editor.text
        on.editor.move_cursor(on.editor.location_of(len(OPENING) + 20))
        await on.press("ctrl+n")
        await on.until(lambda: isinstance(on.app.screen, NextWordsScreen) and on.app.screen.rows)
        await on.press("enter")
        await on.until(lambda: isinstance(on.app.screen, BenchScreen) and not on.bench.writing)
        await on.until(lambda: len(on.editor.text) > 300)
        assert on.editor.text.startswith(first[: len(OPENING) + 20])
        assert on.editor.text != first


async def test_from_here_cuts_and_goes_on(stage: Open) -> None:
    async with stage() as on:
        await on.press("f3")
        on.editor.insert("The lamp was out. Nobody said a word.")
        on.editor.move_cursor(on.editor.location_of(len(OPENING)))
        await on.press("f9")
        await on.until(lambda: not on.bench.writing and on.bench.story.takes)
        assert on.editor.text.startswith(OPENING)
        assert "Nobody" not in on.editor.text
        await on.press("ctrl+z", "ctrl+z")
        assert on.editor.text == "The lamp was out. Nobody said a word."


async def test_an_error_is_shown_where_the_words_would_be(stage: Open) -> None:
    client = FakeClient(failures={"peek": Failed("The model is gone.", "Load it again.", 5)})
    async with stage(client=client) as on:
        await on.press("f3")
        on.editor.insert(OPENING)
        await on.press("ctrl+n")
        await on.shows("The model is gone. Load it again.")
        await on.press("enter", "escape")
        assert on.editor.text == OPENING


async def test_where_the_stack_shows(stage: Open) -> None:
    async with stage() as on:
        on.app.app_state.stack = on.app.app_state.stack.add(on.app.app_state.entries[0])
        await on.press("f3")
        on.editor.insert("Rain fell on the quay, and the lamp at its end was out. Nobody had said a word about it.")
        await on.press("f10")
        await on.until(lambda: on.editor.tinges)
        assert [job for job in on.client.jobs if isinstance(job, Score)]
        await on.says("With the stack")
        tinges = {tinge for _, _, tinge in on.editor.tinges}
        assert tinges == {"likelier", "unlikelier"}
        styles = {
            (bool(segment.style and segment.style.underline), bool(segment.style and segment.style.italic))
            for strip in on.app.screen._compositor.render_strips()
            for segment in strip
        }
        assert {(True, False), (False, True)} <= styles  # told by more than colour
        await on.press("f10")
        assert not on.editor.tinges
        await on.press("f10")
        await on.until(lambda: on.editor.tinges)
        await on.press("x")
        assert not on.editor.tinges


async def test_where_no_stack_is_nothing_shows(stage: Open) -> None:
    async with stage() as on:
        await on.press("f3")
        on.editor.insert(OPENING)
        await on.press("f10")
        await on.says("stack is empty")


async def test_keys_of_the_list_do_not_reach_the_page(stage: Open) -> None:
    async with stage() as on:
        screen = await look(on)
        await on.press("j", "j")
        assert screen.query_one(CandidateList).highlighted == 2
        await on.press("escape")
        assert on.editor.text == OPENING


def test_candidates_of_both_sides() -> None:
    stacked = (Candidate(1, " rain", " rain", 0.4, 0.0), Candidate(2, " sun", " sun", 0.1, 0.4))
    plain = (Candidate(2, " sun", " sun", 0.4, 0.1), Candidate(3, " day", " day", 0.2, 0.0))
    rows = candidates(NextTokens(stacked, plain))
    assert [row.text for row in rows] == [" rain", " sun", " day"]
    assert (rows[0].without, rows[2].with_stack) == (None, None)
    assert rows[1].pull == pytest.approx(-2)
    assert candidates(NextTokens((), ())) == []


@pytest.mark.parametrize(
    ("token", "words"), [(" the", "the"), ("ing", "…ing"), (",", ","), ("\n", "⏎ new line"), (" ", "␣ space")]
)
def test_tokens_as_a_person_reads_them(token: str, words: str) -> None:
    assert shown(token) == words


def test_bars_are_as_wide_as_they_should_be() -> None:
    assert [len(bar(share, 10)) for share in (0.0, 0.001, 0.5, 1.0, 7.0)] == [10] * 5
    assert bar(0.0, 4) == "    "
    assert bar(0.001, 4).strip()
    assert bar(0.5, 4) == "██  "
    assert [per_cent(value) for value in (None, 0.0001, 0.214)] == ["–", "<0.1 %", "21.4 %"]


def test_the_passage_is_the_paragraphs_around_the_cursor() -> None:
    text = "\n".join(f"{number} " + "word " * 60 for number in range(40))
    start, end = passage(text, len(text) // 2)
    assert start < len(text) // 2 <= end
    assert end - start <= 1500
    assert text[start - 1] == "\n"
    assert passage("short", 2) == (0, 5)


def test_scores_of_another_text_are_no_voice() -> None:
    scores = Scores(("The", " lamp"), (None, -1.0), (None, -3.0))
    found = effect_of(scores, "The lamp")
    assert found is not None
    assert found.tinges == ((4, 8, "likelier"),)
    assert found.gain == pytest.approx(2.0)
    assert effect_of(scores, "The lamps") is None
    assert effect_of(Scores((), (), ()), "") is None


def test_a_candidate_knows_what_it_adds_to_the_page() -> None:
    """Behind "the do" the token " door" adds "or"."""
    found = candidates(NextTokens((Candidate(5, " door", "or", 0.9, 0.0),), ()))
    assert (found[0].text, found[0].adds) == (" door", "or")
