"""The Models screen, driven by real keys over the fake worker, and once over a real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.widgets import Input

from kobold_modules.cli.commands import tui as tui_command
from kobold_modules.library.library import Library
from kobold_modules.records import Failed, Record
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.tui.dialogs.ask import Ask, Confirm
from kobold_modules.tui.screens.models.models import ModelsScreen
from kobold_modules.tui.state.disk_models import FOLDERS, USUAL
from kobold_modules.tui.state.remembered import recall, remember
from kobold_modules.tui.widgets.models.download_line import DownloadLine
from kobold_modules.tui.widgets.models.model_list import ModelColumns, ModelList
from kobold_modules.worker.client import WorkerClient
from kobold_modules.worker.messages import Download, Job, Load, Models
from tests.tui.conftest import REAL, Open, Stage
from tests.tui.pictures import SIZES, looks_like


MISTRAL = "/home/writer/models/Mistral-7B-v0.3.Q4_K_M.gguf"


def screen(on: Stage) -> ModelsScreen:
    assert isinstance(on.app.screen, ModelsScreen)
    return on.app.screen


def models(on: Stage) -> ModelList:
    return screen(on).list


async def opened(on: Stage) -> None:
    await on.press("f5")
    await on.until(lambda: screen(on).disk.models and not screen(on).search.searching)
    await on.settled()


async def to(on: Stage, name: str) -> None:
    """Put the cursor on a model, by keys."""
    await on.press("home")
    for _ in range(30):
        if models(on).chosen is not None and models(on).chosen.name == name:
            return
        await on.press("down")
    raise AssertionError(f"{name} is not in the list:\n{on.text()}")


@pytest.mark.parametrize("size", SIZES)
async def test_looks(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        await opened(on)
        await to(on, "Mistral-7B-v0.3.Q4_K_M")
        await looks_like(on, "models")


async def test_what_each_can_do_here_stands_in_its_line(stage: Open) -> None:
    async with stage(size=(120, 40)) as on:
        await opened(on)
        lines = {line.lstrip("›●★ ").split()[0]: line for line in _rows(on)}
        assert "✓ yes    ✗ no" in lines["Mistral-7B-v0.3.Q4_K_M"]
        assert "✓ yes    ✓ yes" in lines["Qwen/Qwen3-0.6B-Base"]
        assert "! It is damaged or unfinished" in lines["novelist-13b.Q5_K_M"]
        assert "LM Studio" in lines["Llama-3.3-70B-Instruct-Q4_K_M"]
        await on.shows("24 GB of 32 GB of memory free")


def _rows(on: Stage) -> list[str]:
    shown = models(on)
    return [shown.get_option_at_index(index).prompt.plain for index in range(shown.option_count)]


async def test_the_panel_says_why_not(stage: Open) -> None:
    async with stage(size=(120, 40)) as on:
        await opened(on)
        await to(on, "Mistral-7B-v0.3.Q4_K_M")
        await on.shows("7.2 billion parameters as Q4_K_M, 4.4 GB on disk, context 32,768")
        await on.shows("Needs 5.1 GB of the 24 GB free memory.", "and this machine has 32 GB of memory.")
        await to(on, "glm-4-9b.Q4_K_M")
        await on.shows("llama.cpp accepts no soft prompts for glm4")


async def test_enter_loads_and_u_unloads(stage: Open) -> None:
    async with stage() as on:
        await opened(on)
        assert models(on).marks.loaded == "starter"
        await to(on, "Mistral-7B-v0.3.Q4_K_M")
        await on.press("enter")
        await on.until(lambda: on.app.app_state.model.phase == "ready" and on.app.app_state.wanted == MISTRAL)
        await on.says("is loaded")
        assert Load(MISTRAL) in on.client.jobs
        assert models(on).marks.loaded == MISTRAL
        await on.shows("Loaded, with a context of 2,048 of its")
        await on.press("enter")
        await on.says("is already loaded")
        await on.press("u")
        await on.until(lambda: on.app.app_state.model.phase == "unloaded")
        await on.says("was unloaded")
        assert [job for job in on.client.jobs if isinstance(job, Load)][-1] == Load("")
        await on.shows("not loaded")
        assert models(on).marks.loaded == ""


async def test_a_model_that_was_unloaded_is_loaded_when_one_writes(stage: Open) -> None:
    async with stage() as on:
        await opened(on)
        await on.press("u")
        await on.until(lambda: on.app.app_state.model.phase == "unloaded")
        await on.press("f3")
        on.editor.insert("The lamp was out.")
        await on.press("ctrl+j")
        await on.until(lambda: not on.bench.writing and on.app.app_state.model.phase == "ready")
        assert [job.model for job in on.client.jobs if isinstance(job, Load)] == ["starter", "", "starter"]


async def test_what_cannot_write_is_not_tried(stage: Open) -> None:
    async with stage() as on:
        await opened(on)
        for name, reason in (
            ("Llama-3.3-70B-Instruct-Q4_K_M", "this machine has 32 GB"),
            ("novelist-13b.Q5_K_M", "damaged"),
        ):
            await to(on, name)
            await on.press("enter")
            await on.says(reason)
            await on.press("s")
            await on.says(reason)
        assert on.app.app_state.wanted == "starter"


async def test_loading_that_fails_says_so_and_escape_stops_it(stage: Open) -> None:
    client = FakeClient(0.02)
    async with stage(client=client) as on:
        await opened(on)
        client.failures["load"] = Failed("It does not fit into memory.", "Take a smaller one.", 6)
        await to(on, "Qwen3-1.7B-Base.Q8_0")
        await on.press("enter")
        await on.until(lambda: on.app.app_state.model.phase == "failed")
        await on.until(lambda: on.status == "It does not fit into memory. Take a smaller one.")
        on.tap("enter")
        await on.until(lambda: on.app.app_state.model.phase == "loading")
        on.tap("escape")
        await on.until(lambda: on.app.app_state.model.phase in ("ready", "failed"))


async def test_the_usual_model_is_where_the_program_begins(
    stage: Open, starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage() as on:
        await opened(on)
        await to(on, "Mistral-7B-v0.3.Q4_K_M")
        await on.press("s")
        await on.says("is now the default model")
        assert models(on).marks.usual == MISTRAL
        assert recall(USUAL) == MISTRAL
    assert tui_command._usual("starter") == "starter"  # the file is gone
    remember(USUAL, str(starter))
    assert tui_command._usual("starter") == str(starter)
    assert tui_command._usual("other.gguf") == "other.gguf"


async def test_a_download_by_name(stage: Open) -> None:
    async with stage(size=(80, 24), delay=0.005) as on:
        await opened(on)
        await on.press("d")
        await on.type("nothing")
        await on.press("enter")
        assert isinstance(on.app.screen, Ask)
        await on.shows("not the name of a model on Hugging Face")
        on.app.screen.query_one(Input).value = "https://huggingface.co/maker/story-1b/tree/main"
        await on.press("enter")
        line = screen(on).query_one(DownloadLine)
        await on.until(lambda: models(on).chosen is not None and models(on).chosen.name == "story-1b")
        await on.until(lambda: "maker/story-1b" in str(line.render()))
        await on.until(lambda: "100%  808 MB of 808 MB" in str(line.render()))
        await on.until(lambda: not line.display)
        await on.says("was downloaded")
        assert Download("maker/story-1b") in on.client.jobs


async def test_smollm2_is_offered_in_one_line_and_g_fetches_it(stage: Open) -> None:
    async with stage(size=(80, 24), delay=0.005) as on:
        await opened(on)
        await on.shows("g fetches a real small model, SmolLM2 135M (98 MB).")
        await on.press("g")
        await on.until(lambda: models(on).chosen is not None and models(on).chosen.model == "smollm2")
        assert Download("smollm2") in on.client.jobs
        await on.says("smollm2 was downloaded")
        await on.hides("fetches a real small model")
        await on.press("g")
        assert on.client.jobs.count(Download("smollm2")) == 1
        await on.press("enter")
        await on.until(lambda: on.app.app_state.model.phase == "ready" and on.app.app_state.wanted == "smollm2")


async def test_a_click_on_the_offer_fetches_it_and_quitting_meanwhile_is_asked_about(stage: Open) -> None:
    async with stage(size=(120, 40), client=SlowDownloads()) as on:
        await opened(on)
        await on.pilot.click("#offer", offset=(6, 0))
        await on.until(lambda: "10%" in str(screen(on).query_one(DownloadLine).render()))
        await on.hides("fetches a real small model")
        await on.press("ctrl+q")
        assert isinstance(on.app.screen, Confirm)
        await on.shows("smollm2 is being downloaded.")
        await on.hides("is kept")


class SlowDownloads(FakeClient):
    """Downloads stand still until they are cancelled."""

    def another(self) -> FakeClient:
        other = SlowDownloads(self.delay)
        other.jobs = self.jobs
        return other

    async def run(self, job: Job) -> AsyncIterator[Record]:
        if isinstance(job, Download):
            self.delay = 0.02
            async for record in super().run(job):
                yield record
                if getattr(record, "done", 0):
                    while not self._cancelled:
                        await asyncio.sleep(0.01)
        else:
            async for record in super().run(job):
                yield record


async def test_a_download_goes_on_elsewhere_is_asked_about_and_stops(stage: Open) -> None:
    async with stage(client=SlowDownloads()) as on:
        await opened(on)
        await on.press("d")
        await on.type("maker/story")
        await on.press("enter")
        models_screen = screen(on)
        line = models_screen.query_one(DownloadLine)
        await on.until(lambda: "10%" in str(line.render()))
        await on.press("f3")
        on.editor.insert("The lamp was out.")
        await on.press("ctrl+j")
        await on.until(lambda: not on.bench.writing and len(on.editor.text) > 20)  # writes while it downloads
        await on.press("ctrl+q")
        assert isinstance(on.app.screen, Confirm)
        await on.shows("maker/story is being downloaded")
        await on.press("escape", "f5", "x")
        await on.until(lambda: not line.display)
        await on.says("is kept")
        assert models_screen.unfinished_work == ""


async def test_a_download_that_fails_says_why(stage: Open) -> None:
    async with stage() as on:
        await opened(on)
        await on.press("d")
        await on.type("maker/missing")
        await on.press("enter")
        await on.says("no model maker")
        assert not screen(on).query_one(DownloadLine).display


async def test_finding_by_letters(stage: Open) -> None:
    async with stage() as on:
        await opened(on)
        await on.press("slash")
        await on.type("q3b")
        assert [model.name for model in models(on).models] == ["Qwen/Qwen3-0.6B-Base", "Qwen3-1.7B-Base.Q8_0"]
        await on.type("zzz")
        await on.shows("No model matches")
        await on.press("escape")
        assert len(models(on).models) == 7
        assert on.app.focused is models(on)


async def test_one_more_folder_is_searched_from_now_on(stage: Open, home: Path) -> None:
    (home / "more").mkdir()
    async with stage() as on:
        await opened(on)
        await on.press("a")
        await on.type("~/nowhere")
        await on.press("enter")
        await on.shows("There is nothing at")
        on.app.screen.query_one(Input).value = "~/more"
        await on.press("enter")
        await on.until(lambda: Models((str(home / "more"),)) in on.client.jobs)
        assert recall(FOLDERS) == str(home / "more")


async def test_what_was_left_out_can_be_seen(stage: Open) -> None:
    async with stage(size=(120, 40)) as on:
        await opened(on)
        await on.press("o")
        await on.shows("Left out: a projector")
        await on.press("end", "enter")
        await on.says("cannot be loaded")
        await on.press("o")
        assert len(models(on).models) == 7


async def test_the_mouse_moves_and_loads(stage: Open) -> None:
    async with stage(size=(80, 24)) as on:
        await opened(on)
        await on.pilot.click(ModelList, offset=(8, 3))
        assert models(on).chosen is not None
        assert models(on).chosen.name == "Mistral-7B-v0.3.Q4_K_M"
        await on.pilot.click(ModelList, offset=(8, 3), times=2)
        await on.until(lambda: on.app.app_state.wanted == MISTRAL and on.app.app_state.model.phase == "ready")


async def test_every_key_is_in_the_palette(stage: Open) -> None:
    async with stage() as on:
        await opened(on)
        titles = {command.title for command in on.app.get_system_commands(on.app.screen)}
        assert {"Load", "Unload", "Download", "Set as default", "Add folder", "Search again"} <= titles


def test_columns_fit_every_width() -> None:
    for width in range(40, 240):
        columns = ModelColumns.within(width)
        assert len(columns.header()) <= max(width, 46)


@pytest.mark.slow
async def test_on_a_real_worker(stage: Open, stories: Path, empty_shelf: Library) -> None:
    remember(FOLDERS, str(stories))
    async with stage(client=WorkerClient(), library=empty_shelf, ready=False) as on:
        await on.press("f5")
        await on.until(lambda: any(m.name == "stories260K-F16" for m in screen(on).disk.models), REAL)
        await on.until(lambda: on.app.app_state.model.phase == "ready", REAL)
        await to(on, "stories260K-F16")
        await on.press("enter")
        await on.until(
            lambda: on.app.app_state.model.phase == "ready" and on.app.app_state.model.name == "stories260K-F16", REAL
        )
        await on.press("u")
        await on.until(lambda: on.app.app_state.model.phase == "unloaded")
