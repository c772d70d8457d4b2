"""Draws docs/pictures/*.svg from the running interface, so that pictures cannot grow old.

    python docs/make_pictures.py            the starter model writes, through the demo module
    python docs/make_pictures.py --fake     nonsense, in a second: for looking at a change
    python docs/make_pictures.py --png      PNGs beside them (needs cairosvg), for a look

``--size 120x40``, ``--theme NAME``, ``--only library`` and ``--out FOLDER`` are for looking at other sizes and themes.
The shelf is the one that docs/train_shelf.py has trained (run that first), with the cards and samples as its trainings
wrote them. The disk that the models are on is made up; what a model wrote in a picture, it wrote.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from train_shelf import BOOKS, Book

from kobold_modules.formats import kobold
from kobold_modules.library.library import Library
from kobold_modules.models.starter import demo_module_path
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.testing.fake_engine import fake_fingerprint
from kobold_modules.worker.client import Client, WorkerClient


if TYPE_CHECKING:
    from textual.pilot import Pilot

    from kobold_modules.tui.app import ModulesApp

PICTURES = Path(__file__).parent / "pictures"
OPENING = (
    "The lamp at the end of the quay had been out since Thursday, and nobody in Saltmere had said a word about it. "
    "Miss Harker crossed the wet stones with her collar up and her letter dry, and when she came to the door she"
)
Shot = Callable[["ModulesApp", "Pilot[int]"], Awaitable[None]]


def made_up(book: Book) -> Module:
    """Return a module of zeros, float32 ``[tokens, 8]``, with what its writer says of it."""
    card = Card(book.name, kind=book.kind, description=book.description, model="starter")
    return Module(np.zeros((book.tokens, 8), dtype=np.float32), card)


def fill(library: Library, real: bool) -> None:
    """Fill the library with the demo module and the modules of docs/train_shelf.py, with a writer's tags.

    Without a model (``real`` False) the rows are cut to the fake model's width; the cards stay, and a module that has
    not been trained is made up.
    """
    missing = [book.name for book in BOOKS if not book.path.exists()]
    if missing and real:
        raise SystemExit(f"Not trained yet: {', '.join(missing)}. Run python docs/train_shelf.py first.")
    modules: list[tuple[Module, tuple[str, ...]]] = [(kobold.read(demo_module_path()), ())]
    modules += [(kobold.read(book.path) if book.path.exists() else made_up(book), book.tags) for book in BOOKS]
    for module, tags in modules:
        card = replace(module.card, tags=tags or module.card.tags)
        if real or card.model != "starter":  # one fits another model, whoever writes
            library.add(replace(module, card=card))
        else:
            fitting = replace(card, fingerprint=fake_fingerprint(1000, 8))
            library.add(Module(np.ascontiguousarray(module.vectors[:, :8]), fitting))
    library.note("gothic house", favourite=True)


# -- what is photographed


async def library(app: ModulesApp, pilot: Pilot[int]) -> None:
    """Picture the library, the stack and a card."""
    modules = app.screen.query_one("ModuleList")
    modules.choose("demo-noir")
    await pilot.press("enter")
    modules.choose("gothic-house")
    await pilot.pause(0.3)


async def finding(app: ModulesApp, pilot: Pilot[int]) -> None:
    """Picture several modules marked, found by a few letters."""
    await pilot.press("slash", *"le", "enter", "x", "x")
    await pilot.pause(0.3)


async def bench(app: ModulesApp, pilot: Pilot[int]) -> None:
    """Picture a story that goes on."""
    from kobold_modules.tui.screens.writing.bench import BenchScreen

    app.screen.query_one("ModuleList").choose("demo-noir")
    await pilot.press("enter", "f3")
    screen = app.screen
    assert isinstance(screen, BenchScreen)
    screen.editor.insert(OPENING, maintain_selection_offset=False)
    await pilot.press("ctrl+j")
    await pilot.pause(0.3)
    await _until(pilot, lambda: not screen.writing and screen.page.context.meter.context.text is not None)
    await pilot.pause(0.8)


async def takes(app: ModulesApp, pilot: Pilot[int]) -> None:
    """Picture the same opening with a module and without."""
    await bench(app, pilot)
    await pilot.press("ctrl+z", "ctrl+b")
    await pilot.pause(1.0)
    from kobold_modules.tui.screens.writing.takes import TakesScreen

    screen = app.screen
    if isinstance(screen, TakesScreen):
        await _until(pilot, lambda: not screen.running)
    await pilot.pause(0.8)


async def train(app: ModulesApp, pilot: Pilot[int]) -> None:
    """Picture pages chosen for a training, cleaned, with what it will take."""
    from textual.widgets import Input

    from kobold_modules.evaluation.control_texts import samples_folder

    story = Path(os.environ["HOME"]) / "stories" / "the-long-drop.txt"
    story.parent.mkdir()
    shutil.copyfile(samples_folder() / "noir" / story.name, story)
    await pilot.press("f4")
    await pilot.pause(0.5)
    field = app.screen.query(Input).first()
    field.focus()
    field.value = str(story)
    await pilot.press("enter")
    await pilot.pause(1.0)
    if isinstance(app.app_state.client, WorkerClient):  # first a guess is shown, then what a few steps really took
        await _until(pilot, lambda: "on&#160;disk" in app.export_screenshot())


async def models(app: ModulesApp, pilot: Pilot[int]) -> None:
    """Picture the models on this disk."""
    await pilot.press("f5")
    await pilot.pause(2.0)


SHOTS: dict[str, tuple[Shot, str]] = {
    "library": (library, ""),
    "library-light": (finding, "paper"),
    "bench": (bench, ""),
    "takes": (takes, ""),
    "train": (train, ""),
    "models": (models, ""),
}


MADE_UP = {"models"}


async def _until(pilot: Pilot[int], holds: Callable[[], bool], seconds: float = 180) -> None:
    for _ in range(round(seconds / 0.1)):
        if holds():
            return
        await pilot.pause(0.1)
    raise SystemExit("The picture never came about.")


@contextmanager
def home() -> Iterator[None]:
    """Provide a home of its own, so that no picture shows whose machine it was."""
    with tempfile.TemporaryDirectory(prefix="writer-") as folder:
        os.environ["HOME"], os.environ["KOBOLD_MODULES_HOME"] = folder, f"{folder}/kobold"
        yield


async def draw(name: str, arguments: argparse.Namespace) -> None:
    """Draw one picture of one app."""
    from kobold_modules.tui.app import ModulesApp

    shot, theme = SHOTS[name]
    fake = arguments.fake or name in MADE_UP
    client: Client = FakeClient(delay=0.02) if fake else WorkerClient()
    shelf = Library()
    fill(shelf, not fake)
    app = ModulesApp(client, shelf, "starter")
    width, height = map(int, arguments.size.split("x"))
    async with app.run_test(size=(width, height)) as pilot:
        app.theme = arguments.theme or theme or app.theme
        await _until(pilot, lambda: app.app_state.model.phase in ("ready", "failed"))
        await shot(app, pilot)
        svg = app.export_screenshot(title="kobold modules")
    path: Path = arguments.out / f"{name}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg, encoding="utf-8")
    print(path)
    if arguments.png:
        import cairosvg

        svg = svg.replace("Fira Code", "DejaVu Sans Mono")  # which is on every Linux
        cairosvg.svg2png(bytestring=svg.encode(), write_to=str(path.with_suffix(".png")), output_width=1600)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fake", action="store_true", help="no model: nonsense, but fast")
    parser.add_argument("--only", choices=list(SHOTS), help="one picture instead of all")
    parser.add_argument("--png", action="store_true", help="PNGs, too")
    parser.add_argument("--size", default="120x36")
    parser.add_argument("--theme", default="")
    parser.add_argument("--out", type=Path, default=PICTURES)
    arguments = parser.parse_args()
    for name in [arguments.only] if arguments.only else SHOTS:
        with home():
            asyncio.run(draw(name, arguments))


if __name__ == "__main__":
    main()
