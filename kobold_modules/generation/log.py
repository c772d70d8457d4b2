"""The log of everything written: what stood before the model, how it drew, and what came of it.

One JSON line when a continuation begins and one when it ends, in ``generations.jsonl`` in the state folder, readable by
its owner only. The first line holds all it takes to write the same text again (see ``replay``), so a program killed in
the middle leaves a record as well. The file is appended to, never rewritten, and makes room for a new one when it is
full; old ones go. It holds a writer's prose, so it can be set to keep settings without text, or nothing::

    [journal]  # in config.toml; KOBOLD_MODULES_JOURNAL in the environment comes before it
    keep = "settings"  # "all" (the default), "settings" or "nothing"
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast, get_args

from .. import __version__, paths
from ..disk.json_lines import LineWriter, encode, objects
from ..disk.lock import FileLock
from ..disk.stamp import FileStamp, file_stamp
from ..disk.toml_file import read_config
from ..errors import BadInput
from ..records import Finished, TextChunk
from ..sampling.seed import draw_seed
from .protocol import ModelInfo, Request


Keep = Literal["all", "settings", "nothing"]
VERSION = 1
VARIABLE = "KOBOLD_MODULES_JOURNAL"
MOST_BYTES = 8 * 2**20  # of one file
MOST_FILES = 4
WHOLE_PROMPT = 64_000  # characters; of a longer one, the end that can stand in the model's window
CHARACTERS_A_TOKEN = 13  # more than prose ever has on average: see engines.context_window
MOST_TEXT = 400_000
PATIENCE = 5.0  # seconds to wait for another that writes: each takes a thousandth of one


def journal_file() -> Path:
    """Return the file that is written now; full ones are beside it, ``generations.1.jsonl`` the latest."""
    return paths.logs_dir().parent / "journal" / "generations.jsonl"


def keeping() -> Keep:
    """Return what the person wants kept. A setting that makes no sense keeps nothing."""
    value: Any = os.environ.get(VARIABLE)
    if value is None:
        try:
            table = read_config().get("journal", {})
        except BadInput:
            return "settings"
        value = table.get("keep", "all") if isinstance(table, dict) else "nothing"
    value = {"on": "all", "1": "all", "true": "all", "": "all"}.get(str(value).strip().lower(), value)
    value = str(value).strip().lower()
    return cast(Keep, value) if value in get_args(Keep) else "nothing"


def seeded(request: Request) -> Request:
    """Draw the seed of ``request``, so that the log knows it before the first word."""
    if request.sampler.seed is not None:
        return request
    return replace(request, sampler=replace(request.sampler, seed=draw_seed()))


def logged(
    records: Iterable[TextChunk | Finished],
    info: ModelInfo,
    requests: Sequence[Request],
    door: str,
    sources: Sequence[Sequence[str]] = (),
) -> Iterator[TextChunk | Finished]:
    """Yield ``records`` as they come, with each continuation written to the log.

    Args:
        requests: what was asked, one for each ``sequence`` in the records, seeds drawn (see :func:`seeded`).
        door: what asked: ``generate``, ``bench``, ``compare`` ...
        sources: for each request the file or name of each module of its stack, to find it again.

    A log that cannot be written never stops the writing.
    """
    keep = keeping()
    if keep == "nothing":
        yield from records
        return
    names = [new_id() for _ in requests]
    for number, request in enumerate(requests):
        stack = sources[number] if number < len(sources) else ()
        _append(_begun(names[number], info, request, door, stack, keep))
    texts: dict[int, list[str]] = {number: [] for number in range(len(requests))}
    try:
        for record in records:
            if isinstance(record, TextChunk) and record.sequence in texts:
                texts[record.sequence].append(record.text)
            elif isinstance(record, Finished) and (pieces := texts.pop(record.sequence, None)) is not None:
                _append(_ended(names[record.sequence], record, "".join(pieces), keep))
            yield record
    finally:  # whoever listened has gone, or the engine broke
        for number, pieces in texts.items():
            broken = Finished("broken off", 0, 0.0, requests[number].sampler.seed or 0)
            _append(_ended(names[number], broken, "".join(pieces), keep))


def new_id() -> str:
    """Return an id as ``261121-101522-9fa03c``: the time, and a little chance."""
    return f"{datetime.now():%y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def entries(most: int = 1000) -> list[dict[str, Any]]:
    """Return the latest continuations, the oldest first: the line of its beginning, with ``ended`` where it has one."""
    found: dict[str, dict[str, Any]] = {}
    for file in [*(_numbered(number) for number in range(MOST_FILES - 1, 0, -1)), journal_file()]:
        with contextlib.suppress(OSError):
            for entry in objects(file):
                name = entry.get("id")
                if isinstance(name, str) and entry.get("what") == "begun":
                    found[name] = entry
                elif entry.get("what") == "ended" and name in found:
                    found[name] = {**found[name], "ended": entry}
    return list(found.values())[-most:]


def model_stamp(path: Path) -> str:
    """Return a stamp that tells model files apart without reading gigabytes: size, beginning, middle and end.

    Of a folder, the same of every file in it. Raises OSError.
    """
    whole = hashlib.sha256()
    files = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
    for file in files:
        size = file.stat().st_size
        whole.update(f"{file.name if path.is_dir() else ''}:{size}\n".encode())
        with file.open("rb") as stream:
            for at in (0, size // 2, max(0, size - 2**20)):
                stream.seek(at)
                whole.update(stream.read(2**20))
    return whole.hexdigest()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _begun(
    name: str, info: ModelInfo, request: Request, door: str, sources: Sequence[str], keep: Keep
) -> dict[str, Any]:
    asked = asdict(request.sampler)
    layers = request.stack.layers
    modules = [
        {
            "name": layer.module.card.name,
            "digest": layer.module.digest,
            "shape": [layer.module.tokens, layer.module.width],
            "strength": layer.strength,
            "on": layer.on,
            "source": sources[index] if index < len(sources) else "",
        }
        for index, layer in enumerate(layers)
    ]
    entry = {
        "what": "begun",
        "v": VERSION,
        "id": name,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "door": door,
        "version": __version__,
        "engine": _engine(info),
        "model": {
            "name": info.name,
            "path": info.path,
            "context": info.context,
            "stamp": _stamp(info.path),
            "fingerprint": sha256(json.dumps(info.fingerprint.to_dict())),
        },
        "stack": {"digest": request.stack.digest, "label": request.stack.label, "modules": modules},
        "sampler": asked,
        "max_tokens": request.max_tokens,
        "stop": list(request.stop),
        "note_depth": request.note_depth,
        "prompt": _prompt(request.text, info.context, keep),
    }
    for part in ("memory", "note"):
        words = getattr(request, part)
        entry[part] = words if keep == "all" or not words else {"sha256": sha256(words)}
    if request.lore:
        entry["lore"] = list(request.lore) if keep == "all" else {"sha256": sha256("".join(request.lore))}
    return entry


def _ended(name: str, written: Finished, text: str, keep: Keep) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "what": "ended",
        "v": VERSION,
        "id": name,
        "reason": written.reason,
        "tokens": written.tokens,
        "seconds": round(written.seconds, 3),
        "seed": written.seed,
        "characters": len(text),
        "sha256": sha256(text),
    }
    if keep == "all":
        entry["text"] = text[:MOST_TEXT]
    return entry


def _prompt(text: str, context: int, keep: Keep) -> dict[str, Any]:
    entry: dict[str, Any] = {"characters": len(text), "sha256": sha256(text)}
    if keep == "all":
        most = max(WHOLE_PROMPT, CHARACTERS_A_TOKEN * context)
        entry["skipped"] = max(0, len(text) - most)
        entry["text"] = text[entry["skipped"] :]
    return entry


def _engine(info: ModelInfo) -> str:
    """Return the library that runs this model, with its version: another one may round otherwise."""
    names = ("torch", "transformers") if Path(info.path).is_dir() else ("llama-cpp-python",)
    found = []
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.append(f"{name} {importlib.metadata.version(name)}")
    return ", ".join(found)


_stamps: dict[tuple[str, FileStamp], str] = {}


def _stamp(path: str) -> str:
    """Return :func:`model_stamp`, remembered while the file does not change; empty if it cannot be read."""
    try:
        key = (path, file_stamp(path))
        if key not in _stamps:
            _stamps[key] = model_stamp(Path(path))
        return _stamps[key]
    except OSError:
        return ""


def _append(entry: dict[str, Any]) -> None:
    line = encode(entry)
    file = journal_file()
    with contextlib.suppress(OSError):
        paths.made(file.parent)
        with FileLock(file.parent / ".lock") as lock:
            lock.take(PATIENCE)  # the bench and a command may write at once
            with contextlib.suppress(FileNotFoundError):
                if file.stat().st_size + len(line) > MOST_BYTES:
                    _rotate()
            with LineWriter(file) as writer:
                writer.write(line)


def _rotate() -> None:
    for number in range(MOST_FILES - 1, 0, -1):
        older = journal_file() if number == 1 else _numbered(number - 1)
        with contextlib.suppress(FileNotFoundError):
            older.replace(_numbered(number))


def _numbered(number: int) -> Path:
    return journal_file().with_name(f"generations.{number}.jsonl")
