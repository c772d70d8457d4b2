"""Status lines belong to a screen and a moment, and are empty while there is nothing to say."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import kobold_modules
from kobold_modules.records import Failed
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.tui.state.hints import here
from kobold_modules.tui.widgets.status_line import Mood, StatusLine
from kobold_modules.tui.writing.manuscript import Manuscript, bench_path
from tests.tui.conftest import Open, Stage
from tests.tui.halting import Halting


def shown(on: Stage) -> str:
    return str(on.app.screen.query_one(StatusLine).render()).strip()


async def test_a_sentence_goes_after_its_time(stage: Open) -> None:
    async with stage(lives={"good": 0.05}) as on:
        await on.press("enter")
        await on.until(lambda: "gothic house" not in on.status)
        assert on.stack, "what it said has happened all the same"


async def test_a_problem_stays_longer_than_a_success(stage: Open) -> None:
    assert StatusLine.LIFE["good"] < StatusLine.LIFE["warning"] < StatusLine.LIFE["error"]
    assert "busy" not in StatusLine.LIFE, "while something goes on, it says so"


@pytest.mark.parametrize("mood", ["calm", "good", "warning", "error"])
async def test_progress_waits_until_an_answer_could_be_read(
    stage: Open, monkeypatch: pytest.MonkeyPatch, mood: Mood
) -> None:
    async with stage() as on:
        line = on.app.screen.query_one(StatusLine)
        monkeypatch.setattr(StatusLine, "READ", 600.0)
        line.say("It is an answer.", mood)
        line.progress("Writing … 1 of 2 tokens.")
        assert on.status == "It is an answer."
        monkeypatch.setattr(StatusLine, "READ", -1.0)
        line.progress("Writing … 2 of 2 tokens.", "esc stops it.")
        assert on.status == "Writing … 2 of 2 tokens. esc stops it."


async def test_progress_takes_the_place_of_progress_and_of_nothing_at_once(
    stage: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StatusLine, "READ", 600.0)
    async with stage() as on:
        line = on.app.screen.query_one(StatusLine)
        line.say("")
        for said in ("Reading …", "Writing … 1 of 2 tokens.", "Writing … 2 of 2 tokens."):
            line.progress(said)
            assert on.status == said


async def test_what_the_model_says_of_a_take_is_not_hidden_by_how_far_it_is(
    stage: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty times a second it was said how far the take was, so that no answer to a key could be read."""
    monkeypatch.setattr(StatusLine, "READ", 600.0)
    client = Halting(20)
    async with stage(client=client) as on:
        await on.begin()
        on.tap("ctrl+j")
        await on.meets(lambda: on.bench.editor.streaming and on.bench.writer._pace.tokens == 20)
        assert not on.bench.writer.page_is_free()
        client.pieces = 40
        await on.meets(lambda: on.bench.writer._pace.tokens == 40)
        on.bench.writer.tick()
        await on.says("The model is still writing.")
        on.tap("escape")
        await on.written()


async def test_no_model_is_loaded_goes_when_one_is(stage: Open) -> None:
    """interface.md: "No model is loaded" stood there after one was."""
    async with stage() as on:
        await on.app.app_state.unload()
        await on.press("m")
        await on.says("No model is loaded")
        await on.app.app_state.load()
        await on.until(lambda: "No model is loaded" not in on.status)


async def test_a_failed_load_is_news_until_a_model_is_there(stage: Open) -> None:
    client = FakeClient(failures={"load": Failed("There is no model called starter.", "", 3)})
    async with stage(client=client) as on:
        await on.press("f3")
        await on.says("no model called starter")
        await on.app.app_state.load()
        await on.until(lambda: "no model called starter" not in on.status)


async def test_what_was_said_in_passing_is_gone_when_somebody_comes_back(stage: Open) -> None:
    async with stage() as on:
        await on.press("enter")
        await on.says("added to the stack")
        await on.press("f3", "f2")
        assert "added to the stack" not in on.status


async def test_the_story_is_spoken_of_on_its_own_screen(stage: Open) -> None:
    """interface.md: "Your story is back" stood on another screen for half an hour."""
    manuscript = Manuscript(bench_path())
    manuscript.load()
    manuscript.story.edit("It rained on the quay.")
    manuscript.save()
    async with stage() as on:
        assert "Story restored" not in on.status
        await on.press("f3")
        await on.says("Story restored: 5 words.")
        await on.press("f2", "f3")
        assert "Story restored" not in on.status


async def test_an_idle_line_is_empty(stage: Open) -> None:
    """interface.md: an idle status line was a lone dot."""
    async with stage() as on:
        on.library.say("")
        assert not shown(on).startswith("·")
        await on.press("f5")
        await on.until(lambda: on.status == "")
        assert shown(on) == ""


async def test_a_worker_that_died_takes_its_model_with_it(stage: Open) -> None:
    """interface.md: header and F5 said loaded, the bench said it was not, and the hint named the command line."""
    async with stage() as on:
        await on.begin()
        assert on.client.on_death is not None
        on.client.failures["load"] = Failed(
            "There is no model file at /gone.gguf.", "`kobold-modules models` lists those on this disk.", 3
        )
        on.client.on_death()
        await on.shows("starter not loaded")
        await on.press("ctrl+j")
        await on.says("There is no model file at /gone.gguf. F5 lists those on this disk.")
        await on.shows("starter did not load")
        await on.press("f5")
        await on.shows("starter did not load")
        await on.hides("● starter")


def _for_the_command_line() -> list[str]:
    """Return every string below the command line that names its options or verbs, placeholders filled in."""
    root = Path(kobold_modules.__file__).parent
    found = []
    for path in sorted(root.rglob("*.py")):
        if {"cli", "pretraining", "tui"} & set(path.relative_to(root).parts) or path.name == "replay.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        parts = {id(value) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for value in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(v.value) if isinstance(v, ast.Constant) else "7" for v in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
                text = node.value
            else:
                continue
            if re.search(r"(^|[ `(])--[a-z]|`kobold-modules ", text) and "\n" not in text and " " in text:
                found.append(text)
    return found


@pytest.mark.parametrize("text", _for_the_command_line())
def test_a_hint_makes_sense_in_the_interface(text: str) -> None:
    """The kind: whatever hint may be shown names the interface's own keys and fields."""
    said = here(text)
    assert not re.search(r"(^|\W)--[a-z]", said), said
    for command in re.findall(r"`kobold-modules [^`]*`", said):
        assert f"{command}, run in a terminal," in said, said


def test_hints_name_keys_and_fields() -> None:
    assert here("`kobold-modules models` lists those on this disk.") == "F5 lists those on this disk."
    assert here("Leave out --weights 4-bit, or use --weights disk to save memory.") == (
        "Leave weights empty or set weights to disk under More settings to save memory."
    )
    assert here("Use --batch 4 or more.") == "Set batch to 4 or more under More settings."
    assert here("A plain sentence -- with a dash.") == "A plain sentence -- with a dash."
