"""One optimiser step: a batch's loss and gradient, then Muon or Adam on what is trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ...forward.distillation_loss import TeacherTargets
from ...forward.memory import AtOnce
from ...forward.prompt_loss import PromptLoss
from ..checkpoint import State
from ..distributed import World
from ..near import Near
from ..neighbours import Beside
from ..packing import RowSource
from .orthogonal import orthogonalise
from .prefix_table import apart, scales, together, without_sink
from .prompt_encoder import LONGEST, longest, shortened
from .reparametrisation import SHARED, folded, trained_names


BETAS = (0.9, 0.98)
MOMENTUM = 0.8
FRONT = 0.5  # what the first token of a row counts; the last counts 2 - FRONT
AVERAGED = 0.05  # share of the steps so far that the running average reaches back


def batch_of(all_rows: Sequence[RowSource], seed: int, step: int, size: int) -> Tensor:
    """Return rows for every module: int64 ``[size, modules, 2, length]``, or 3 where a teacher's targets are named."""
    return torch.stack([rows.batch(seed, step, size) for rows in all_rows], dim=1)


def step(
    loss: PromptLoss,
    batch: Tensor,
    state: State,
    rate: float,
    at_once: AtOnce,
    world: World,
    targets: TeacherTargets | None = None,
    beside: Beside | None = None,
    near: Near | None = None,
) -> float:
    """Take one optimiser step and return the loss before it, nats per token, all tokens alike.

    What is descended on plain text is a mean that counts late tokens of a row for more (:func:`emphasis`); on examples
    with a teacher, the sum over all scored tokens of the batch by their weights, divided by how many they are.

    Args:
        batch: as :func:`batch_of` makes it, the same in every process of ``world``.
        rate: absolute, in units of the prompts.
        targets: what the batch's third line of numbers points into.
        beside: rows that stand around every prompt and are not trained.
        near: what holds the prompts back, which the loss that is returned leaves out.

    NaN comes back, and nothing has changed, where loss or gradient are not finite.
    """
    parts = {name: state.parts[name].clone().requires_grad_(True) for name in trained_names(state.parts)}
    prompts = folded(state.parts | parts)
    # with what stands around them, once a step: through the rows behind a deep prefix a gradient leads back to it
    around = prompts if beside is None else beside.around(prompts, loss)
    leaf = around.detach().requires_grad_(True)
    compute = _on_text(loss, leaf) if targets is None else _on_examples(loss, leaf, targets, batch)
    mine = world.share(batch)
    value, gradient = at_once(mine, compute, loss.row_threads)
    gradient, value = world.mean(gradient, value, len(mine))
    if not (torch.isfinite(value) and torch.isfinite(gradient).all()):
        return math.nan
    ends, gradients = [around], [gradient]
    if near is not None:
        ends, gradients = [around, prompts], [gradient, near.gradient(prompts)]
    _move(state, dict(zip(parts, torch.autograd.grad(ends, list(parts.values()), gradients), strict=True)), rate)
    if targets is not None:
        return float(value)
    documents = batch[:, :, 1]
    scored = (documents[..., 1:] == documents[..., :-1]).double().mean()
    return float(value / scored)


def batch_loss(
    loss: PromptLoss, batch: Tensor, prompts: Tensor, targets: TeacherTargets | None, beside: Beside | None
) -> float:
    """Return the loss of ``batch`` behind other ``prompts``, in the units of :func:`step`, which it does not take."""
    with torch.no_grad():
        around = prompts if beside is None else beside.around(prompts, loss)
        rows = _flat(batch, loss)
        if targets is None:
            return float(loss(around, rows[:, 0], rows[:, 1]))
        at = rows[:, 2, 1:] >= 0
        here = targets.at(rows[:, 2, 1:][at])
        losses = loss.against(around, rows[:, 0], rows[:, 1], at, here)
        return float((losses * here.weighing).sum() / here.weighing.sum().clamp_min(1e-9))


Compute = Callable[[Tensor], tuple[Tensor, Tensor]]


def _on_text(loss: PromptLoss, leaf: Tensor) -> Compute:
    """Return what computes the mean loss and gradient of some rows of plain text."""

    def compute(some: Tensor) -> tuple[Tensor, Tensor]:
        modules, rows = some.shape[1], _flat(some, loss)
        losses = loss.per_token(leaf, rows[:, 0], rows[:, 1])
        # Divided by a constant, not by the number of scored tokens: parts of a batch, here or elsewhere, then add up.
        (gradient,) = torch.autograd.grad((losses * emphasis(losses)).sum() * modules / losses.numel(), leaf)
        return losses.detach().mean(), gradient

    return compute


def _on_examples(loss: PromptLoss, leaf: Tensor, targets: TeacherTargets, batch: Tensor) -> Compute:
    """Return what computes the divergence from the teacher of some rows of ``batch``, and its gradient."""
    # what a row's tokens weigh on average: every part divides by it, so that a token counts alike wherever it stands
    names = batch[:, :, 2, 1:].to(leaf.device)
    scored, rows_in_all = names[names >= 0], batch.shape[0] * batch.shape[1]
    a_row = float(targets.at(scored).weighing.sum()) / rows_in_all or 1.0
    # The gradient is not divided by weights: what counts for more moves more, in steps that have much of it or little.
    slope = a_row * rows_in_all / max(1, len(scored))

    def compute(some: Tensor) -> tuple[Tensor, Tensor]:
        modules, rows = some.shape[1], _flat(some, loss)
        at = rows[:, 2, 1:] >= 0
        here = targets.at(rows[:, 2, 1:][at])
        losses = loss.against(leaf, rows[:, 0], rows[:, 1], at, here)
        total = (losses * here.weighing).sum() / (len(rows) * a_row)
        (gradient,) = torch.autograd.grad(total * (modules * slope), leaf)
        return total.detach(), gradient

    return compute


def _flat(some: Tensor, loss: PromptLoss) -> Tensor:
    """Return rows of the same module together: ``[size, modules, lines, length]`` as ``[modules * size, ...]``."""
    return some.transpose(0, 1).flatten(0, 1).to(loss.frozen.device)


def emphasis(losses: Tensor) -> Tensor:
    """Return the weight of each token of a row, ``[length - 1]`` like the last dimension of ``losses``: 1 on the mean.

    A module will mostly stand before half a page and more, and held-out text is measured that way
    (``evaluation.bits``); the front of a row, which a prompt helps most easily, would pull it elsewhere.
    """
    return torch.linspace(FRONT, 2 - FRONT, losses.shape[-1], dtype=losses.dtype, device=losses.device)


def _move(state: State, gradients: dict[str, Tensor], rate: float) -> None:
    state.step += 1
    for name, gradient in gradients.items():
        way = _muon if state.optimiser == "muon" else _adam
        mean, square = state.mean[name], state.square[name]
        if state.matrices == 1:
            change = way(gradient, mean, square, state.step)
        else:
            apiece = without_sink(apart(gradient, state.matrices))
            change = way(apiece, apart(mean, state.matrices), apart(square, state.matrices), state.step)
            change = together(scales(state.initial, state.matrices) * change)
        state.parts[name] = state.parts[name] - rate * change
    if state.optimiser == "muon" and state.matrices == 1:
        for name in {"prompt", SHARED} & gradients.keys():
            state.parts[name] = shortened(state.parts[name], longest(state.initial[: len(state.parts[name])], LONGEST))
    reach = max(1.0, AVERAGED * state.step)
    state.average = torch.lerp(state.average, state.prompts, 1 / reach)


def _muon(gradient: Tensor, mean: Tensor, square: Tensor, step: int) -> Tensor:
    """Apply Muon (Jordan et al. 2024): Nesterov momentum made orthogonal, so that no few directions take all progress.

    Its root mean square is 1, as Adam's roughly is, so that one learning rate serves both.
    """
    mean.lerp_(gradient, 1 - MOMENTUM)
    direction = orthogonalise(gradient.lerp(mean, MOMENTUM))
    return direction / direction.square().mean((-2, -1), keepdim=True).sqrt().clamp_min(1e-12)


def _adam(gradient: Tensor, mean: Tensor, square: Tensor, step: int) -> Tensor:
    """Apply Adam (Kingma and Ba 2015), with bias correction."""
    first, second = BETAS
    mean.lerp_(gradient, 1 - first)
    square.lerp_(gradient.square(), 1 - second)
    return mean / (1 - first**step) / ((square / (1 - second**step)).sqrt() + 1e-12)
