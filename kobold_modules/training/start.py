"""The state that a training begins from: the rows, and whether they are worth beginning with."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import torch
from torch import Tensor

from ..errors import BadUsage
from ..evaluation.bits import Bits
from ..forward.prompt_loss import PromptLoss
from ..records import Note, Record
from .checkpoint import State
from .data import TrainingData
from .distributed import World
from .finish import Baselines
from .measuring import measure
from .optimiser.rate_scale import rate_scale
from .prompt_init import STARTS_THAT_HELP, find_rate, initial_rows, prefix_to_start_from
from .settings import TrainingRequest
from .world.start import telegram


OF_PREFIXES = 0.25  # of the rate that suits rows: what suits prefixes, in units of their own scale (decisions, 33)


def fresh_state(loss: PromptLoss, writers: Sequence[TrainingData], world: World) -> State:
    """Return a new state. Raises BadUsage where texts trained together do not all fill a row."""
    request = writers[0].request
    length = min(writer.rows.length for writer in writers)
    if any(writer.rows.length != length for writer in writers):
        raise BadUsage(
            "The shortest of these texts does not fill a row.", f"Train it alone, or add --row {length} for all."
        )
    initial = torch.stack([_start_of(loss, writer) for writer in writers])
    state = new_state(loss, world.same(initial), request)
    if request.rate is None:
        state.rate_scale = OF_PREFIXES if loss.prefix is not None else world.number(rate_scale(loss))
    if request.rate == 0:
        state.rate = world.number(find_rate(loss, writers[0].rows, initial[0], request))
    state.compiled = loss.way == "fused" and request.compile
    return state


def new_state(loss: PromptLoss, initial: Tensor, request: TrainingRequest) -> State:
    """Return a state that begins at ``initial``, ``[modules, tokens, width]``, prompts as ``loss`` takes them."""
    matrices = 1 if loss.prefix is None else loss.prefix.matrices
    return State.fresh(initial, request.method, request.seed, request.optimiser, matrices=matrices)


def _start_of(loss: PromptLoss, writer: TrainingData) -> Tensor:
    request = writer.request
    if loss.prefix is not None and request.start == "module":
        return prefix_to_start_from(loss.prefix, loss, request)
    if writer.lore and request.start == "text":
        return loss.start(telegram(loss, writer.lore, request.name, request.tokens))
    return loss.start(initial_rows(loss.rows, writer.rows, request))


def starts_that_help(
    loss: PromptLoss, state: State, writers: Sequence[TrainingData], baselines: Sequence[Baselines]
) -> Generator[Record, None, list[Bits]]:
    """Return the loss of each start. Where words of the text are worse than nothing, others are tried in their place.

    A short training does not make up for a start that harms.
    """
    starts = []
    for index, writer in enumerate(writers):
        start, request = baselines[index].words, writer.request
        if request.start == "text" and start.nats_per_token >= baselines[index].model.nats_per_token:
            for name, make in STARTS_THAT_HELP.items():
                rows = loss.start(make(loss.rows, writer.rows, request))
                bits = measure(loss, rows, writer.held_out, request.tokens)
                if bits.nats_per_token < start.nats_per_token:
                    start = bits
                    state.restart(index, rows, name)
            if state.starts[index]:
                yield Note(
                    f"The text's own words make a poor start here; it starts from {state.starts[index]} instead."
                )
        starts.append(start)
    return starts
