"""The end of a training, called directly: what is measured, what the card says, what is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobold_modules.corpus import read as read_corpus
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.library.library import Library
from kobold_modules.models.find import resolve
from kobold_modules.records import Progress, Record, Saved, TrainedModule
from kobold_modules.soft_prompt.deep_prefix import with_rows
from kobold_modules.training import TrainingRequest
from kobold_modules.training.baselines import Baselines
from kobold_modules.training.checkpoint import State
from kobold_modules.training.data import TrainingData, writer_of
from kobold_modules.training.finish import PLOT, Trained, finish, tokens_to_finish
from kobold_modules.training.frozen import load_frozen
from kobold_modules.training.measuring import measure
from kobold_modules.training.prompt_init import initial_rows


FARCE = Path(__file__).resolve().parents[2] / "sample_texts" / "farce"


@pytest.fixture(scope="module")
def run(stories: Path) -> tuple[Trained, TrainingData, Baselines]:
    """Return a training of one module whose best prompt is its start moved a little."""
    request = TrainingRequest(
        files=(str(FARCE),), name="farce", model=str(stories / "stories260K-F32.gguf"), tokens=8, steps=3, row=64
    )
    file = resolve(request.model)
    frozen, loss = load_frozen(file, request, "cpu")
    writer = writer_of(request, read_corpus([FARCE]), frozen)
    state = State.fresh(initial_rows(loss, writer.rows, request)[None])
    words = measure(loss, state.initial[0], writer.held_out, request.tokens)
    state.begins([words.nats_per_token])
    state.best = state.initial + 0.01
    state.step = 3
    state.curves[0].append((3, words.nats_per_token - 0.1))
    return Trained(file, frozen, loss, state, "f" * 64), writer, Baselines(bare(loss, writer), words)


def bare(loss: PromptLoss, writer: TrainingData) -> Any:
    return measure(loss, None, writer.held_out, writer.request.tokens)


def finished(run: tuple[Trained, TrainingData, Baselines], stopped: bool = False, **changes: Any) -> list[Record]:
    trained, writer, baselines = run
    writer = replace(writer, request=replace(writer.request, **changes))
    return list(finish(replace(trained, stopped=stopped), 0, writer, baselines, left=20.0))


def the_module(records: list[Record]) -> TrainedModule:
    (found,) = (record for record in records if isinstance(record, TrainedModule))
    return found


def test_the_best_prompt_is_what_is_measured_and_kept(run: tuple[Trained, TrainingData, Baselines]) -> None:
    trained, writer, _ = run
    found = the_module(finished(run))
    with_best = measure(trained.loss, trained.state.best[0], writer.everything, 8)

    assert found.bits_per_byte_with == round(with_best.bits_per_byte, 5)
    module = Library().find("farce")
    np.testing.assert_array_equal(with_rows(module).vectors, trained.state.best[0].numpy())
    assert with_rows(module).initial is not None
    np.testing.assert_array_equal(with_rows(module).initial, trained.state.initial[0].numpy())


def test_the_card_says_how_it_was_trained_and_on_what(run: tuple[Trained, TrainingData, Baselines]) -> None:
    finished(run)
    card = Library().find("farce").card

    assert card.training["steps"] == 3
    assert card.training["identity"] == "f" * 64
    assert card.training["precision"] == "float32"
    assert "budget" not in card.training  # steps decided
    assert "stopped" not in card.training
    assert [source["words"] for source in card.sources] == [document.words for document in run[1].corpus.documents]
    assert card.description.startswith("The style of")


def test_the_sample_is_of_the_module_and_of_the_bare_model(run: tuple[Trained, TrainingData, Baselines]) -> None:
    finished(run)
    samples = Library().find("farce").card.samples

    assert samples["opening"] in run[1].split.held_out[0]
    assert samples["with"] != samples["without"]


def test_a_person_who_stopped_it_is_told_in_card_and_record(run: tuple[Trained, TrainingData, Baselines]) -> None:
    found = the_module(finished(run, stopped=True, steps=None, minutes=2.0))

    assert (found.stopped, found.budget) == (True, 120.0)
    assert Library().find("farce").card.training["stopped"] is True


def test_every_file_that_is_written_is_named(run: tuple[Trained, TrainingData, Baselines], tmp_path: Path) -> None:
    records = finished(run, out=str(tmp_path / "farce.zip"))

    saved = {record.what: Path(record.path) for record in records if isinstance(record, Saved)}
    assert set(saved) == {"module", "picture", "KoboldAI zip"}
    assert all(path.is_file() for path in saved.values())
    assert saved["picture"].name == PLOT
    assert "farce" in saved["picture"].read_text(encoding="utf-8")


def test_the_time_left_falls(run: tuple[Trained, TrainingData, Baselines]) -> None:
    left = [record.seconds_left for record in finished(run) if isinstance(record, Progress)]

    assert left == [20.0, 10.0]


def test_text_that_was_measured_before_is_read_once() -> None:
    assert tokens_to_finish(1000, measured=True) == tokens_to_finish(1000, measured=False) - 2000
