"""``port`` and ``settle``: a module carried over to another model, and what it keeps there."""

from __future__ import annotations

import argparse
from collections.abc import Generator
from typing import Any

from ....evaluation.report import long_gain, measured_gain
from ....evaluation.words import percent
from ....phrases.measuring import Front
from ....porting.port import Ported
from ....porting.port import port as carry_over
from ....porting.settings import PortRequest
from ....records import Record, TrainedModule
from ... import INTERRUPTED
from ...output import Output, table
from ..train import stoppable


CALLED = {"nothing": "nothing", "ported": "carried over", "trained": "after training on"}


def port(arguments: argparse.Namespace, output: Output) -> int:
    """Carry a module over, and print what was kept of its gain. Returns the exit code."""
    request = PortRequest(
        module=arguments.module,
        target=arguments.target,
        source=arguments.source,
        settle=arguments.settle,
        texts=tuple(arguments.text),
        name=arguments.name,
        train=arguments.train,
        minutes=arguments.minutes,
        steps=arguments.steps,
        seed=arguments.seed,
        replace=arguments.replace,
    )
    found: list[Ported] = []

    def records() -> Generator[Record, None, None]:
        found.append((yield from carry_over(request, lambda: bool(stopped))))

    with stoppable() as stopped:
        kept = output.follow(records())
    (ported,) = found
    output.object(**as_json(ported, [record for record in kept if isinstance(record, TrainedModule)]))
    _show(ported, request, output)
    return INTERRUPTED if ported.stopped else 0


def _show(found: Ported, request: PortRequest, output: Output) -> None:
    told = "Its rows are as they were" if not found.shared else f"Mapped over {found.shared:,} shared tokens"
    tells = f", which tells {percent(found.explained, 0)} of the new table" if found.shared else ""
    output.say(f"{told}{tells}.")
    if found.fronts:
        rows = [_row(front, found.kept(front.name)) for front in found.fronts]
        headings = ("in front of held-out pages", "tokens", "bits/byte", "predicted", "of its gain kept")
        output.say(table(rows, headings))
        if found.before is not None:
            output.say(f"On the model that it was made for: {long_gain(found.before)}.")
    output.data(f"{found.name} is in the library, for {request.target}.")


def _row(front: Front, kept: float | None) -> tuple[str, ...]:
    gain = "-" if front.gain is None else long_gain(front.gain)
    share = "-" if kept is None else percent(kept, 0)
    return CALLED[front.name], f"{front.tokens:,}", f"{front.bits_per_byte:.4f}", gain, share


def as_json(found: Ported, trained: list[TrainedModule]) -> dict[str, Any]:
    """Return what came of it as --json shows it."""
    return {
        "ported": found.name,
        "way": found.way,
        "shared_tokens": found.shared,
        "explained": found.explained,
        "held_out_tokens": found.held_out_tokens,
        **({} if found.before is None else measured_gain(found.before, "gain_before")),
        "fronts": [
            {
                "front": one.name,
                "tokens": one.tokens,
                "bits_per_byte": one.bits_per_byte,
                "nats_per_token": one.nats_per_token,
                **({} if one.gain is None else measured_gain(one.gain)),
                **({} if (kept := found.kept(one.name)) is None else {"kept": kept}),
            }
            for one in found.fronts
        ],
        "steps": trained[-1].steps if trained else 0,
        "stopped": found.stopped,
    }
