"""Draws docs/pictures/*.svg from the running interface, so that pictures cannot grow old.

    python docs/make_pictures.py                     a made-up shelf, and the fake engine's nonsense
    python docs/make_pictures.py --real              the starter model writes
    python docs/make_pictures.py --real --library D  and the modules in folder D are shown

Options ``--size 120x40``, ``--theme NAME`` and ``--out FOLDER`` are for looking at other sizes and themes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from kobold_modules.engines.fake import fake_fingerprint
from kobold_modules.library import Library
from kobold_modules.module import Card, Kind, Module
from kobold_modules.worker.client import Client, WorkerClient
from kobold_modules.worker.fake import FakeClient


PICTURES = Path(__file__).parent / "pictures"
OPENING = (
    "The lamp at the end of the quay had been out since Thursday, and nobody in Saltmere had said a word about it. "
    "Miss Harker crossed the wet stones with her collar up and her letter dry, and when she came to the door she"
)


def made_up(library: Library) -> None:
    """Modules such as a writer might have, with vectors of noise."""
    shelf: tuple[tuple[str, Kind, int, str, float | None, str], ...] = (
        (
            "gothic house",
            "style",
            32,
            "Long, slow sentences, houses that watch, weather with a meaning.",
            2.214,
            "",
        ),
        (
            "harbour town",
            "world",
            48,
            "People and places of Saltmere, where a lamp has gone out.",
            2.262,
            "",
        ),
        ("noir rain", "style", 24, "First person and tired. Wet streets, and similes that cost a dime.", 2.251, ""),
        ("old sea tales", "imported", 80, "", None, "gpt-neo-2.7B"),
    )
    for name, kind, tokens, description, bits, model in shelf:
        width = 16 if model else 8
        card = Card(
            name,
            kind,
            description,
            model=model or "starter",
            fingerprint=fake_fingerprint(1000, width),
            created="2026-11-20T14:03:00",
            **(_trained(bits) if bits else {}),
        )
        rows = np.random.default_rng(tokens).standard_normal((tokens, width)).astype(np.float32)
        library.add(Module(rows, card))


def _trained(bits: float) -> dict[str, Any]:
    """What a training leaves on a card."""
    steps = range(0, 401, 10)
    return {
        "training": {"steps": 400, "seconds": 212.0, "seed": 7},
        "measured": {"bits_per_byte_with": bits, "bits_per_byte_without": 2.309},
        "curve": tuple((step, 3.11 + 0.44 * 2.718 ** (-step / 80) + 0.008 * (step % 30 == 0)) for step in steps),
        "samples": {
            "opening": "The house stood at the end of the lane",
            "with": "where no lamp had been lit since the old man died, and the ivy had grown over its windows like "
            "a hand over a mouth.",
            "without": "and it was a very nice house with a garden and a lot of rooms in it, and they all liked it.",
        },
        "sources": ({"name": "the-tenant.txt", "words": 59214}, {"name": "letters.docx", "words": 17803}),
    }


async def draw(client: Client, library: Library, size: tuple[int, int], theme: str, out: Path) -> None:
    """One app, two pictures."""
    from kobold_modules.tui.app import ModulesApp
    from kobold_modules.tui.screens.bench import BenchScreen
    from kobold_modules.tui.widgets.module_list import ModuleList
    from kobold_modules.tui.widgets.stack_panel import StackList

    app = ModulesApp(client, library, "starter")
    async with app.run_test(size=size) as pilot:
        if theme:
            app.theme = theme
        while app.desk.model.phase not in ("ready", "failed"):
            await pilot.pause(0.1)
        fitting = [i for i, entry in enumerate(app.screen.query_one(ModuleList).entries) if app.desk.fit(entry)[0]]
        for index in fitting[:2]:
            app.screen.query_one(ModuleList).highlighted = index
            await pilot.press("enter")
        app.screen.query_one(ModuleList).highlighted = 0
        stack = app.screen.query_one(StackList)
        stack.highlighted = min(1, stack.option_count - 1) if stack.option_count else None
        stack.action_strength(-5)
        await pilot.pause(0.3)
        _save(app.export_screenshot(title="kobold modules"), out / "library.svg")
        await pilot.press("f3")
        bench = app.screen
        assert isinstance(bench, BenchScreen)
        bench.editor.insert(OPENING, maintain_selection_offset=False)
        await pilot.press("ctrl+j")
        await pilot.pause(0.3)
        while bench.writing or bench.context.meter.context.text is None:
            await pilot.pause(0.1)
        await pilot.pause(0.8)
        _save(app.export_screenshot(title="kobold modules"), out / "bench.svg")


def _save(svg: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg, encoding="utf-8")
    print(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", action="store_true", help="let the starter model write")
    parser.add_argument("--library", type=Path, help="a folder of modules to show")
    parser.add_argument("--size", default="120x36")
    parser.add_argument("--theme", default="")
    parser.add_argument("--out", type=Path, default=PICTURES)
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"], os.environ["KOBOLD_MODULES_HOME"] = home, f"{home}/kobold"
        library = Library(arguments.library)
        if arguments.library is None:
            made_up(library)
        client: Client = WorkerClient() if arguments.real else FakeClient(delay=0.02)
        asyncio.run(draw(client, library, (width, height), arguments.theme, arguments.out))


if __name__ == "__main__":
    main()
