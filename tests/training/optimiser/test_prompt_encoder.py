"""P-tuning: issue 17, deliverable 2."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from kobold_modules.forward.memory import AtOnce
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.training.checkpoint import State
from kobold_modules.training.distributed import World
from kobold_modules.training.optimiser.prompt_encoder import ENCODERS, LAYERS, LONGEST, PACE, PREFIX, encoder_parts
from kobold_modules.training.optimiser.reparametrisation import folded
from kobold_modules.training.optimiser.step import step
from tests.tiny import tiny


Array = NDArray[np.float64]


def literally(parts: dict[str, torch.Tensor], prompt: int) -> Array:
    """Return the rows of one prompt by the equations, one number of a hidden state after another's turn, in float64."""
    start = parts["prompt"].double().numpy()
    scale = np.sqrt((start**2).mean())
    own = {
        name.removeprefix(PREFIX): tensor[prompt].double().numpy() / scale * (1 if name.endswith("tokens") else PACE)
        for name, tensor in parts.items()
        if name.startswith(PREFIX)
    }

    def weight(name: str) -> Array:
        return np.asarray(own[name] / np.sqrt(own[name].shape[1]))

    def relu(x: Array) -> Array:
        return np.maximum(x, 0.0)

    def sigmoid(x: Array) -> Array:
        return np.asarray(1 / (1 + np.exp(-x)))

    def read(states: list[Array], name: str) -> list[Array]:
        """Run an LSTM over ``states``: input, forget, cell and output gates, as torch orders them."""
        half = own[f"lstm.weight_hh{name}"].shape[1]
        h, c, found = np.zeros(half), np.zeros(half), []
        for x in states:
            gates = weight(f"lstm.weight_ih{name}") @ x + weight(f"lstm.weight_hh{name}") @ h
            i, f, g, o = np.split(gates + own[f"lstm.bias{name}"][0], 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            found.append(h)
        return found

    hidden = list(own["tokens"])
    if "middle" not in own:
        for layer in range(LAYERS):
            forwards = read(hidden, f"_l{layer}")
            backwards = read(hidden[::-1], f"_l{layer}_reverse")[::-1]
            hidden = [np.concatenate(pair) for pair in zip(forwards, backwards, strict=True)]
    rows = []
    for index, x in enumerate(hidden):
        x = relu(weight("inner") @ x + own["inner_bias"][0])
        if "middle" in own:
            x = relu(weight("middle") @ x + own["middle_bias"][0])
        row = start[prompt, index] + scale * (weight("out") @ x + own["out_bias"][0])
        longest = LONGEST * np.linalg.norm(start[prompt], axis=1).mean()
        rows.append(row * min(1.0, longest / np.linalg.norm(row)))
    return np.stack(rows)


@pytest.mark.parametrize("kind", ENCODERS)
def test_an_encoder_computes_what_its_equations_say_for_every_prompt_its_own(kind: str) -> None:
    initial = torch.randn(2, 5, 12, generator=torch.Generator().manual_seed(4)) * 0.03
    parts = {"prompt": initial} | encoder_parts(kind, initial, 7)
    moved = torch.Generator().manual_seed(5)
    parts |= {
        name: tensor + 0.05 * torch.randn(tensor.shape, generator=moved)
        for name, tensor in parts.items()
        if name.startswith(PREFIX)
    }

    rows = folded(parts).double().numpy()

    assert not np.allclose(rows, initial.numpy(), atol=1e-3)
    for prompt in range(2):
        np.testing.assert_allclose(rows[prompt], literally(parts, prompt), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("kind", ENCODERS)
def test_p_tuning_begins_at_the_chosen_rows_and_its_encoder_learns(kind: str) -> None:
    frozen = tiny()
    loss = PromptLoss(frozen)
    start = frozen.table[:6].float()[None].clone()
    state = State.fresh(start, "p-tuning", encoder=kind)
    torch.testing.assert_close(state.prompts, start)
    ids = torch.from_numpy(np.random.default_rng(3).integers(20, size=(3, 1, 1, 12)))
    batch = torch.cat([ids, torch.zeros_like(ids)], dim=2)

    losses = [step(loss, batch, state, 0.4 * frozen.rms, AtOnce(2, "cpu"), World()) for _ in range(12)]

    assert losses[-1] < losses[0] - 0.05
    assert torch.equal(state.parts["prompt"], start)  # the encoder moves, not what it is added to
    assert not torch.allclose(state.prompts, start)


@pytest.mark.parametrize("kind", ENCODERS)
def test_words_of_a_template_stay_as_they_are(kind: str) -> None:
    frozen = tiny()
    start = frozen.table[:6].float()[None].clone()
    state = State.fresh(start, "p-tuning", encoder=kind, anchors=(2, 3))
    ids = torch.from_numpy(np.random.default_rng(3).integers(20, size=(3, 1, 1, 12)))
    batch = torch.cat([ids, torch.zeros_like(ids)], dim=2)

    for _ in range(3):
        step(PromptLoss(frozen), batch, state, 0.05 * frozen.rms, AtOnce(2, "cpu"), World())

    moved = (state.prompts - start)[0].abs().amax(1) > 0
    assert moved.tolist() == [True, True, False, False, True, True]


def test_after_a_roll_back_the_rows_are_the_best_ones_and_go_on_learning() -> None:
    """A rolled back encoder stands for the best rows, not for the best rows and what it had learned on top."""
    frozen = tiny()
    state = State.fresh(frozen.table[:6].float()[None].clone(), "p-tuning")
    ids = torch.from_numpy(np.random.default_rng(3).integers(20, size=(3, 1, 1, 12)))
    batch = torch.cat([ids, torch.zeros_like(ids)], dim=2)
    loss = PromptLoss(frozen)
    for _ in range(3):
        step(loss, batch, state, 0.05 * frozen.rms, AtOnce(2, "cpu"), World())
    state.best = state.prompts.detach()

    state.back_to_best()

    torch.testing.assert_close(state.prompts, state.best)
    step(loss, batch, state, 0.05 * frozen.rms, AtOnce(2, "cpu"), World())
    assert not torch.allclose(state.prompts, state.best)
