"""Which words of the vocabulary lie nearest to a module's virtual tokens. A curiosity, and no more than that.

A soft prompt need not mean what it is near to: for any text there is a prompt that lies nearest to it and does quite
another task, within two per cent of the best (Khashabi et al., Prompt Waywardness, NAACL 2022). So this shows where
training started and how far it went, and never why the module works. Read from the model's file and kept in the cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ... import paths
from ...answers import Neighbour
from ...disk.stamp import file_stamp
from ...errors import BadUsage, EngineFailed, WrongModel
from ...models.reference import ModelFile
from ...soft_prompt.deep_prefix import AnyModule, with_rows


CURIOSITY = "A curiosity: a virtual token need not mean what it is near to (Khashabi et al. 2022)."
MOST = 20
_VERSION = 1


def nearest(
    module: AnyModule,
    file: ModelFile,
    piece: Callable[[int], bytes],
    top: int = 3,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[list[Neighbour]]:
    """Return each virtual token's ``top`` words nearest by cosine, nearest first. Tokens without a text are left out.

    Args:
        piece: a token's bytes.

    Raises:
        BadUsage: ``top`` is no sensible number.
        WrongModel: the module is of another width than the model, or a deep prefix, which has no rows.
        EngineFailed: it was cancelled.
        NoModel: the model's table cannot be read.
    """
    if not 1 <= top <= MOST:
        raise BadUsage(f"The {top} nearest words cannot be shown; 1 to {MOST} can.")
    kept = cache_file(module, file, top)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return [[Neighbour(str(t), float(c)) for t, c in row] for row in json.loads(kept.read_bytes())["rows"]]
    found = _search(_directions(with_rows(module).vectors), file, piece, top, module.card.name, cancelled)
    rows = [[(neighbour.text, round(neighbour.cosine, 4)) for neighbour in row] for row in found]
    with contextlib.suppress(OSError):
        paths.write_atomically(kept, json.dumps({"rows": rows}, ensure_ascii=False).encode("utf-8", "replace"))
    return [[Neighbour(text, cosine) for text, cosine in row] for row in rows]


def _search(
    rows: NDArray[np.float32],
    file: ModelFile,
    piece: Callable[[int], bytes],
    top: int,
    name: str,
    cancelled: Callable[[], bool],
) -> list[list[Neighbour]]:
    many = 8 * top + 8  # some of the nearest differ in nothing but their case or space
    cosines = np.full((len(rows), 0), -2.0, dtype=np.float32)
    ids = np.zeros((len(rows), 0), dtype=np.int64)
    words: dict[int, str] = {}
    at = 0
    for part in file.read_table():
        if cancelled():
            raise EngineFailed("The search for words was stopped.")
        if part.shape[1] != rows.shape[1]:
            raise WrongModel(f"{name} has vectors {rows.shape[1]} wide, {file.name} needs {part.shape[1]}.")
        fresh = {token: word for token in range(at, at + len(part)) if (word := word_of(piece(token)))}
        at += len(part)
        words |= fresh
        tokens = np.fromiter(fresh, np.int64, len(fresh))
        near = rows @ _directions(part[tokens - (at - len(part))]).T
        cosines = np.concatenate([cosines, near], axis=1)
        ids = np.concatenate([ids, np.broadcast_to(tokens, near.shape)], axis=1)
        if cosines.shape[1] > many:
            best = np.argpartition(-cosines, many - 1, axis=1)[:, :many]
            cosines, ids = np.take_along_axis(cosines, best, axis=1), np.take_along_axis(ids, best, axis=1)
    found = []
    for row, numbers in zip(cosines, ids, strict=True):
        nearest_words: dict[str, Neighbour] = {}
        for index in np.argsort(-row, kind="stable"):
            word = words[int(numbers[index])]
            if word.casefold() not in nearest_words and len(nearest_words) < top:
                nearest_words[word.casefold()] = Neighbour(word, float(row[index]))
        found.append(list(nearest_words.values()))
    return found


def word_of(piece: bytes) -> str:
    """Return ``piece`` as a word to be shown; empty for half letters, signs that cannot be shown and space."""
    word = piece.decode("utf-8", "replace").strip()
    return "" if "\ufffd" in word or not word.isprintable() else word


def _directions(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale ``rows`` to length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled


def cache_file(module: AnyModule, file: ModelFile, what_of: int | str) -> Path:
    """Return where what was found out about a module and a model's table is kept: ``what_of`` says what it is."""
    what = [_VERSION, module.digest, str(file.path.resolve()), *file_stamp(file.path), what_of]
    name = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]
    return paths.cache_dir() / "nearest" / f"{name}.json"
