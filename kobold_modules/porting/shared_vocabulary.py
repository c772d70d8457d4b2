"""Which tokens two models share: those that stand for the same bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..backends.tokenizer import load_vocabulary
from ..errors import WrongModel
from ..models.reference import ModelFile


LEAST_SHARE = 0.5  # of the larger vocabulary that both must have


@dataclass(frozen=True, slots=True)
class SharedVocabulary:
    """Pairs of ids of the same text.

    Attributes:
        source, target: int64 ``[n]``: the ids in either model, each once.
        share: of the tokens with a text, in the larger of the two vocabularies.
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    share: float


def shared_vocabulary(source: ModelFile, target: ModelFile) -> SharedVocabulary:
    """Return what ``source`` and ``target`` share. Raises NoModel where a vocabulary cannot be read."""
    ours, theirs = _ids(source), _ids(target)
    shared = [(number, theirs[piece]) for piece, number in ours.items() if piece in theirs]
    pairs = np.array(shared, dtype=np.int64).reshape(-1, 2)
    return SharedVocabulary(pairs[:, 0], pairs[:, 1], len(pairs) / max(1, len(ours), len(theirs)))


def must_be_of_one_family(shared: SharedVocabulary, source: ModelFile, target: ModelFile) -> None:
    """Raise WrongModel where the two split text too differently for rows of one to mean anything in the other."""
    width = source.fingerprint.width
    if shared.share < LEAST_SHARE or len(shared.source) < width:
        raise WrongModel(
            f"{source.name} and {target.name} share {len(shared.source):,} tokens, {shared.share:.0%} of a vocabulary: "
            "they split text differently, and a module cannot be carried over.",
            f"Train it again on {target.name}.",
        )


def _ids(model: ModelFile) -> dict[bytes, int]:
    """Return the first id of each text; control tokens have none."""
    vocabulary = load_vocabulary(model)
    found: dict[bytes, int] = {}
    for token in range(model.fingerprint.vocabulary):
        if piece := vocabulary.piece(token):
            found.setdefault(piece, token)
    return found
