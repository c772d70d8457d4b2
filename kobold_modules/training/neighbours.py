"""Other modules that stand around the one in training, in some of its steps, so that it holds in a stack.

Modules trained each on its own spoil one another (arXiv 2204.13362, 2606.04557). The remedy is to train with company:
in a quarter of the steps one to three others stand before or behind, and the gradient goes into the module in training
alone. Company is drawn anew each step, number, order and lengths: modules of the person's library, and stretches of
other voices' text, which stand there as modules that nobody has trained yet.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from ..backends.torch.load import TorchModel
from ..corpus import Corpus
from ..errors import BadModule, OutOfDisk
from ..evaluation.control_texts import other_texts
from ..formats.tensors import open_tensors
from ..library.library import Library
from ..library.slug import key_of
from ..paths import write_atomically
from ..soft_prompt.deep_prefix import with_rows
from ..soft_prompt.fingerprint import Fit
from ..soft_prompt.module import Module
from ..soft_prompt.stack import check_fit
from .settings import TrainingRequest


SHARE = 0.25  # of the steps
MOST = 3  # others at once
SHORTEST, LONGEST = 16, 128  # tokens of a stretch of text
OF_LIBRARY = 0.6  # share of the others that are modules, where there are any
LEAST_TEXT = 0.5  # share of a row's tokens that company leaves, ...
LEAST_ROW = 32  # and tokens at the least
OF_SHELF = 8  # modules of the library, at most
FILE = "neighbours.safetensors"


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands around a prompt: float32 ``[tokens, width]`` each, either possibly empty."""

    before: Tensor
    behind: Tensor

    @property
    def tokens(self) -> int:
        return len(self.before) + len(self.behind)

    def around(self, prompts: Tensor) -> Tensor:
        """Return ``prompts``, ``[prompts, tokens, width]``, with their company."""
        front, back = (side.to(prompts.dtype).expand(len(prompts), -1, -1) for side in (self.before, self.behind))
        return torch.cat([front, prompts, back], dim=1)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """All that may stand beside the module in training.

    Attributes:
        names: of the library's ``modules``, float32 ``[tokens, width]`` each.
        texts: ids of other voices' texts; ``table``: the model's embedding rows, in which they are looked up.
        room: most tokens that company may have.
    """

    names: tuple[str, ...]
    modules: tuple[Tensor, ...]
    texts: tuple[tuple[int, ...], ...]
    table: Tensor
    room: int

    def at(self, seed: int, step: int) -> Beside | None:
        """Return the company of ``step``, None in three steps of four. The same whatever ran before."""
        chance = np.random.default_rng([seed, 23, step])
        if chance.random() >= SHARE:
            return None
        count = int(chance.integers(1, MOST + 1))
        order = [int(index) for index in chance.permutation(len(self.modules))]
        chosen: list[Tensor] = []
        room = self.room
        for _ in range(count):
            rows = self._one(chance, order, room)
            if rows is not None:
                chosen.append(rows)
                room -= len(rows)
        if not chosen:
            return None
        place = int(chance.integers(len(chosen) + 1))
        return Beside(self._joined(chosen[:place]), self._joined(chosen[place:]))

    def _one(self, chance: np.random.Generator, order: list[int], room: int) -> Tensor | None:
        """Return the rows of another module, or of a stretch of text; None where there is no room for either."""
        text, length = float(chance.random()), int(chance.integers(SHORTEST, LONGEST + 1))
        which, start = float(chance.random()), float(chance.random())
        fitting = [index for index in order if len(self.modules[index]) <= room]
        if fitting and (text < OF_LIBRARY or not self.texts):
            order.remove(fitting[0])
            return self.modules[fitting[0]]
        length = min(length, room)
        if length < SHORTEST or not self.texts:
            return None
        ids = self.texts[int(which * len(self.texts))]
        at = int(start * max(1, len(ids) - length))
        picked = torch.tensor(ids[at : at + length], dtype=torch.int64, device=self.table.device)
        rows: Tensor = self.table[picked].float()
        return rows

    def _joined(self, parts: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(parts)) if parts else self.table.new_zeros(0, self.table.shape[1]).float()


def cut(batch: Tensor, tokens: int, beside: Beside | None, context: int) -> Tensor:
    """Return ``batch`` (``[..., length]``) cut at its end to what the context holds behind the prompt and its company.

    Args:
        tokens: virtual tokens of the module in training.
    """
    return batch if beside is None else batch[..., : context - tokens - beside.tokens]


def company(
    requests: Sequence[TrainingRequest], corpora: Sequence[Corpus], frozen: TorchModel, row: int, folder: Path
) -> Neighbours | None:
    """Return what stands beside the modules of ``requests``; None where nothing is to.

    Which modules of the library those are is kept in ``folder``, beside the checkpoint, so that a training goes on with
    the same company whatever has happened to the library since. Where steps are counted only those named in ``beside``
    are taken: the module must depend on the seed and on what was asked, and on nothing else.

    Args:
        row: tokens of a row of text.

    Raises:
        BadModule, WrongModel: a module that was named is missing or does not fit.
    """
    request = requests[0]
    if not request.stack_safe:
        return None
    room = frozen.context - request.tokens - max(LEAST_ROW, int(LEAST_TEXT * row))
    kept = folder / FILE
    names, modules = _kept(kept, frozen.device) if request.resume else ((), ())
    if not names:
        found = _named(request, frozen) if request.beside or request.steps is not None else _on_shelf(requests, frozen)
        names = tuple(module.name for module in found)
        modules = tuple(torch.from_numpy(module.vectors.copy()).to(frozen.device) for module in found)
        _keep(kept, names, modules)
    own = {document.sha256 for corpus in corpora for document in corpus.documents}
    texts = tuple(ids for text in other_texts(own).values() if len(ids := tuple(frozen.encode(text))) > LONGEST)
    return Neighbours(names, modules, texts, frozen.table, room)


def _named(request: TrainingRequest, frozen: TorchModel) -> list[Module]:
    found = [with_rows(Library().find(name)) for name in request.beside]
    for module in found:
        check_fit(module, frozen.fingerprint, frozen.name)
    return found


def _on_shelf(requests: Sequence[TrainingRequest], frozen: TorchModel) -> list[Module]:
    """Return modules of the library that were made for this very model, the newest first, at most a few."""
    library, own = Library(), {key_of(each.name) for each in requests}
    fitting = [
        entry
        for entry in library.entries()
        if not entry.problem
        and key_of(entry.name) not in own
        and entry.card.fingerprint is not None
        and entry.card.fingerprint.fit(frozen.fingerprint) is Fit.SAME
    ]
    fitting.sort(key=lambda entry: (entry.card.created, entry.slug), reverse=True)
    found = []
    for entry in fitting[:OF_SHELF]:
        with suppress(BadModule):  # one that is damaged or has just been removed is no company
            module = library.load(entry)
            if isinstance(module, Module):  # a deep prefix is no rows that could stand in a batch
                found.append(module)
    return found


def _keep(path: Path, names: Sequence[str], modules: Sequence[Tensor]) -> None:
    tensors = {str(number): module.cpu().contiguous() for number, module in enumerate(modules)}
    if not names:
        path.unlink(missing_ok=True)
        return
    try:
        write_atomically(path, save(tensors, metadata={"names": json.dumps(list(names))}))
    except OSError as error:
        raise OutOfDisk(f"{path} cannot be written: {error.strerror}.", "Free some space.") from error


def _kept(path: Path, device: str) -> tuple[tuple[str, ...], tuple[Tensor, ...]]:
    """Return what an earlier start of the same training kept; nothing where there is nothing whole."""
    try:
        data = path.read_bytes()
        names = tuple(map(str, json.loads(open_tensors(data, path.name, len(data)).metadata["names"])))
        tensors = load(data)
        return names, tuple(tensors[str(number)].to(device) for number in range(len(names)))
    except Exception:  # whatever the damage: company is chosen again
        return (), ()
