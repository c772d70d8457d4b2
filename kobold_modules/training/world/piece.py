"""A piece of text in ids: what both teacher and student read, and which of it is scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ...backends.torch.load import TorchModel
from ...common_prefix import common_prefix
from ...evaluation.bits import windows
from ...self_study.example import Example


Encode = Callable[[str], list[int]]


@dataclass(frozen=True, slots=True)
class Piece:
    """Ids of which those from ``scored`` on are learned.

    Attributes:
        answer: where the answer begins, at ``scored`` or behind it: what stands before counts less (``recipe``).
        view: ids of what the teacher alone has in front of it; empty for none.
        taught: how far it is learned from the teacher: 1 wholly, 0 not at all, but from what is written.
        target: where its teacher's distributions begin among all there are; -1 until they are known.
    """

    ids: tuple[int, ...]
    scored: int
    view: tuple[int, ...] = ()
    target: int = -1
    answer: int = 0
    taught: float = 0.0

    @property
    def learned(self) -> int:
        """Tokens that are scored."""
        return len(self.ids) - self.scored

    def placed(self, target: int) -> Piece:
        """Return it with the place of its teacher's distributions."""
        return replace(self, target=target)


def ids_of(example: Example, frozen: TorchModel) -> tuple[tuple[int, ...], int]:
    """Return the ids of prompt and answer, and where the answer begins.

    Both are split as one text, as they will be met; a token that holds the end of the prompt and the beginning of the
    answer is the answer's.
    """
    if example.special:
        prompt = (frozen.encode_special or frozen.encode)(example.prompt)
        return (*prompt, *frozen.encode(example.answer)), len(prompt)
    whole = frozen.encode(example.prompt + example.answer)
    return tuple(whole), common_prefix(frozen.encode(example.prompt), whole)


def view_of(example: Example, frozen: TorchModel) -> tuple[int, ...]:
    """Return the ids of what the teacher has in front of it."""
    special = frozen.encode_special if example.special else None
    return tuple((special or frozen.encode)(example.view)) if example.view else ()


def pieces_of(
    ids: Sequence[int], scored: int, most: int, view: Sequence[int] = (), answer: int | None = None
) -> list[Piece]:
    """Cut ``ids`` into pieces of at most ``most`` tokens, so that each token from ``scored`` on is learned once.

    Args:
        answer: where the answer begins; at ``scored`` by default.

    The first token of a piece has nothing in front of it and is never scored. Pieces of one text overlap: what is
    learned has up to half a piece before it.
    """
    found = []
    for start, first, stop in windows(len(ids), most):
        begin = max(1, first - start, scored - start)
        if start + begin < stop:
            behind = max(begin, (scored if answer is None else answer) - start)
            found.append(Piece(tuple(ids[start:stop]), begin, tuple(view), answer=behind))
    return found
