"""A story remembers the model it was written with."""

from __future__ import annotations

import json
from pathlib import Path

from textual.widgets import Input

from kobold_modules.records import Failed
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.tui.state.remembered import remember_context
from kobold_modules.tui.writing.manuscript import bench_path
from kobold_modules.worker.messages import Load
from tests.tui.conftest import OPENING, Open, Stage


def loads(on: Stage) -> list[tuple[str, int]]:
    return [(job.model, job.context) for job in on.client.jobs if isinstance(job, Load)]


def written_with(model: Path | str, context: int = 0) -> None:
    bench_path().parent.mkdir(parents=True, exist_ok=True)
    with_it = {"model": str(model), "name": Path(str(model)).stem, "context": context}
    bench_path().write_text(json.dumps({"text": OPENING, "bench": {"model": with_it}}))


async def test_a_restart_loads_the_model_the_story_was_written_with(stage: Open, home: Path) -> None:
    (home / "novelist.gguf").touch()
    async with stage() as on:
        await on.begin()
        await on.app.app_state.switch(str(home / "novelist.gguf"), "novelist")
        await on.press("ctrl+q")
    async with stage() as on:
        assert loads(on) == [(str(home / "novelist.gguf"), 0)]
        assert on.app.app_state.model.name == "novelist"


async def test_its_context_is_remembered_too(stage: Open, home: Path) -> None:
    (home / "novelist.gguf").touch()
    remember_context(str(home / "novelist.gguf"), 1024)
    async with stage() as on:
        await on.begin()
        await on.app.app_state.switch(str(home / "novelist.gguf"), "novelist")
        assert on.app.app_state.model.context == 1024
        await on.press("ctrl+q")
    async with stage() as on:
        assert loads(on) == [(str(home / "novelist.gguf"), 1024)]


async def test_another_story_brings_its_own_model(stage: Open, home: Path) -> None:
    (home / "novelist.gguf").touch()
    async with stage() as on:
        await on.begin()
        await on.press("shift+f7")
        await on.type("second")
        await on.press("enter")
        await on.app.app_state.switch(str(home / "novelist.gguf"), "novelist")
        on.bench.opener.open(bench_path().with_name("bench.json"))
        await on.until(lambda: on.app.app_state.model.name == "starter" and on.app.app_state.model.phase == "ready")
        await on.says("which it was written with")


async def test_a_model_that_is_gone_is_said_and_not_forgotten(stage: Open, home: Path) -> None:
    written_with(home / "gone.gguf")
    async with stage() as on:
        await on.press("f3")
        await on.says("gone, which this story was written with, is not there any more.")
        assert loads(on) == [("starter", 0)]
        await on.press("ctrl+q")
    assert json.loads(bench_path().read_text())["bench"]["model"]["name"] == "gone"


async def test_a_model_that_fails_gives_way_to_the_usual_one(stage: Open, home: Path) -> None:
    (home / "broken.gguf").touch()
    written_with(home / "broken.gguf")
    client = FakeClient(failures={"load": Failed("It is damaged.", "Fetch it again.", 3)})
    async with stage(client=client, ready=False) as on:
        await on.until(lambda: on.app.app_state.model.phase == "ready")
        await on.says("It is damaged. starter is loaded instead.")
        assert loads(on) == [(str(home / "broken.gguf"), 0), ("starter", 0)]


async def test_the_context_is_explained_and_can_be_changed(stage: Open) -> None:
    async with stage() as on:
        await on.press("f5")
        screen = on.app.screen
        await on.until(lambda: "c changes it" in " ".join(on.text().split()) or "changes" in on.text())
        await on.press("c")
        await on.shows("Without a choice it gets")
        field = on.app.screen.query_one(Input)
        field.value = "12"
        await on.press("enter")
        await on.shows("is no context of starter")
        field.value = "512"
        await on.press("enter")
        await on.until(lambda: on.app.screen is screen and on.app.app_state.model.context == 512)
        assert loads(on)[-1] == ("starter", 512)
