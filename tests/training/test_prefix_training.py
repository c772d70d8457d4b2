"""``train --method prefix``: it learns, keeps its first token, resumes to the bit, and ends as a deep prefix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kobold_modules.errors import BadUsage
from kobold_modules.evaluation.bits import HeldOut
from kobold_modules.formats import read
from kobold_modules.forward.prefix_stack import Held
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.library.library import Library
from kobold_modules.records import Loss, Record, Saved, TrainedModule
from kobold_modules.soft_prompt.deep_prefix import DeepPrefix
from kobold_modules.training import TrainingRequest, estimate
from kobold_modules.training.checkpoint import State, restore
from kobold_modules.training.loop import RunControl, optimise
from kobold_modules.training.measuring import measure
from kobold_modules.training.neighbours import Neighbours
from kobold_modules.training.optimiser.prefix_table import apart, scales, together
from kobold_modules.training.packing import Rows
from kobold_modules.training.pipeline import train
from kobold_modules.training.start import new_state
from kobold_modules.training.task import Task
from tests.tiny import tiny


TEXT = "the lift stopped between floors and nobody said a word. " * 30
VOICES = Path(__file__).resolve().parents[1] / "data" / "pages"


class Bench:
    """A tiny training, ready to run."""

    def __init__(self, **changes: Any) -> None:
        self.frozen = tiny("llama")
        loss = PromptLoss(self.frozen)
        given: dict[str, Any] = {"steps": 30, "tokens": 4, "row": 24, "rate": 0.3, "patience": 2.0, "method": "prefix"}
        self.request = TrainingRequest((), "x", **(given | changes))
        self.loss = loss.deep() if self.request.method == "prefix" else loss
        self.rows = Rows.of((TEXT,), self.frozen.encode, self.request.row)
        self.held_out = HeldOut.of((TEXT[:300],), self.frozen.encode)
        start = self.loss.start(self.frozen.table[:4].float().clone())
        self.state = new_state(self.loss, start[None], self.request)

    def run(self, **options: Any) -> list[Record]:
        tasks = [Task("x", self.rows, self.held_out)]
        return list(optimise(self.loss, tasks, self.request, self.state, RunControl(**options)))

    def loss_of(self, prompt: torch.Tensor) -> float:
        return measure(self.loss, prompt, self.held_out, 4).nats_per_token


@pytest.mark.parametrize("optimiser", ["muon", "adam"])
def test_the_held_out_loss_falls_and_the_first_token_stays(optimiser: str) -> None:
    bench = Bench(optimiser=optimiser)
    bench.run()
    assert bench.loss_of(bench.state.best[0]) < bench.loss_of(bench.state.initial[0]) - 0.1
    assert torch.equal(bench.state.prompts[:, 0], bench.state.initial[:, 0])
    assert not torch.equal(bench.state.prompts[:, 1:], bench.state.initial[:, 1:])


def test_with_as_many_tokens_and_steps_it_beats_a_prompt() -> None:
    prefix, prompt = Bench(), Bench(method="prompt")
    for bench in (prefix, prompt):
        bench.run()
    assert prefix.loss_of(prefix.state.best[0]) < prompt.loss_of(prompt.state.best[0])


@pytest.mark.parametrize("stop_at", [1, 13])
@pytest.mark.parametrize("optimiser", ["muon", "adam"])
def test_a_stopped_training_resumes_to_the_same_bits(tmp_path: Path, stop_at: int, optimiser: str) -> None:
    whole = Bench(optimiser=optimiser)
    whole.run()
    stopped, checkpoint = Bench(optimiser=optimiser), tmp_path / "state.safetensors"
    stopped.run(stop=lambda: stopped.state.step >= stop_at, checkpoint=checkpoint, identity="same")
    resumed = Bench(optimiser=optimiser)
    found = restore(checkpoint, "same", "cpu")
    assert found is not None
    assert found.step == stop_at
    resumed.state = found
    resumed.run(checkpoint=checkpoint, identity="same")
    assert torch.equal(resumed.state.prompts, whole.state.prompts)
    assert torch.equal(resumed.state.best, whole.state.best)


def test_a_step_is_in_units_of_each_matrix() -> None:
    """Keys and values of one layer may be a hundred times those of another: each moves by a share of its own."""
    initial = torch.randn(1, 5, 12, generator=torch.Generator().manual_seed(2))
    before = scales(initial, 4)
    initial[..., 3:6] *= 100
    initial[..., 6:9] += 1000  # what all tokens have in common is no measure
    initial[:, 0] = 1e6  # and neither is the sink
    found = scales(initial, 4)
    assert found.shape == (1, 4, 1, 1)
    assert torch.allclose(found.flatten() / before.flatten(), torch.tensor([1.0, 100, 1, 1]), rtol=1e-3)
    assert torch.equal(together(apart(initial, 4)), initial)
    assert torch.equal(apart(initial, 4)[0, 1], initial[0, :, 3:6])


def test_a_state_of_rows_is_one_matrix() -> None:
    assert State.fresh(torch.zeros(1, 2, 3)).matrices == 1


@pytest.fixture
def model(stories: Path) -> str:
    return str(stories / "stories260K-F32.gguf")


def request(model: str, **settings: Any) -> TrainingRequest:
    given: dict[str, Any] = {"files": (str(VOICES / "farce"),), "name": "farce", "model": model, "method": "prefix"}
    return TrainingRequest(**given | {"tokens": 8, "steps": 6, "row": 64} | settings)


def run(*requests: TrainingRequest, stop_after: int | None = None) -> list[Record]:
    seen: list[Record] = []

    def stopped() -> bool:
        return stop_after is not None and sum(isinstance(record, Loss) for record in seen) >= stop_after

    for record in train(requests, stopped, lambda: False):
        seen.append(record)
    return seen


def deep(name: str) -> DeepPrefix:
    found = Library().find(name)
    assert isinstance(found, DeepPrefix)
    return found


def test_the_whole_way_ends_with_a_deep_prefix_in_the_library(model: str) -> None:
    records = run(request(model))
    (trained,) = (record for record in records if isinstance(record, TrainedModule))
    module = deep("farce")
    assert (module.layers, module.tokens) == (5, 8)
    assert module.card.training["method"] == "prefix tuning"
    assert module.card.training["stack_safe"] is True
    assert module.card.measured["bits_per_byte_with"] == trained.bits_per_byte_with
    assert module.card.samples["opening"]
    assert module.card.samples["with"] != module.card.samples["without"]
    assert module.initial_keys is not None
    assert np.array_equal(module.keys[:, :, 0], module.initial_keys[:, :, 0])


def test_a_stopped_one_goes_on_to_the_same_module(model: str) -> None:
    run(request(model, name="whole"))
    run(request(model, name="parts"), stop_after=2)
    run(request(model, name="parts", resume=True, replace=True))
    assert deep("whole").digest == deep("parts").digest


def test_others_stand_beside_it_and_are_named_on_its_card(model: str) -> None:
    """Issue 17, deep prefixes: stack-safe as prompts are, unless asked for alone."""
    run(request(model, name="rows", method="prompt"))
    run(request(model, name="deep"))
    run(request(model, name="safe", beside=("rows", "deep")))
    run(request(model, name="alone", stack_safe=False))
    safe, alone = deep("safe"), deep("alone")
    assert safe.card.training["beside"] == ["rows", "deep"]
    assert alone.card.training["stack_safe"] is False
    assert safe.digest != alone.digest


def test_with_company_it_still_learns_and_resumes_to_the_same_bits(tmp_path: Path) -> None:
    def company(bench: Bench) -> Neighbours:
        table = bench.frozen.table
        texts = (tuple(bench.frozen.encode("a heron stood in the mud. " * 9)),)
        modules = (Held(table[30:36].float() * 1.5), Held(bench.loss.start(table[50:54].float()), deep=True))
        return Neighbours(("rows", "deep"), modules, texts, table, 60)

    def run_on(bench: Bench, **options: Any) -> None:
        tasks = [Task("x", bench.rows, bench.held_out)]
        control = RunControl(identity="same", **options)
        list(optimise(bench.loss, tasks, bench.request, bench.state, control, neighbours=company(bench)))

    whole, checkpoint = Bench(), tmp_path / "state.safetensors"
    run_on(whole)
    stopped = Bench()
    run_on(stopped, checkpoint=checkpoint, stop=lambda: stopped.state.step >= 11)
    resumed = Bench()
    found = restore(checkpoint, "same", "cpu")
    assert found is not None
    resumed.state = found
    run_on(resumed)
    assert torch.equal(resumed.state.prompts, whole.state.prompts)
    assert whole.loss_of(whole.state.best[0]) < whole.loss_of(whole.state.initial[0]) - 0.1
    assert torch.equal(whole.state.prompts[:, 0], whole.state.initial[:, 0])
    alone = Bench()
    alone.run()
    assert not torch.equal(alone.state.prompts, whole.state.prompts)


def test_several_voices_train_in_one_run(model: str) -> None:
    run(*(request(model, name=voice, files=(str(VOICES / voice),)) for voice in ("farce", "noir")))
    assert deep("farce").digest != deep("noir").digest


def test_a_training_starts_from_a_deep_prefix_of_the_library(model: str) -> None:
    run(request(model, name="first"))
    run(request(model, name="second", start="module", start_with="first"))
    second, first = deep("second"), deep("first")
    assert second.initial_keys is not None
    assert np.array_equal(second.initial_keys, first.keys)
    with pytest.raises(BadUsage, match="8 virtual tokens"):
        run(request(model, name="third", start="module", start_with="first", tokens=9))


def test_a_world_is_studied_by_a_prefix(model: str, tmp_path: Path) -> None:
    lore = tmp_path / "lore.md"
    lore.write_text(
        "# Marrow\n\nMarrow is a ferry town. Its bell is rung by Ada Brant, who has one hand.\n\n"
        "# Brant's mill\n\nBrant's mill grinds salt. It burnt down in the year of the two winters.\n"
    )
    run(request(model, name="marrow", files=(str(lore),), kind="world", objective="study", tokens=8))
    module = deep("marrow")
    assert module.card.kind == "world"
    assert module.card.training["objective"] == "study"


def test_a_file_of_it_is_written_where_a_zip_would_be(model: str, tmp_path: Path) -> None:
    records = run(request(model, library=False, out=str(tmp_path / "farce.safetensors")))
    (saved,) = (record for record in records if isinstance(record, Saved))
    assert saved.what == "safetensors file"
    assert isinstance(read(tmp_path / "farce.safetensors"), DeepPrefix)
    with pytest.raises(BadUsage):
        run(request(model, library=False, out=str(tmp_path / "farce.zip")))


def test_its_cost_is_estimated_with_what_a_checkpoint_of_it_takes(model: str) -> None:
    prefix, prompt = estimate(request(model)), estimate(request(model, method="prompt"))
    assert prefix.disk_bytes > prompt.disk_bytes
    assert prefix.memory_bytes > 0
    assert prefix.virtual_tokens == prompt.virtual_tokens == 8
