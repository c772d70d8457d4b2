"""The teacher: the frozen model with the entry in view, asked once and kept."""

from __future__ import annotations

from pathlib import Path

import torch

from kobold_modules.drain import drain
from kobold_modules.forward.distillation_loss import TeacherTargets
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.self_study.example import Example
from kobold_modules.training.world import teacher
from kobold_modules.training.world.piece import Piece, ids_of, pieces_of, view_of
from tests.tiny import tiny


VIEW = "The heron is grey and patient.\n\n"
EXAMPLES = (
    Example("question", ("Heron",), VIEW, "What is the heron?\n", "Grey."),
    Example("question", ("Heron",), VIEW, "Is it patient?\n", "It is."),
    Example("statement", ("Ferry",), "The ferry is late.\n\n", "The ferry", " is late.\n"),
    Example("statement", (), "", "The rain", " fell on the roof.\n"),
)


def pieces(loss: PromptLoss) -> list[Piece]:
    return [
        piece for each in EXAMPLES for piece in pieces_of(*ids_of(each, loss.frozen), 64, view_of(each, loss.frozen))
    ]


def literal(loss: PromptLoss, piece: Piece) -> TeacherTargets:
    """Read the view as text, then the piece, and keep what the model's own logits say."""
    logits = loss.frozen.model(input_ids=torch.tensor([[*piece.view, *piece.ids]])).logits[0]
    first = len(piece.view) + piece.scored
    return TeacherTargets.of_logits(logits[first - 1 : first - 1 + piece.learned])


def test_it_expects_what_the_model_expects_that_has_read_the_entry() -> None:
    loss = PromptLoss(tiny())
    asked = pieces(loss)

    found = drain(teacher.ask(loss, asked, None))

    wanted = TeacherTargets.joined([literal(loss, piece) for piece in asked])
    torch.testing.assert_close(found.shares, wanted.shares, rtol=1e-3, atol=1e-5)
    assert (found.ids == wanted.ids).float().mean() > 0.98  # two tokens as likely may change places


def test_what_it_said_is_kept_for_the_next_training(tmp_path: Path) -> None:
    loss = PromptLoss(tiny())
    asked = pieces(loss)
    first = drain(teacher.ask(loss, asked, tmp_path))
    (kept,) = tmp_path.iterdir()

    again = list(teacher.ask(loss, asked, tmp_path))

    assert again == []  # nothing was asked
    second = drain(teacher.ask(loss, asked, tmp_path))
    assert torch.equal(first.ids, second.ids)
    assert torch.equal(first.shares, second.shares)
    assert teacher.digest(loss, asked) in kept.name
    assert teacher.digest(loss, asked[:-1]) not in kept.name


def test_a_damaged_file_is_asked_for_again(tmp_path: Path) -> None:
    loss = PromptLoss(tiny())
    asked = pieces(loss)
    first = drain(teacher.ask(loss, asked, tmp_path))
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:50])

    assert torch.equal(drain(teacher.ask(loss, asked, tmp_path)).shares, first.shares)


def test_a_view_longer_than_the_context_is_read_from_its_end() -> None:
    loss = PromptLoss(tiny())
    long = Example("question", ("Heron",), VIEW * 20, "What is the heron?\n", "Grey.")

    found = drain(teacher.ask(loss, pieces_of(*ids_of(long, loss.frozen), 64, view_of(long, loss.frozen)), None))

    assert len(found) == len("Grey.")
