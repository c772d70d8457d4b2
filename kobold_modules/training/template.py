"""A template of p-tuning: words that stay as they are between the virtual tokens (Liu et al. 2021, section 3.1).

``{prompt} In the manner of the old ghost stories: {prompt}`` is two groups of virtual tokens around an anchor. All of
it stands in front of the text, so it is a plain table of rows when it is done: an anchor's row is the embedding of its
token, and nothing else has to know of the template. ``{prompt:3}`` is a group of three; groups without a number share
what is left of the module's tokens.

The paper also puts groups behind the text. A story has no end to put them behind: they would have to move with every
token that is written (docs/decisions, 34).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import BadUsage
from .settings import check_template


_SLOT = re.compile(r"\{prompt(?::(\d+))?\}")
EXAMPLE = 'Like this: --template "{prompt} In the manner of the old ghost stories: {prompt}"'


@dataclass(frozen=True, slots=True)
class Template:
    """Where words stand in a prompt.

    Attributes:
        anchors: rows that are words, ascending; ``ids``: the tokens they are.
    """

    anchors: tuple[int, ...] = ()
    ids: tuple[int, ...] = ()

    def applied(self, rows: Tensor, table: Tensor) -> Tensor:
        """Return ``rows`` float32 ``[tokens, width]`` with the embeddings of the words, of ``table``, in their places.

        ``table`` is ``[vocabulary, width]``.
        """
        if not self.anchors:
            return rows
        found = rows.clone()
        found[list(self.anchors)] = table[torch.tensor(self.ids, device=table.device)].to(rows)
        return found


def template_of(text: str, encode: Callable[[str], list[int]], tokens: int) -> Template:
    """Return the places of the words of the template ``text`` in a module of ``tokens`` rows.

    Raises:
        BadUsage: it is no template, or ``tokens`` are too few or too many for it.
    """
    if not text:
        return Template()
    check_template(text)
    text = text.removesuffix("{text}")
    slots = [int(number) if number else None for number in _SLOT.findall(text)]
    words = [encode(part) if part else [] for part in _SLOT.sub("\0", text).split("\0")]
    taken = sum(map(len, words)) + sum(filter(None, slots))
    shares = slots.count(None)
    left = tokens - taken
    if left < shares or (left and not shares):
        raise BadUsage(
            f"The template takes {taken} tokens and leaves {left} of --tokens {tokens} for {shares} groups without a "
            "number.",
            f"Add --tokens {taken}." if not shares else f"Add --tokens {taken + shares} or more.",
        )
    anchors: list[int] = []
    at = 0
    for index, ids in enumerate(words):
        anchors += range(at, at + len(ids))
        at += len(ids)
        if index < len(slots):
            at += slots[index] or _share(left, shares, slots[:index].count(None))
    return Template(tuple(anchors), tuple(token for ids in words for token in ids))


def _share(left: int, groups: int, number: int) -> int:
    """Return the tokens of group ``number`` of ``groups`` that share ``left``; the first ones get what is over."""
    return left // groups + (number < left % groups)
