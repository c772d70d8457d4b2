"""``lore --study``: what a world module would be asked about its lore, entry by entry."""

from __future__ import annotations

import argparse
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from ...duration import duration
from ...errors import BadUsage
from ...models.find import resolve
from ...plain_text import one_line
from ...records import Record
from ...self_study import Example, Lore, Study, StudySettings, read_lore, study
from ..interrupts import interruptible
from ..output import Output, table


SHOWN = 2  # examples of each entry
MOST_SHOWN = 10_000
LONGEST_SHOWN = 160  # characters of a prompt or an answer on the terminal


def lore_study(arguments: argparse.Namespace, output: Output) -> int:
    """Make the examples and show them; with --minutes the model writes some of its own first."""
    if not 0 <= arguments.show <= MOST_SHOWN:
        raise BadUsage(f"--show takes from 0 to {MOST_SHOWN:,} examples of each entry, not {arguments.show}.")
    settings = StudySettings(seconds=60 * arguments.minutes)
    lore = read_lore([Path(name).expanduser() for name in arguments.files])
    model = resolve(arguments.model)
    results: list[Study] = []
    with interruptible() as stopped:
        work = study(lore.entries, model, settings, lambda: bool(stopped))
        output.follow(_collecting(work, results))
    found = results[0]
    output.object(**_as_data(lore, found, arguments.show))
    if not output.json:
        output.data(_shown(lore, found, arguments.show, settings))
    return 130 if stopped else 0


def _collecting(work: Generator[Record, None, Study], results: list[Study]) -> Iterator[Record]:
    results.append((yield from work))


def _of_entries(lore: Lore, found: Study) -> dict[str, list[Example]]:
    """Return the examples by the title of the entry they are about."""
    asked: dict[str, list[Example]] = {entry.title: [] for entry in lore.entries}
    for example in found.examples:
        asked[example.entries[0]].append(example)
    return asked


def _shown(lore: Lore, found: Study, show: int, settings: StudySettings) -> str:
    lines: list[str] = []
    asked = _of_entries(lore, found)
    for title, examples in asked.items() if show else ():
        lines += ["", f"{one_line(title)} ({_counted(len(examples))})"]
        for example in _of_every_kind(examples, show):
            prompt, answer = (_short(text) for text in (example.prompt, example.answer))
            lines.append(f"  {example.kind}: {prompt}  ->  {answer}")
    if not show:
        rows = [(title, f"{len(examples):,}") for title, examples in asked.items()]
        lines += [table(rows, ("title", "examples"))]
    if lore.left_out:
        lines += ["", "Switched off, not asked about: " + ", ".join(lore.left_out) + "."]
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in found.coverage.kinds.items())
    lines += ["", f"{_counted(len(found.examples))} about {_counted(len(asked), 'entry', 'entries')}: {kinds}."]
    lines += [f"Each part of the lore is in view {found.coverage.times:.1f} times; {settings.coverage:g} are wanted."]
    if few := found.coverage.fewest:
        lines += [f"Little can be asked about {_named(few)}: what they say is too short."]
    if found.dropped:
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in found.dropped.items())
        lines += [f"Of what the model wrote, {sum(found.dropped.values()):,} were dropped: {reasons}."]
    if settings.seconds:
        written = sum(example.source == "teacher" for example in found.examples)
        lines += [f"The model wrote {written:,} of them in {duration(settings.seconds)}; they are kept for a training."]
    return "\n".join(lines).lstrip("\n")


def _of_every_kind(examples: list[Example], most: int) -> list[Example]:
    """Return at most ``most`` examples, of as many kinds as there are, the model's own first."""
    ordered = sorted(examples, key=lambda example: example.source == "template")
    chosen = list({(example.kind, example.source): example for example in reversed(ordered)}.values())[::-1][:most]
    return [*chosen, *(example for example in ordered if example not in chosen)][:most]


def _as_data(lore: Lore, found: Study, show: int) -> dict[str, Any]:
    """Return a study as --json shows it, with every example that --show asks for."""
    return {
        "entries": [
            {
                "title": title,
                "examples": len(examples),
                "asked": [
                    {"kind": one.kind, "source": one.source, "prompt": one.prompt, "answer": one.answer}
                    for one in _of_every_kind(examples, show)
                ],
            }
            for title, examples in _of_entries(lore, found).items()
        ],
        "examples": len(found.examples),
        "kinds": found.coverage.kinds,
        "coverage": round(found.coverage.times, 3),
        "coverage_wanted": found.coverage.wanted,
        "asked_little": found.coverage.fewest,
        "dropped": found.dropped,
        "switched_off": list(lore.left_out),
    }


def _short(text: str) -> str:
    line = one_line(text, 4 * LONGEST_SHOWN)
    return line if len(line) <= LONGEST_SHOWN else f"… {line[-LONGEST_SHOWN + 2 :]}"


def _named(titles: list[str]) -> str:
    shown = ", ".join(one_line(title, 60) for title in titles[:6])
    return shown if len(titles) <= 6 else f"{shown} and {len(titles) - 6:,} others"


def _counted(count: int, one: str = "example", several: str = "examples") -> str:
    return f"{count:,} {one if count == 1 else several}"
