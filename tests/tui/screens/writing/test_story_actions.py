"""The bench and the disk: a story survives, also one that cannot be read, and quitting asks where it should."""

from __future__ import annotations

import json
from typing import Any

from kobold_modules.stories import file
from kobold_modules.tui.dialogs.ask import Confirm
from kobold_modules.tui.writing.manuscript import bench_path
from tests.tui.conftest import OPENING, Open


async def test_the_story_survives(stage: Open) -> None:
    async with stage() as on:
        await on.press("enter")
        await on.begin()
        await on.press("ctrl+j")
        await on.written()
        whole = on.editor.text
        await on.press("ctrl+g")

        def saved() -> Any:
            return json.loads(bench_path().read_text())

        await on.until(lambda: saved()["text"] == whole and saved()["bench"]["sampler"]["preset"] == "careful")
        assert file.load(bench_path()).text == whole
    async with stage() as on:
        await on.press("f3")
        assert on.editor.text == whole
        assert on.stack == [("gothic house", 1.0, True)]
        assert on.bench.sampler.choice.preset == "careful"
        await on.says("Story restored")
        assert on.editor.marks
        await on.press("ctrl+r")
        await on.written()
        assert on.editor.text.startswith(OPENING)


async def test_a_preset_that_is_gone_leaves_the_usual_one(stage: Open) -> None:
    bench_path().parent.mkdir(parents=True)
    bench_path().write_text(json.dumps({"text": OPENING, "bench": {"sampler": {"preset": "sold", "seed": 3}}}))
    async with stage() as on:
        await on.press("f3")
        assert on.editor.text == OPENING
        assert (on.bench.sampler.choice.preset, on.bench.sampler.choice.seed) == ("balanced", 3)
        await on.press("ctrl+j")
        await on.written()
        await on.press("ctrl+g")
        assert on.bench.sampler.choice.preset == list(on.bench.sampler.presets)[1]


async def test_a_story_that_cannot_be_read_is_set_aside(stage: Open) -> None:
    bench_path().parent.mkdir(parents=True)
    bench_path().write_text("{ half a")
    async with stage() as on:
        await on.press("f3")
        await on.says("was renamed to")
        assert [path.read_text() for path in bench_path().parent.glob("*unreadable*")] == ["{ half a"]


async def test_quitting_while_the_model_writes_asks_once(stage: Open) -> None:
    async with stage(halt=20) as on:
        await on.begin()
        await on.press("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(OPENING) + 20)
        await on.press("ctrl+q")
        assert isinstance(on.app.screen, Confirm)
        await on.press("escape")
        assert on.bench.writing
        await on.press("ctrl+q", "ctrl+q")
        await on.until(lambda: on.app.return_code == 0)
    saved = json.loads(bench_path().read_text())["text"]
    assert saved.startswith(OPENING)
    assert len(saved) > len(OPENING) + 20
    assert on.client.closed


async def test_quitting_otherwise_asks_nothing_and_saves(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        await on.press("ctrl+q")
    assert json.loads(bench_path().read_text())["text"] == OPENING
