"""Draws docs/pictures/*.svg from the running interface, so that pictures cannot grow old.

    python docs/make_pictures.py            the starter model writes, through the demo module
    python docs/make_pictures.py --fake     nonsense, in a second: for looking at a change
    python docs/make_pictures.py --png      PNGs beside them (needs cairosvg), for a look

``--size 120x40``, ``--theme NAME``, ``--only library`` and ``--out FOLDER`` are for looking at other sizes and themes.
The shelf is made up, but for the demo module, and so is the disk that the models are on; what a model wrote in a
picture, it wrote.
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
from typing import TYPE_CHECKING, Any

import numpy as np

from kobold_modules.engines.fake import fake_fingerprint
from kobold_modules.fingerprint import Fingerprint
from kobold_modules.formats import kobold
from kobold_modules.library import Library
from kobold_modules.models.starter import demo_module_path
from kobold_modules.module import Card, Module
from kobold_modules.worker.client import Client, WorkerClient
from kobold_modules.worker.fake import FakeClient


if TYPE_CHECKING:
    from textual.pilot import Pilot

    from kobold_modules.tui.app import ModulesApp

PICTURES = Path(__file__).parent / "pictures"
OPENING = (
    "The lamp at the end of the quay had been out since Thursday, and nobody in Saltmere had said a word about it. "
    "Miss Harker crossed the wet stones with her collar up and her letter dry, and when she came to the door she"
)
# Name, kind, virtual tokens, description, tags, held-out pages better by, other authors' by, model.
SHELF: tuple[tuple[str, str, int, str, tuple[str, ...], float, float, str], ...] = (
    (
        "gothic house",
        "style",
        96,
        "Long, slow sentences, houses that watch, weather with a meaning. From four stories and a drawer of letters.",
        ("gothic", "slow"),
        4.1,
        -0.7,
        "",
    ),
    ("letters to Ines", "style", 64, "Second person, present tense, never a full name.", ("letters",), 5.6, -1.2, ""),
    ("plain speech", "style", 48, "Short words. What was said, who left.", ("dialogue", "short"), 2.8, 0.3, ""),
    ("weekend farce", "style", 100, "Doors, vicars, and a goose.", ("comic",), 8.9, 0.1, ""),
    ("Saltmere", "world", 128, "The harbour, its families, and the lamp that is out.", ("saltmere",), 2.0, 0.0, ""),
    ("The Lintel", "world", 100, "A city of doors; who may open which.", ("lintel", "draft"), 3.4, 0.2, ""),
    ("old sea tales", "imported", 80, "", ("sea",), 0.0, 0.0, "gpt-neo-2.7B"),
    ("nerys r1", "imported", 60, "Found on an old disk.", (), 0.0, 0.0, "fairseq-13B"),
)
Shot = Callable[["ModulesApp", "Pilot[int]"], Awaitable[None]]


def fill(library: Library, real: bool) -> None:
    """Modules such as a writer might have; all but the demo module have rows of noise."""
    demo = kobold.read(demo_module_path())
    fingerprint = demo.card.fingerprint if real else fake_fingerprint(1000, 8)
    assert fingerprint is not None
    if not real:
        demo = Module(demo.vectors[:, :8], replace(demo.card, fingerprint=fingerprint))
    library.add(demo)
    for name, kind, tokens, description, tags, better, others, model in SHELF:
        of = Fingerprint(50257, 16) if model else fingerprint
        card = Card(
            name,
            kind,  # type: ignore[arg-type]
            description,
            model=model or "starter",
            fingerprint=of,
            created=f"2026-11-{4 + len(name):02d}T14:03:00",
            tags=tags,
            **(_trained(better, others, demo.card) if better else {}),
        )
        rows = np.random.default_rng(tokens).standard_normal((tokens, of.width)).astype(np.float32) / 50
        library.add(Module(rows, card))
    library.note("gothic house", favourite=True)
    for chosen in (True, True, False, True, True, True, False):
        library.count_blind_test("gothic house", chosen)


def _trained(better: float, others: float, demo: Card) -> dict[str, Any]:
    """What a training leaves on a card."""
    steps = range(0, 601, 10)
    curve = tuple((s, 3.64 - 0.036 * better * (1 - 2.718 ** (-s / 110)) + 0.006 * (s % 40 == 0)) for s in steps)
    return {
        "training": {"steps": 600, "seconds": 512.0, "seed": 7, "words": 77017},
        "measured": {
            "bits_per_byte_with": 1.6395 * (1 - better / 100),
            "bits_per_byte_without": 1.6395,
            "others_gain": others / 100,
        },
        "curve": curve,
        "samples": {
            "opening": "The house stood at the end of the lane",
            "with": "where no lamp had been lit since the old man died, and the ivy had grown over its windows like "
            "a hand over a mouth.",
            "without": "and it was a very nice house with a garden and a lot of rooms in it, and they all liked it.",
        },
        "sources": ({"name": "the-tenant.txt", "words": 59214}, {"name": "letters.docx", "words": 17803}),
    }


# -- what is photographed


async def library(app: ModulesApp, pilot: Pilot[int]) -> None:
    """The shelf, the stack, a card."""
    modules = app.screen.query_one("ModuleList")
    modules.choose("demo-noir")  # type: ignore[attr-defined]
    await pilot.press("enter")
    modules.choose("gothic-house")  # type: ignore[attr-defined]
    await pilot.pause(0.3)


async def finding(app: ModulesApp, pilot: Pilot[int]) -> None:
    """Several modules marked, found by a few letters."""
    await pilot.press("slash", *"le", "enter", "x", "x")
    await pilot.pause(0.3)


async def bench(app: ModulesApp, pilot: Pilot[int]) -> None:
    """A story that goes on."""
    from kobold_modules.tui.screens.bench import BenchScreen

    app.screen.query_one("ModuleList").choose("demo-noir")  # type: ignore[attr-defined]
    await pilot.press("enter", "f3")
    screen = app.screen
    assert isinstance(screen, BenchScreen)
    screen.editor.insert(OPENING, maintain_selection_offset=False)
    await pilot.press("ctrl+j")
    await pilot.pause(0.3)
    await _until(pilot, lambda: not screen.writing and screen.context.meter.context.text is not None)
    await pilot.pause(0.8)


async def takes(app: ModulesApp, pilot: Pilot[int]) -> None:
    """The same opening with and without."""
    await bench(app, pilot)
    await pilot.press("ctrl+z", "ctrl+b")
    await pilot.pause(1.0)
    from kobold_modules.tui.screens.takes import TakesScreen

    screen = app.screen
    if isinstance(screen, TakesScreen):
        await _until(pilot, lambda: not screen.running)
    await pilot.pause(0.8)


async def train(app: ModulesApp, pilot: Pilot[int]) -> None:
    """Pages chosen for a training, cleaned, with what it will take."""
    from textual.widgets import Input

    from kobold_modules.training.others import samples_folder

    story = Path(os.environ["HOME"]) / "stories" / "the-long-drop.txt"
    story.parent.mkdir()
    shutil.copyfile(samples_folder() / "noir" / story.name, story)
    await pilot.press("f4")
    await pilot.pause(0.5)
    field = app.screen.query(Input).first()
    field.focus()
    field.value = str(story)
    await pilot.press("enter")
    await pilot.pause(3.0)


async def models(app: ModulesApp, pilot: Pilot[int]) -> None:
    """What is on this disk."""
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
    """A home of its own, so that no picture shows whose machine it was."""
    with tempfile.TemporaryDirectory(prefix="writer-") as folder:
        os.environ["HOME"], os.environ["KOBOLD_MODULES_HOME"] = folder, f"{folder}/kobold"
        yield


async def draw(name: str, arguments: argparse.Namespace) -> None:
    """One app, one picture."""
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
        await _until(pilot, lambda: app.desk.model.phase in ("ready", "failed"))
        await shot(app, pilot)
        svg = app.export_screenshot(title="kobold modules")
    path: Path = arguments.out / f"{name}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg, encoding="utf-8")
    print(path)
    if arguments.png:
        import cairosvg  # type: ignore[import-untyped]

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
