"""``evaluate``: what modules are worth, as a verdict in words, records, and a page."""

from __future__ import annotations

import argparse
from pathlib import Path

from ...disk.files import check_target, write_file
from ...errors import BadUsage
from ...evaluation.evaluate import evaluate as evaluate_module
from ...evaluation.page import FRONTS, page
from ...evaluation.settings import MOST_BESIDE, EvaluationRequest
from ...evaluation.words import change, percent
from ...evidence import CoLoad, Evaluated, StyleEvidence, WorldEvidence
from ...records import Saved
from ..interrupts import interruptible
from ..output import Output, table


INTERRUPTED = 130


def evaluate(arguments: argparse.Namespace, output: Output) -> int:
    """Evaluate each module and print what was found. Returns the exit code."""
    names: list[str] = arguments.modules
    if len(set(names)) < len(names):
        raise BadUsage("A module is named twice.", "Name each once.")
    if arguments.out:
        check_target(Path(arguments.out), ".html", replace=arguments.replace)
    found: list[Evaluated] = []
    with interruptible() as stopped:
        for name in names:
            if len(names) > 1:
                output.say(f"{name}:")
            request = _request(arguments, name)
            records = output.follow(evaluate_module(request, lambda: bool(stopped)))
            evaluated = [record for record in records if isinstance(record, Evaluated)]
            for one in evaluated:
                output.data(_told(one))
            found += evaluated
            if stopped:
                break
    if found and arguments.out:
        write_file(Path(arguments.out), page(found).encode("utf-8", "replace"))
        output.show(Saved(arguments.out, "page"))
    if stopped:
        output.say("Stopped: what was not finished is not kept.")
        return INTERRUPTED
    return 0


def _request(arguments: argparse.Namespace, name: str) -> EvaluationRequest:
    """Return the request for one module; the others that were named stand beside it."""
    others = [other for other in arguments.modules if other != name]
    beside = list(dict.fromkeys([*arguments.beside, *others]))
    if not arguments.beside:
        beside = beside[:MOST_BESIDE]
    return EvaluationRequest(
        module=name,
        model=arguments.model,
        texts=tuple(arguments.texts),
        questions=arguments.questions,
        lore=tuple(arguments.lore),
        beside=tuple(beside),
        quick=arguments.quick,
        seed=arguments.seed,
        keep=not arguments.no_keep,
    )


def _told(found: Evaluated) -> str:
    """Return everything that was found, for a terminal."""
    parts = [f"{found.module}: {found.headline}"]
    if found.style is not None:
        parts.append(_style(found.style))
    if found.world is not None:
        parts.append(_world(found.world))
    if found.co_load is not None:
        parts.append(_co_load(found.co_load))
    if found.neutral is not None and found.style is None:
        harm = found.neutral.harm
        parts.append(f"Other text: {percent(abs(harm.value))} {'harder' if harm.value > 0 else 'easier'} to predict.")
    if found.recital is not None:
        parts.append(found.recital.sentence)
    parts += [f"- {sentence}" for sentence in found.advice]
    parts += [f"({note})" for note in found.notes]
    return "\n".join(parts)


def _style(style: StyleEvidence) -> str:
    rows = [
        (FRONTS.get(loss.front, loss.front), str(loss.tokens), f"{loss.bits_per_byte:.4f}", change(loss.gain))
        for loss in style.losses
    ]
    told = table(rows, ("in front of held-out pages", "tokens", "bits/byte", "over no module"))
    if style.measures:
        places = [
            (
                one.label,
                f"{one.floor:.3g}",
                "-" if one.base is None else f"{one.base:.3g}",
                f"{one.value:.3g}",
                f"{one.ceiling:.3g}",
                "-" if one.place is None else percent(one.place.value, 0),
            )
            for one in style.measures
        ]
        headings = ("what it writes", "others", "no module", "module", "author", "of the way")
        told += "\n" + table(places, headings)
    return told


def _world(world: WorldEvidence) -> str:
    rows = [
        (
            FRONTS.get(one.front, one.front),
            percent(one.right.value, 0),
            percent(one.right_by_length.value, 0),
            f"{one.nats.value:.2f}",
        )
        for one in world.recall
    ]
    told = table(rows, (f"{world.questions} questions", "right", "right by length", "nats/token"))
    gaps = [(gap, unit) for gap, unit in ((world.gap_right, "answers"), (world.gap_nats, "nats")) if gap is not None]
    if gaps:
        told += "\ngap closed: " + ", ".join(f"{percent(gap.value, 0)} in {unit}" for gap, unit in gaps)
    if world.answered is not None and world.answered_without is not None:
        told += (
            f"\nin its own words: {percent(world.answered.value, 0)} right "
            f"({percent(world.answered_without.value, 0)} without the module)"
        )
    if world.consistent is not None:
        told += f"\nof the names and numbers it writes, {percent(world.consistent.value, 0)} stand in the lore"
    return told


def _co_load(co_load: CoLoad) -> str:
    rows = [("alone", f"{co_load.alone.value:.3f}", "100 %" if co_load.worst is not None else "-")]
    rows += [
        (" + ".join(row.order), f"{row.gain.value:.3f}", "-" if row.kept is None else percent(row.kept.value, 0))
        for row in co_load.rows
    ]
    return table(rows, ("among others, first to last", f"saved, {co_load.unit}", "kept"))
