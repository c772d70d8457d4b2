"""The co-load table: what of a module's gain is left with others in the stack, before it and behind it.

Modules trained apart may speak over one another (field-2026-11, section 2). The gain of a stack is what it saves over
the plain model on the module's own ground: its author's held-out pages, or the questions on its world. ``kept`` is that
gain beside the gain of the module alone; a neighbour that spoils it counts against it, whatever the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

import numpy as np

from ..evidence import CoLoad, Estimate, Stacked
from . import bootstrap
from .bootstrap import Table


M = TypeVar("M")
ENOUGH = 0.85  # of the gain alone: what a stack should keep

Loss = Generator[int, None, Table]


def orders(module: M, others: Sequence[M]) -> list[tuple[M, ...]]:
    """Return the stacks to try: behind and before one other, behind and before all of them where there are several."""
    stacks = [(module, *others[:1]), (*others[:1], module)] if others else []
    return stacks + ([(module, *others), (*others, module)] if len(others) > 1 else [])


def co_load(
    module: M,
    others: Sequence[M],
    loss_of: Callable[[Sequence[M]], Loss],
    name_of: Callable[[M], str],
    unit: str,
    stand_ins: bool = False,
    known: dict[str, Table] | None = None,
) -> Generator[int, None, CoLoad]:
    """Measure ``module`` alone and in each of :func:`orders`; yield tokens read and return the table.

    Args:
        loss_of: measures a stack on the module's own ground: float64 ``[cases, 2]``, nats and tokens of each; the cases
            are the same for every stack.
        known: tables that were measured before, ``nothing`` and ``alone``.
    """
    known = known or {}
    nothing = known["nothing"] if "nothing" in known else (yield from loss_of(()))
    alone = known["alone"] if "alone" in known else (yield from loss_of((module,)))
    rows = []
    for stack in orders(module, others):
        table = yield from loss_of(stack)
        rows.append(
            Stacked(tuple(name_of(each) for each in stack), gain_in_nats(nothing, table), kept(nothing, alone, table))
        )
    return CoLoad(unit, gain_in_nats(nothing, alone), tuple(rows), stand_ins)


def gain_in_nats(nothing: Table, table: Table) -> Estimate:
    """Return the nats per token that are saved over nothing in front."""
    return bootstrap.estimate(
        np.hstack([nothing, table]), lambda means: means[:, 0] / means[:, 1] - means[:, 2] / means[:, 3]
    )


def kept(nothing: Table, alone: Table, table: Table) -> Estimate | None:
    """Return the share of the alone gain that is left; None where there is no clear gain to be kept."""
    if not gain_in_nats(nothing, alone).value > 0:
        return None

    def share(means: Table) -> Table:
        plain, own, among = (means[:, at] / means[:, at + 1] for at in (0, 2, 4))
        found: Table = (plain - among) / (plain - own)
        return found

    return bootstrap.estimate(np.hstack([nothing, alone, table]), share)
