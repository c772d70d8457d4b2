"""Takes side by side, driven by real keys over a fake worker."""

from __future__ import annotations

import json

import pytest

from kobold_modules.records import Failed
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.tui.screens.writing.bench import BenchScreen
from kobold_modules.tui.screens.writing.lineup import LineupScreen
from kobold_modules.tui.screens.writing.takes import TakesScreen
from kobold_modules.tui.state.entry_stack import EntryStack
from kobold_modules.tui.widgets.status_line import StatusLine
from kobold_modules.tui.widgets.writing.take_column import TakeColumn
from kobold_modules.tui.writing.comparison import Comparison, set_out
from kobold_modules.tui.writing.manuscript import bench_path
from kobold_modules.worker.messages import Compare
from tests.tui.conftest import OPENING, Open, Stage
from tests.tui.halting import Halting


def takes(on: Stage) -> TakesScreen:
    assert isinstance(on.app.screen, TakesScreen), on.text()
    return on.app.screen


def jobs(on: Stage) -> list[Compare]:
    return [job for job in on.client.jobs if isinstance(job, Compare)]


def put_on(on: Stage, *names: str) -> None:
    """Put modules on the stack."""
    by_name = {entry.name: entry for entry in on.app.app_state.entries}
    for name in names:
        on.app.app_state.stack = on.app.app_state.stack.add(by_name[name])


async def compare(on: Stage, *names: str, key: str = "ctrl+b") -> None:
    """Go to the bench with a stack and a first sentence, and ask for takes."""
    put_on(on, *names)
    await on.press("f3")
    on.editor.insert(OPENING)
    await on.press(key)
    await on.until(lambda: isinstance(on.app.screen, TakesScreen))


async def ended(on: Stage) -> None:
    await on.until(lambda: takes(on).comparison.ended and not takes(on).running)


async def test_the_same_words_through_nothing_one_and_both(stage: Open) -> None:
    async with stage(size=(120, 40)) as on:
        await compare(on, "gothic house", "noir rain")
        await ended(on)
        (job,) = jobs(on)
        assert [len(stack) for stack in job.stacks] == [0, 1, 2]
        assert len(set(job.seeds)) == 1
        assert job.text == OPENING
        texts = [column.text for column in takes(on).comparison.columns]
        assert len(set(texts)) == 3
        await on.shows("1 no module", "2 gothic house", "3 gothic house + noir rain", f"seed {job.seeds[0]}")
        await on.shows(texts[0].split()[0])
        assert isinstance(on.app.focused, TakeColumn)


async def test_a_number_puts_a_take_into_the_story(stage: Open) -> None:
    async with stage() as on:
        await compare(on, "gothic house")
        await ended(on)
        column = takes(on).comparison.columns[1]
        await on.press("2")
        assert isinstance(on.app.screen, BenchScreen)
        assert on.editor.text == OPENING + column.text
        take = on.bench.story.takes[-1]
        assert (take.label, take.seed) == ("gothic house", column.seed)
        await on.shows("gothic house wrote this")
        await on.press("ctrl+z")
        assert on.editor.text == OPENING


async def test_enter_takes_the_one_under_the_cursor(stage: Open) -> None:
    async with stage() as on:
        await compare(on, "gothic house", "noir rain")
        await ended(on)
        column = takes(on).comparison.columns[2]
        await on.press("left", "enter")
        assert on.editor.text == OPENING + column.text


async def test_escape_leaves_the_page_and_the_takes_are_there_again(stage: Open) -> None:
    async with stage() as on:
        await compare(on, "gothic house")
        await ended(on)
        before = takes(on).comparison
        await on.press("escape")
        assert on.editor.text == OPENING
        await on.press("ctrl+b")
        await on.until(lambda: isinstance(on.app.screen, TakesScreen))
        assert takes(on).comparison == before
        assert len(jobs(on)) == 1
        await on.press("r")
        await on.until(lambda: len(jobs(on)) == 2)
        await ended(on)
        assert takes(on).comparison.columns[0].seed != before.columns[0].seed


async def test_a_held_seed_is_everybodys_seed(stage: Open) -> None:
    async with stage() as on:
        await on.press("f3")
        on.bench.sampler.query_one("#seed").value = "77"
        await on.settled()
        await compare(on, "gothic house")
        await ended(on)
        assert jobs(on)[0].seeds == (77, 77)


async def test_several_dice_for_one_stack(stage: Open) -> None:
    async with stage() as on:
        await compare(on, "gothic house", key="f11")
        await ended(on)
        (job,) = jobs(on)
        assert len(job.stacks) == len(set(job.seeds)) == 3
        assert len({stack for stack in job.stacks}) == 1
        await on.press("plus")
        await on.until(lambda: len(jobs(on)) == 2)
        await ended(on)
        assert len(list(takes(on).query(TakeColumn))) == 4
        await on.press("minus")
        await on.until(lambda: len(jobs(on)) == 3)
        await ended(on)
        assert len(list(takes(on).query(TakeColumn))) == 3


async def test_without_a_stack_there_are_dice_to_compare(stage: Open) -> None:
    async with stage() as on:
        await compare(on)
        await ended(on)
        assert takes(on).comparison.lineup == "dice"
        await on.press("l")
        await on.says("only seeds")


@pytest.mark.parametrize("keys", [("e",), ("down", "enter")])
async def test_each_module_alone(stage: Open, keys: tuple[str, ...]) -> None:
    """interface.md: "Compare …" promised a dialog and went to the next line-up at once."""
    async with stage() as on:
        await compare(on, "gothic house", "noir rain")
        await ended(on)
        await on.press("l")
        assert isinstance(on.app.screen, LineupScreen)
        assert len(jobs(on)) == 1
        await on.press(*keys)
        await on.until(lambda: len(jobs(on)) == 2)
        await ended(on)
        assert [column.label for column in takes(on).comparison.columns] == ["no module", "gothic house", "noir rain"]


@pytest.mark.parametrize("key", ["escape", "enter", "o"])
async def test_cancelling_or_choosing_what_is_compared_already_keeps_the_takes(stage: Open, key: str) -> None:
    async with stage() as on:
        await compare(on, "gothic house", "noir rain")
        await ended(on)
        before = takes(on).comparison
        await on.press("l", key)
        assert takes(on).comparison == before
        assert len(jobs(on)) == 1
        assert isinstance(on.app.focused, TakeColumn)


@pytest.mark.parametrize("size", [(40, 10), (80, 24)])
async def test_the_choice_of_what_is_compared_names_the_columns_and_marks_the_current_one(
    stage: Open, size: tuple[int, int]
) -> None:
    async with stage(size=size) as on:
        await compare(on, "gothic house", "noir rain")
        await ended(on)
        await on.press("l")
        shown = await on.shows("● o One more module each", "no module, gothic house, go", "s Same stack, several seeds")
        assert shown.count("●") == 1 + (size[0] > 40)  # the model's name has one above
        await on.press("s")
        await on.until(lambda: len(jobs(on)) == 2)
        await ended(on)
        await on.press("l")
        await on.shows("● s Same stack")


async def test_nothing_else_is_compared_while_takes_are_coming(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StatusLine, "READ", 600.0)
    client = Halting(20)
    async with stage(client=client) as on:
        await compare(on, "gothic house")
        await on.until(lambda: takes(on).comparison.columns[1].text)
        on.tap("l")
        await on.says("still being written")
        client.pieces = 40
        await on.until(lambda: sum(column.tokens for column in takes(on).comparison.columns) == 40)
        assert "still being written" in on.status, "how far the takes are hides no answer before it could be read"
        assert isinstance(on.app.screen, TakesScreen)
        on.tap("escape")
        await on.until(lambda: not takes(on).running)


async def test_what_still_comes_after_a_stop_does_not_say_that_takes_are_written(
    stage: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Halting(20)
    async with stage(client=client) as on:
        await compare(on, "gothic house")
        await on.until(lambda: takes(on).comparison.columns[1].text)
        monkeypatch.setattr(client, "cancel", lambda: None)  # the model has not heard of it yet
        on.tap("escape")
        await on.says("Stopping …")
        client.pieces = 40
        await on.until(lambda: sum(column.tokens for column in takes(on).comparison.columns) == 40)
        takes(on).writer.flush()
        assert on.status == "Stopping …"
        monkeypatch.undo()
        client.cancel()
        await on.until(lambda: not takes(on).running)


async def test_stop_keeps_what_came_and_it_can_be_taken(stage: Open) -> None:
    async with stage(halt=40) as on:
        await compare(on, "gothic house")
        await on.until(lambda: len(takes(on).comparison.columns[1].text) > 30)
        on.tap("escape")
        await on.until(lambda: not takes(on).running)
        column = takes(on).comparison.columns[1]
        assert column.tokens < 120
        await on.press("2")
        assert on.editor.text == OPENING + column.text


async def test_a_take_chosen_while_it_comes_is_stopped_there(stage: Open) -> None:
    async with stage(halt=40) as on:
        await compare(on, "gothic house")
        await on.until(lambda: len(takes(on).comparison.columns[0].text) > 30)
        on.tap("1")
        await on.until(lambda: isinstance(on.app.screen, BenchScreen) and on.bench.story.takes)
        assert len(OPENING) + 30 < len(on.editor.text) < 500
        assert on.bench.story.takes[-1].label == "no module"


async def test_blind_hides_names_until_one_is_chosen_and_counts_the_vote(stage: Open) -> None:
    async with stage(size=(120, 40)) as on:
        await compare(on, "gothic house", "noir rain")
        await ended(on)
        await on.press("b")
        await on.until(lambda: len(jobs(on)) == 2)
        await ended(on)
        assert jobs(on)[0].seeds != jobs(on)[1].seeds  # what has been read cannot be hidden again
        await on.hides("gothic", "noir", "seed")
        comparison = takes(on).comparison
        at = [column.label for column in comparison.columns].index("gothic house")
        await on.press(str(at + 1))
        await on.shows("★ gothic house")
        await on.says("You chose gothic house.")
        await on.says("gothic house chosen in 1 of 1 blind test")
        await on.says("noir rain chosen in 0 of 1 blind test")
        notes = {entry.name: entry.notes for entry in on.app.app_state.library.entries()}
        assert (notes["gothic house"].chosen, notes["gothic house"].tried) == (1, 1)
        assert (notes["noir rain"].chosen, notes["noir rain"].tried) == (0, 1)
        await on.press("enter")
        assert on.editor.text == OPENING + comparison.columns[at].text
        await on.press("f2")
        await on.shows("chosen in 1 of 1 blind test")


async def test_votes_go_only_to_modules_that_could_be_told_apart(stage: Open) -> None:
    async with stage() as on:
        by_name = {entry.name: entry for entry in on.app.app_state.entries}
        both = EntryStack().add(by_name["gothic house"]).add(by_name["noir rain"])
        dice = set_out(OPENING, both, "dice", 1, blind=True)
        assert dice.votes(0) == {}
        ladder = set_out(OPENING, both, "stacks", 1)
        assert ladder.votes(0) == {"gothic-house": False, "noir-rain": False}
        assert ladder.votes(2) == {"gothic-house": True, "noir-rain": True}


async def test_an_error_is_a_sentence_and_the_page_is_untouched(stage: Open) -> None:
    client = FakeClient(failures={"compare": Failed("llama.cpp ran out of memory.", "Load a smaller model.", 6)})
    async with stage(client=client) as on:
        await compare(on, "gothic house")
        await on.until(lambda: not takes(on).running)
        await on.until(lambda: on.status == "llama.cpp ran out of memory. Load a smaller model.")
        await on.press("1")
        await on.says("This take is empty")
        await on.press("escape")
        assert on.editor.text == OPENING


async def test_takes_are_in_the_file(stage: Open) -> None:
    async with stage() as on:
        await compare(on, "gothic house")
        await ended(on)
        kept = takes(on).comparison
        await on.press("escape", "ctrl+q")
    saved = json.loads(bench_path().read_text())["bench"]["takes"]
    assert Comparison.from_dict(saved) == kept
    async with stage() as on:
        await on.press("f3", "ctrl+b")
        await on.until(lambda: isinstance(on.app.screen, TakesScreen))
        assert takes(on).comparison == kept
        assert not jobs(on)


async def test_memory_and_note_go_with_the_takes(stage: Open) -> None:
    async with stage() as on:
        await on.press("f3")
        on.bench.story.memory = "Mara keeps the light."
        await compare(on, "gothic house")
        await ended(on)
        assert jobs(on)[0].memory == "Mara keeps the light."


@pytest.mark.parametrize("nonsense", [None, 7, {}, {"columns": []}, {"columns": [{}], "lineup": "stacks"}])
def test_a_comparison_that_is_none(nonsense: object) -> None:
    assert Comparison.from_dict(nonsense) is None


async def test_takes_that_gave_way_to_others_come_back(stage: Open) -> None:
    """``b`` and ``l`` discarded what had been written; and blind, a number chooses before it inserts."""
    async with stage() as on:
        await on.press("enter")
        await on.begin()
        await on.press("ctrl+b")
        await on.says("insert a take")
        screen = on.app.screen
        assert isinstance(screen, TakesScreen)
        before = screen.comparison
        await on.press("b")
        await on.says("choose a take and see which is which")
        await on.press("u")
        assert screen.comparison == before
        await on.says("insert a take")
        await on.press("u")
        await on.says("no takes before these")
