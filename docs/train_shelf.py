"""Trains the modules that docs/make_pictures.py shows, so that every card in a picture is of a real training.

    python docs/train_shelf.py                 about ten minutes on two cores; what is there already is kept
    python docs/train_shelf.py --minutes 3     longer trainings, from the beginning

From sample_texts only, so that anybody can make the same shelf. The modules go to docs/.shelf (not in git), one
KoboldAI zip each, with the cards as the training wrote them: names, tags and descriptions are a writer's, every number
and every sample is measured or written.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kobold_modules.evaluation.control_texts import samples_folder
from kobold_modules.records import Loss, Note, TrainedModule
from kobold_modules.training import TrainingRequest, train


SHELF = Path(__file__).parent / ".shelf"
STORIES = Path(__file__).resolve().parents[1] / "tests" / "data" / "stories260k" / "stories260K-F16.gguf"
MINUTES = 0.6


@dataclass(frozen=True)
class Book:
    """One module of the shelf: what it is trained on and how, and what its writer says of it."""

    name: str
    texts: Sequence[str]
    tokens: int
    description: str
    tags: tuple[str, ...]
    kind: Literal["style", "world"] = "style"
    times: float = 1.0  # of the usual minutes
    method: str = "prompt"
    start: str = "text"
    seed: int = 1
    model: str = "starter"

    @property
    def path(self) -> Path:
        return SHELF / f"{self.name.casefold().replace(' ', '-')}.zip"


BOOKS = (
    Book(
        "gothic house",
        ("gothic",),
        96,
        "Long, slow sentences, houses that watch, weather with a meaning.",
        ("gothic", "slow"),
        times=3.0,
    ),
    Book("plain speech", ("noir",), 48, "Short words. What was said, who left.", ("dialogue", "short")),
    Book("weekend farce", ("farce",), 100, "Doors, vicars, and a goose.", ("comic",)),
    Book("two voices", ("noir", "gothic"), 64, "Half one story, half the other.", ("draft",), seed=2),
    Book("small farce", ("farce",), 12, "The same weekend in twelve tokens.", ("comic", "short")),
    Book("Saltmere", ("gothic",), 128, "The harbour, its families, and the lamp that is out.", ("saltmere",), "world"),
    Book("The Lintel", ("world",), 100, "A city of doors; who may open which.", ("lintel", "draft"), "world", 2.0),
    Book(
        "Lintel by heart",
        ("world/gazetteer.md", "world/letter_from_the_slip.md"),
        64,
        "The gazetteer and one letter.",
        ("lintel",),
        "world",
        start="vocabulary",
    ),
    Book(
        "toy weekend",
        ("farce",),
        32,
        "For the smallest model there is.",
        ("comic", "draft"),
        model=str(STORIES),
    ),
)


def request_of(book: Book, minutes: float) -> TrainingRequest:
    """Return the request for the training of ``book``."""
    return TrainingRequest(
        files=tuple(str(samples_folder() / text) for text in book.texts),
        name=book.name,
        model=book.model,
        kind=book.kind,
        description=book.description,
        tokens=book.tokens,
        minutes=minutes * book.times,
        method=book.method,
        start=book.start,
        seed=book.seed,
        out=str(book.path),
        library=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, help=f"of each training, instead of {MINUTES}; trains all anew")
    arguments = parser.parse_args()
    if arguments.minutes is not None:
        shutil.rmtree(SHELF, ignore_errors=True)
    SHELF.mkdir(exist_ok=True)
    for book in BOOKS:
        if book.path.exists():
            print(f"{book.name}: {book.path} is there already")
            continue
        for record in train(request_of(book, arguments.minutes or MINUTES)):
            if isinstance(record, Note):
                print(f"  {record.text}", flush=True)
            elif isinstance(record, Loss) and record.held_out is not None:
                print(f"  step {record.step:>4}  {record.held_out:.4f} nats per token", flush=True)
            elif isinstance(record, TrainedModule):
                print(f"{book.name}: {record.headline}", flush=True)


if __name__ == "__main__":
    main()
