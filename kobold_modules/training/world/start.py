"""Where a world module starts: a telegram of the lore, its title first.

Each entry gives its name and, as far as the rows go, the words in it that are hardest to guess: what the model cannot
know. Words of grammar are left out, however unlikely they are where they stand. Rows of real words start better than
random ones, and these better than words taken at equal distances (measured: 1.5 nats per answer token before the first
step, on the sample world).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...evaluation.style.function_words import ENGLISH
from ...forward.prompt_loss import PromptLoss
from ...self_study.lore import LoreEntry


ROW = 512
SURPRISING_FIRST = 60.0  # nats: nothing is harder to guess
HALVINGS = 40


def telegram(loss: PromptLoss, entries: Sequence[LoreEntry], title: str, tokens: int) -> Tensor:
    """Return float32 ``[tokens, width]``: embedding rows of ``title``, then of each entry in few words.

    Lore that is shorter than ``tokens`` stands there whole, again and again.
    """
    frozen = loss.frozen
    newline = frozen.encode("\n")
    lines = [_Line(loss, entry) for entry in entries]
    front = [*frozen.encode(title), *newline][: tokens // 4]
    room = tokens - len(front)
    whole = [token for line in lines for token in (*line.at_least(-1.0), *newline)]
    ids = whole if len(whole) <= room else _telegram(lines, newline, room)
    found = np.asarray([*front, *np.resize(np.asarray(ids or newline, dtype=np.int64), room)], dtype=np.int64)
    rows: Tensor = frozen.table[torch.from_numpy(found).to(frozen.device)].float().clone()
    return rows


def _telegram(lines: Sequence[_Line], newline: list[int], room: int) -> list[int]:
    """Return the ids of all names and of the words that are hard enough to guess to fit into ``room`` with them."""
    low, high = -1.0, SURPRISING_FIRST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if sum(len(line.at_least(middle)) + len(newline) for line in lines) > room:
            low = middle
        else:
            high = middle
    ids = [token for line in lines for token in (*line.at_least(high), *newline)]
    if len(ids) <= room:
        return [*ids, *newline * room][:room]  # a few rows may be left
    # not even the names fit: tokens at equal distances, so that every part of the lore has some
    return [ids[int(at * len(ids) / room)] for at in range(room)]


class _Line:
    """An entry's ids, its words, and how hard each word is to guess for the bare model, in nats per token."""

    def __init__(self, loss: PromptLoss, entry: LoreEntry) -> None:
        frozen = loss.frozen
        name = _short_name(entry)
        self._name = frozen.encode(name)
        self._ids = frozen.encode(f"{name}: {entry.text}" if name else entry.text)
        losses = _surprisal(loss, self._ids)
        self._words: list[list[int]] = []
        text = b""
        for at, token in enumerate(self._ids):
            piece = frozen.piece(token)
            if self._words and _letter(piece[:1]) and (_letter(text[-1:]) or text == b" "):
                self._words[-1].append(at)
            else:
                self._words.append([at])
            text = piece
        self._hard = [sum(losses[at] for at in word) / len(word) for word in self._words]
        self._says = [_says(b"".join(frozen.piece(self._ids[at]) for at in word)) for word in self._words]

    def at_least(self, hard: float) -> list[int]:
        """Return the name, then what is at least so ``hard`` to guess, in the order of the text."""
        found = list(self._name)
        for word, its, says in zip(self._words, self._hard, self._says, strict=True):
            if word[0] >= len(self._name) and its >= hard and (says or hard < 0):
                found += [self._ids[at] for at in word]
        return found


def _short_name(entry: LoreEntry) -> str:
    """Return the shortest of the entry's names that its title begins with: what a story calls it."""
    title = entry.title.removeprefix("The ")
    beginnings = [key for key in entry.keys if f"{title} ".startswith(f"{key} ") and key.isalpha()]
    return min(beginnings, key=len, default=title) if entry.about else ""


def _letter(byte: bytes) -> bool:
    """Return whether ``byte`` is, or is part of, a letter or a digit."""
    return byte.isalnum() or byte > b"\x7f"


def _says(word: bytes) -> bool:
    """Return whether a word names or tells something: sentence marks and words of grammar do not."""
    text = word.decode("utf-8", "ignore").strip().strip("\"'“”‘’.,;:!?()").casefold()
    return (any(letter.isalnum() for letter in text) or not word) and text not in ENGLISH


@torch.no_grad()
def _surprisal(loss: PromptLoss, ids: list[int]) -> list[float]:
    """Return the bare model's loss at each of ``ids``, nats; the first has none."""
    most = min(ROW, loss.frozen.context)
    found = [0.0] * min(1, len(ids))
    for at in range(0, max(0, len(ids) - 1), most - 1):
        part = torch.tensor([ids[at : at + most]], device=loss.frozen.device)
        if part.shape[1] > 1:
            found += loss.per_token(None, part)[0].tolist()
    return found
