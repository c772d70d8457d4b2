"""The processes that read texts for the preview end with whoever wanted to know, however they are cancelled."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from kobold_modules.tui.state import reading
from kobold_modules.tui.state.remembered import remember
from kobold_modules.tui.widgets.training.text_tree import TextTree
from tests.tui.conftest import Open
from tests.tui.screens.training.conftest import opened


@pytest.fixture
def children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[psutil.Process]]:
    """Let the process that reads lore read for ever. Return what returns those that run, or ended unheeded."""
    (tmp_path / "reads_for_ever.py").write_text("import time\ntime.sleep(3600)\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH")))))
    monkeypatch.setattr(reading, "LORE_MODULE", "reads_for_ever")
    before = psutil.Process().children()
    return lambda: [child for child in psutil.Process().children() if child not in before]


@pytest.mark.parametrize("cancels", [1, 2, 3])
@pytest.mark.parametrize("passes", [1, 200])
def test_cancelling_ends_the_process_and_waits_for_its_end(
    cancels: int, passes: int, children: Callable[[], list[psutil.Process]]
) -> None:
    """The loop cancels once more what is still running when it ends."""

    async def lose_interest() -> None:
        task = asyncio.create_task(reading.read_lore_preview(["skerry.json"]))
        for _ in range(passes):
            await asyncio.sleep(0)
        assert len(children()) == 1
        for _ in range(cancels):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(lose_interest())

    gc.collect()  # a process that nobody waited for warns
    assert children() == []


async def test_quitting_the_program_ends_what_is_being_read(
    stage: Open, home: Path, children: Callable[[], list[psutil.Process]]
) -> None:
    pages = home / "pages"
    pages.mkdir(parents=True)
    (pages / "skerry.json").write_text('{"entries": {"0": {"key": ["Orla"], "content": "She keeps the light."}}}')
    remember("texts folder", str(pages))
    async with stage(size=(120, 40)) as on:
        await opened(on)
        await on.press("home", "down")
        assert on.app.screen.query_one(TextTree).cursor_node.data.path.name == "skerry.json"
        on.tap("space")
        await on.meets(children)
        on.tap("ctrl+q")
        await on.meets(lambda: not on.app.is_running)

    async with asyncio.timeout(300):
        while children():
            await asyncio.sleep(0.01)
    assert children() == []


async def test_files_that_are_no_lore_are_an_answer(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text("{}")

    assert (await reading.read_lore_preview([str(tmp_path / "empty.json")])).problem
