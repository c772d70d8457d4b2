"""How likely given tokens are behind stacks and texts, and what could come next, without anything being written."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import EngineFailed
from ...generation.cache.sequences import CachedSequence
from ...generation.softmax import log_softmax_at
from ...generation.stack_rows import Front
from .context import SCORED
from .interruptions import Cancelled
from .sequence_pool import SequencePool
from .sequences import NOTHING, Decoder


BRANCHES = 8  # endings that are scored side by side


def score(decoder: Decoder, key: str, rows: Front | None, tokens: list[int]) -> NDArray[np.float32]:
    """Return natural-log probabilities of ``tokens`` behind ``rows``: float32 ``[n]``.

    Without rows, or behind a deep prefix, there is none for the first: ``[n - 1]``.
    """
    pool = decoder.pool
    cached, _ = pool.begin(key if rows is not None else NOTHING, rows, [], alone=True)
    cached.busy = True
    try:
        found = []
        if cached.prefix is not None and len(cached.prefix.logits) and tokens:
            found.append(log_softmax_at(cached.prefix.logits[None], np.array(tokens[:1])))
        step = min(decoder.batch, SCORED)
        for at in range(0, len(tokens) - 1, step):
            part = tokens[at : min(at + step, len(tokens) - 1)]
            logits = pool.scored(cached, part)
            found.append(log_softmax_at(logits, np.array(tokens[at + 1 : at + 1 + len(part)])))
        return np.concatenate(found) if found else np.zeros(0, dtype=np.float32)
    finally:
        pool.drop(cached)


def glance(decoder: Decoder, key: str, rows: Front | None, tokens: list[int]) -> NDArray[np.float32] | None:
    """Return the float32 ``[vocabulary]`` logits behind ``tokens``, and keep neither them nor a stack that is new.

    The text that was read last stays, for that is the one to be written on. None where there is no room for
    both, or the work was cancelled.

    Args:
        rows: a stack as injected, filed under ``key``; or None.

    Raises:
        EngineFailed: llama.cpp broke.
    """
    key = key if rows is not None else NOTHING
    tokens = tokens[-max(1, decoder.context - (0 if rows is None else len(rows))) :]
    cached = None
    try:
        cached = decoder.pool.beside(key, rows, len(tokens))
        if cached is None:
            return None
        for at in range(0, len(tokens), decoder.batch):
            decoder.pool.extend(cached, tokens[at : at + decoder.batch], scored=1)
        return decoder.pool.logits().copy()
    except Cancelled:
        return None
    finally:
        if cached is not None:
            decoder.pool.drop(cached)


def score_endings(
    decoder: Decoder, key: str, rows: Front | None, before: list[int], endings: list[list[int]]
) -> list[NDArray[np.float32]]:
    """Return the log probabilities of each ending's tokens behind ``rows`` and ``before``: float32 ``[n]`` each.

    What stands before is read once; the endings branch off it, as many as a call holds side by side.
    """
    cached = decoder.open(key, rows, before).cached
    try:
        if cached.logits is None:
            raise EngineFailed("Nothing stands before these endings.")
        first = cached.logits.copy()
        found = [log_softmax_at(first[None], np.array(ending[:1])) if ending else first[:0] for ending in endings]
        longer = [index for index, ending in enumerate(endings) if len(ending) > 1]
        while longer:
            now, longer = _one_call(longer, endings)
            for index, values in zip(now, _branches(decoder.pool, cached, [endings[i] for i in now]), strict=True):
                found[index] = np.concatenate([found[index], values])
        return found
    finally:
        decoder.release(cached)


def _one_call(waiting: list[int], endings: list[list[int]]) -> tuple[list[int], list[int]]:
    """Split ``waiting`` into the endings that one call scores, at least one, and the rest."""
    scored, now = 0, list[int]()
    for index in waiting:
        scored += len(endings[index]) - 1
        if now and (scored > SCORED or len(now) == BRANCHES):
            break
        now.append(index)
    return now, waiting[len(now) :]


def _branches(pool: SequencePool, cached: CachedSequence, endings: list[list[int]]) -> list[NDArray[np.float32]]:
    """Return the log-probabilities of ``endings`` behind ``cached`` but for their first tokens."""
    if len(endings) == 1 and len(endings[0]) > SCORED:
        return [_branch(pool, cached, endings[0])]
    forks = list[CachedSequence]()
    try:
        for _ in endings:
            forks.append(pool.fork(cached))
        lines = [ending[:-1] for ending in endings]
        logits = pool.extend_forks(forks, lines)
        targets = np.array([token for ending in endings for token in ending[1:]])
        ends = np.cumsum([len(line) for line in lines])[:-1]
        return np.split(log_softmax_at(logits, targets), ends)
    finally:
        for fork in forks:
            pool.drop(fork)


def _branch(pool: SequencePool, cached: CachedSequence, ending: list[int]) -> NDArray[np.float32]:
    """Return what :func:`_branches` does for one ending that is longer than a call scores."""
    fork = pool.fork(cached)
    try:
        found = []
        for at in range(0, len(ending) - 1, SCORED):
            part = ending[at : min(at + SCORED, len(ending) - 1)]
            logits = pool.scored(fork, part)
            found.append(log_softmax_at(logits, np.array(ending[at + 1 : at + 1 + len(part)])))
        return np.concatenate(found)
    finally:
        pool.drop(fork)
