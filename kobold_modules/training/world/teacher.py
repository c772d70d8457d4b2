"""What the teacher expects: the frozen model with an entry in view, over all examples, once and kept on disk.

The entry's own embedding rows stand as the prompt, so that the model computes them once for all examples about it; this
is the model that has read the entry as text (a test compares). Pieces without a view have the plain model as their
teacher, which is what keeps a module silent where it has nothing to say.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import Tensor

from ...forward.distillation_loss import KEPT, MASS, TeacherTargets
from ...forward.prompt_loss import PromptLoss
from ...paths import write_atomically
from ...records import Progress
from .piece import Piece


VERSION = 1
ROW = 512  # tokens of examples that the teacher reads at once behind a view
STAGE = "asking the teacher"


@dataclass(frozen=True, slots=True)
class _Job:
    """Pieces that stand in one row behind one view; ``numbers`` say which they are."""

    view: tuple[int, ...]
    numbers: tuple[int, ...]


def ask(
    loss: PromptLoss, pieces: Sequence[Piece], folder: Path | None, front: Tensor | None = None
) -> Generator[Progress, None, TeacherTargets]:
    """Return the teacher's distributions at every scored position of ``pieces``, one piece after another.

    Args:
        folder: where they are kept for the next training on the same examples; None keeps none.
        front: a prompt that the teacher has in front of it in place of views, as ``loss`` takes it.
    """
    path = None if folder is None else folder / f"{digest(loss, pieces, front)}.safetensors"
    if path is not None and (kept := _kept(path, sum(piece.learned for piece in pieces))) is not None:
        return kept.to(loss.frozen.device)
    found: list[TeacherTargets | None] = [None] * len(pieces)
    room = loss.frozen.context - (0 if front is None else len(front))
    jobs = _jobs(pieces, min(ROW, room))
    done, total = 0, len(pieces)
    together = loss.row_threads.count
    yield Progress(STAGE, 0, total)
    for at in range(0, len(jobs), together):
        some = jobs[at : at + together]
        answers = loss.row_threads.each(lambda job: _answers(loss, job, pieces, front), some)
        for job, targets in zip(some, answers, strict=True):
            for number, target in zip(job.numbers, targets, strict=True):
                found[number] = target
            done += len(job.numbers)
        yield Progress(STAGE, done, total)
    whole = TeacherTargets.joined([target for target in found if target is not None])
    if path is not None:
        _keep(path, whole)
    return whole


def digest(loss: PromptLoss, pieces: Sequence[Piece], front: Tensor | None = None) -> str:
    """Return what makes two askings the same one: the model, its precision, what is read and what is kept."""
    frozen = loss.frozen
    whole = hashlib.sha256(repr((VERSION, frozen.fingerprint, str(frozen.table.dtype), KEPT, MASS, ROW)).encode())
    if front is not None:
        whole.update(front.cpu().numpy().tobytes())
    for piece in pieces:
        whole.update(repr((piece.ids, piece.scored, piece.view)).encode())
    return whole.hexdigest()


def _jobs(pieces: Sequence[Piece], length: int) -> list[_Job]:
    by_view: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for number, piece in enumerate(pieces):
        by_view[piece.view].append(number)
    jobs = []
    for view, numbers in by_view.items():
        row: list[int] = []
        filled = 0
        for number in numbers:
            if row and filled + len(pieces[number].ids) > length:
                jobs.append(_Job(view, tuple(row)))
                row, filled = [], 0
            row.append(number)
            filled += len(pieces[number].ids)
        jobs.append(_Job(view, tuple(row)))
    return jobs


def _answers(loss: PromptLoss, job: _Job, pieces: Sequence[Piece], front: Tensor | None) -> list[TeacherTargets]:
    frozen = loss.frozen
    these = [pieces[number] for number in job.numbers]
    ids = torch.tensor([[token for piece in these for token in piece.ids]], device=frozen.device)
    documents = torch.tensor([[n for n, piece in enumerate(these) for _ in piece.ids]], device=frozen.device)
    at = torch.tensor([[i >= piece.scored for piece in these for i in range(len(piece.ids))][1:]], device=frozen.device)
    longest = max(len(piece.ids) for piece in these)
    before = front if front is not None else view_rows(loss, job.view, frozen.context - longest)
    targets = loss.teacher(before, ids, documents, at)
    ends = torch.tensor([0, *(piece.learned for piece in these)]).cumsum(0).tolist()
    return [TeacherTargets(targets.ids[a:b], targets.shares[a:b]) for a, b in itertools.pairwise(ends)]


def view_rows(loss: PromptLoss, view: tuple[int, ...], room: int) -> Tensor | None:
    """Return the embedding rows of ``view``, float32 ``[tokens, width]``, its last ``room`` tokens at most."""
    if not view or room < 1:
        return None
    rows: Tensor = loss.frozen.table[torch.tensor(view[-room:], device=loss.frozen.device)].float()
    return rows


def _kept(path: Path, positions: int) -> TeacherTargets | None:
    """Return what an earlier training kept; None where there is nothing, or nothing whole."""
    try:
        tensors = load(path.read_bytes())
        ids, shares = tensors["ids"].long(), tensors["shares"]
    except Exception:  # whatever the damage: it is made again
        return None
    if ids.shape != shares.shape or ids.shape != (positions, KEPT):
        return None
    return TeacherTargets(ids, shares)


def _keep(path: Path, targets: TeacherTargets) -> None:
    """Keep ``targets`` for the next training; a full disk costs that one the time, and this one nothing."""
    tensors = {"ids": targets.ids.int().cpu().contiguous(), "shares": targets.shares.float().cpu().contiguous()}
    try:
        write_atomically(path, save(tensors))
    except OSError:
        return
