"""The state that a training begins from: the rows, and whether they are worth beginning with."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence

import torch
from torch import Tensor

from ..errors import BadUsage
from ..evaluation.bits import HeldOut
from ..forward.prompt_loss import PromptLoss
from ..records import Note, Record
from .checkpoint import State
from .data import TrainingData
from .distributed import World
from .measuring import Measured, measure
from .near import ids_near, rows_near
from .optimiser.rate_scale import rate_scale
from .prompt_init import STARTS_THAT_HELP, find_rate, initial_rows, prefix_to_start_from
from .pruning import RATE as PRUNED_RATE
from .pruning import pruned_start
from .settings import TrainingRequest
from .template import Template, template_of
from .world.questions import Questions
from .world.start import telegram


DECIDED_ON = 0.2  # of the held-out tokens: 260 of a minute's training
FEWEST_QUESTIONS = 8
OF_PREFIXES = 0.25  # of the rate that suits rows: what suits prefixes, in units of their own scale (decisions, 33)


def fresh_state(
    loss: PromptLoss, writers: Sequence[TrainingData], world: World, stop: Callable[[], bool] = lambda: False
) -> Generator[Record, None, State]:
    """Return a new state. Raises BadUsage where texts trained together do not all fill a row."""
    request = writers[0].request
    if request.shared >= request.tokens:
        raise BadUsage(
            f"--shared {request.shared} leaves these modules of {request.tokens} virtual tokens none of their own."
        )
    length = min(writer.rows.length for writer in writers)
    if any(writer.rows.length != length for writer in writers):
        raise BadUsage(
            "The shortest of these texts does not fill a row.", f"Train it alone, or add --row {length} for all."
        )
    template = template_of(request.template, loss.frozen.encode, request.tokens)
    starts = []
    for writer in writers:
        if request.start == "pruned":
            starts.append((yield from pruned_start(loss, writer.rows, request, stop)))
        else:
            starts.append(template.applied(_start_of(loss, writer), loss.frozen.table))
    initial = torch.stack(starts)
    initial[:, : request.shared] = common_start(initial, request.shared)
    state = new_state(loss, world.same(initial), request, template)
    if request.rate is None:
        state.rate_scale = world.number(rate_scale(loss.rows)) * (1.0 if loss.prefix is None else OF_PREFIXES)
        state.rate_scale *= PRUNED_RATE if request.start == "pruned" else 1.0
    if request.rate == 0:
        state.rate = world.number(find_rate(loss, writers[0].rows, initial[0], request))
    state.compiled = loss.way == "fused" and request.compile
    return state


def new_state(loss: PromptLoss, initial: Tensor, request: TrainingRequest, template: Template | None = None) -> State:
    """Return a state that begins at ``initial``, ``[modules, tokens, width]``, prompts as ``loss`` takes them."""
    return State.fresh(
        initial,
        request.method,
        request.seed,
        request.optimiser,
        encoder=request.encoder,
        anchors=() if template is None else template.anchors,
        shared=request.shared,
        matrices=1 if loss.prefix is None else loss.prefix.matrices,
    )


def common_start(initial: Tensor, shared: int) -> Tensor:
    """Return the rows that a common part of ``shared`` rows begins at: some of each module's own start, in turn.

    Args:
        initial: float32 ``[modules, tokens, width]``.
    """
    if not shared:
        return initial.new_zeros(0, initial.shape[2])
    owners = torch.arange(shared, device=initial.device) * len(initial) // shared
    return initial[owners, torch.arange(shared, device=initial.device)]


def _start_of(loss: PromptLoss, writer: TrainingData) -> Tensor:
    request = writer.request
    if loss.prefix is not None and request.start == "module":
        return prefix_to_start_from(loss.prefix, loss, request)
    if request.near:
        return rows_near(loss.frozen, ids_near(request.near, loss.frozen.encode, request.tokens))
    if writer.lore and request.start == "text":
        return loss.start(telegram(loss, writer.lore, request.name, request.tokens))
    return loss.start(initial_rows(loss.rows, writer.rows, request))


def few_of(held_out: Measured) -> Measured:
    """Return the part of ``held_out`` that a start is decided on: what is measured while training takes longer."""
    if isinstance(held_out, Questions):
        return held_out.first(max(FEWEST_QUESTIONS, int(DECIDED_ON * len(held_out.questions))))
    documents = tuple(ids[: max(2, int(DECIDED_ON * len(ids)))] for ids in held_out.documents)
    return HeldOut(documents, max(1, int(DECIDED_ON * held_out.bytes)))


def starts_that_help(loss: PromptLoss, state: State, writers: Sequence[TrainingData]) -> Generator[Record, None, float]:
    """Try other starts where words of the text are worse than nothing. Returns the seconds that a token took.

    A short training does not make up for a start that harms.
    """
    began, read = time.monotonic(), 0

    def nats(prompt: Tensor | None, few: Measured, tokens: int) -> float:
        nonlocal read
        read += few.tokens
        return measure(loss, prompt, few, tokens).nats_per_token

    for index, writer in enumerate(writers):
        request, few = writer.request, few_of(writer.held_out)
        bare = nats(None, few, request.tokens)
        if request.start != "text" or request.near:
            continue
        lowest = nats(state.initial[index], few, request.tokens)
        if lowest < bare:
            continue
        for name, make in STARTS_THAT_HELP.items():
            rows = state.placed(index, loss.start(make(loss.rows, writer.rows, request)))
            if (found := nats(rows, few, request.tokens)) < lowest:
                lowest = found
                state.restart(index, rows, name)
        if state.starts[index]:
            yield Note(f"The text's own words make a poor start here; it starts from {state.starts[index]} instead.")
    return (time.monotonic() - began) / max(1, read)
