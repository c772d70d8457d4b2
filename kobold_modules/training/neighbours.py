"""Other modules that stand around the one in training, in some of its steps, so that it holds in a stack.

Modules trained each on its own spoil one another (arXiv 2204.13362, 2606.04557). The remedy is to train with company:
in a quarter of the steps one to three others stand before or behind, and the gradient goes into the module in training
alone. Company is drawn anew each step, number, order and lengths: modules of the person's library, and stretches of
other voices' text, which stand there as modules that nobody has trained yet. Beside a deep prefix stand deep prefixes,
too, as they will in a stack: rows behind it are computed attending to it, and it keeps to itself (``prefix_stack``).
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

from ..corpus import Corpus
from ..errors import BadModule, OutOfDisk, WrongModel
from ..evaluation.control_texts import other_texts
from ..formats.tensors import open_tensors
from ..forward.prefix_stack import Held
from ..forward.prompt_loss import PromptLoss
from ..library.library import Library
from ..library.slug import key_of
from ..paths import write_atomically
from ..soft_prompt.deep_prefix import AnyModule, DeepPrefix, with_rows
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
    """What stands around a prompt, in the order of a stack; either side possibly empty."""

    before: tuple[Held, ...]
    behind: tuple[Held, ...]

    @property
    def tokens(self) -> int:
        return sum(len(held) for held in (*self.before, *self.behind))

    def around(self, prompts: Tensor, loss: PromptLoss) -> Tensor:
        """Return ``prompts``, ``[prompts, tokens, width]``, with their company, as ``loss`` takes them."""
        return loss.among(self.before, prompts, self.behind)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """All that may stand beside the module in training.

    Attributes:
        names: of the library's ``modules``.
        texts: ids of other voices' texts; ``table``: the model's embedding rows, in which they are looked up.
        room: most tokens that company may have.
        front: whether anything may stand before it, and a deep prefix behind others: not where nothing is known of how
            the model turns keys (GPT-2 gives every position a vector of its own).
    """

    names: tuple[str, ...]
    modules: tuple[Held, ...]
    texts: tuple[tuple[int, ...], ...]
    table: Tensor
    room: int
    front: bool = True

    def at(self, seed: int, step: int) -> Beside | None:
        """Return the company of ``step``, None in three steps of four. The same whatever ran before."""
        chance = np.random.default_rng([seed, 23, step])
        if chance.random() >= SHARE:
            return None
        count = int(chance.integers(1, MOST + 1))
        order = [int(index) for index in chance.permutation(len(self.modules))]
        chosen: list[Held] = []
        room = self.room
        for _ in range(count):
            held = self._one(chance, order, room)
            if held is not None:
                chosen.append(held)
                room -= len(held)
        if not chosen:
            return None
        place = int(chance.integers(len(chosen) + 1)) if self.front else 0
        return Beside(tuple(chosen[:place]), tuple(chosen[place:]))

    def _one(self, chance: np.random.Generator, order: list[int], room: int) -> Held | None:
        """Return another module, or a stretch of text as rows; None where there is no room for either."""
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
        return Held(self.table[picked].float())


def cut(batch: Tensor, tokens: int, beside: Beside | None, context: int) -> Tensor:
    """Return ``batch`` (``[..., length]``) cut at its end to what the context holds behind the prompt and its company.

    Args:
        tokens: virtual tokens of the module in training.
    """
    return batch if beside is None else batch[..., : context - tokens - beside.tokens]


def company(
    requests: Sequence[TrainingRequest], corpora: Sequence[Corpus], loss: PromptLoss, row: int, folder: Path
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
    request, frozen = requests[0], loss.frozen
    if not request.stack_safe:
        return None
    front = loss.prefix is None or loss.rope is not None
    room = _seen(loss) - request.tokens - max(LEAST_ROW, int(LEAST_TEXT * row))
    kept = folder / FILE
    names, modules = _kept(kept, frozen.device) if request.resume else ((), ())
    if not names:
        if request.beside or request.steps is not None:
            found = [_named(name, loss, front) for name in request.beside]
        else:
            found = _on_shelf(requests, loss, front)
        names, modules = tuple(name for name, _ in found), tuple(held for _, held in found)
        _keep(kept, names, modules)
    own = {document.sha256 for corpus in corpora for document in corpus.documents}
    texts = tuple(ids for text in other_texts(own).values() if len(ids := tuple(frozen.encode(text))) > LONGEST)
    return Neighbours(names, modules, texts, frozen.table, room, front)


def _seen(loss: PromptLoss) -> int:
    """Return how many positions a layer looks back over: of keys and values that were given, none may be cut off."""
    context = loss.frozen.context
    if loss.prefix is None:
        return context
    window = getattr(loss.frozen.model.config.get_text_config(), "sliding_window", None)
    return min(context, int(window) - 1) if window else context


def _named(name: str, loss: PromptLoss, front: bool) -> tuple[str, Held]:
    module = Library().find(name)
    if loss.prefix is None:
        module = with_rows(module)
    check_fit(module, loss.frozen.fingerprint, loss.frozen.name)
    if isinstance(module, DeepPrefix) and not front:
        raise WrongModel(
            f"{loss.frozen.name} turns its keys in a way that is not known here, so {module.name} cannot stand beside "
            "another deep prefix.",
            "Leave it out of --beside.",
        )
    return module.name, _held(module, loss)


def _held(module: AnyModule, loss: PromptLoss) -> Held:
    """Return what ``module`` holds, on the model's device. Raises WrongModel where a deep one is of another shape."""
    if isinstance(module, DeepPrefix):
        assert loss.prefix is not None
        return Held(loss.prefix.table(module, loss.frozen.name).to(loss.frozen.device), deep=True)
    return Held(torch.from_numpy(module.vectors.copy()).to(loss.frozen.device))


def _on_shelf(requests: Sequence[TrainingRequest], loss: PromptLoss, front: bool) -> list[tuple[str, Held]]:
    """Return modules of the library that were made for this very model, the newest first, at most a few."""
    library, own, frozen = Library(), {key_of(each.name) for each in requests}, loss.frozen
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
        with suppress(BadModule, WrongModel):  # one that is damaged or has just been removed is no company
            module = library.load(entry)
            # a deep prefix is no rows that could stand around rows in a batch
            if isinstance(module, Module) or (loss.prefix is not None and front):
                found.append((module.name, _held(module, loss)))
    return found


def _keep(path: Path, names: Sequence[str], modules: Sequence[Held]) -> None:
    tensors = {str(number): held.numbers.cpu().contiguous() for number, held in enumerate(modules)}
    if not names:
        path.unlink(missing_ok=True)
        return
    about = {"names": json.dumps(list(names)), "deep": json.dumps([held.deep for held in modules])}
    try:
        write_atomically(path, save(tensors, metadata=about))
    except OSError as error:
        raise OutOfDisk(f"{path} cannot be written: {error.strerror}.", "Free some space.") from error


def _kept(path: Path, device: str) -> tuple[tuple[str, ...], tuple[Held, ...]]:
    """Return what an earlier start of the same training kept; nothing where there is nothing whole."""
    try:
        data = path.read_bytes()
        about = open_tensors(data, path.name, len(data)).metadata
        names, deep = tuple(map(str, json.loads(about["names"]))), json.loads(about["deep"])
        tensors = load(data)
        held = [Held(tensors[str(number)].to(device), bool(deep[number])) for number in range(len(names))]
        return names, tuple(held)
    except Exception:  # whatever the damage: company is chosen again
        return (), ()
