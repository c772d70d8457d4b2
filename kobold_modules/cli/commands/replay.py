"""``generate --replay ID``: write a logged continuation again, and say whether it is the same text."""

from __future__ import annotations

import argparse
from typing import Any

from ...errors import EngineFailed
from ...generation import replay as replays
from ...generation.log import entries
from ...generation.protocol import Engine, Request
from ...records import TextChunk
from .. import INTERRUPTED
from ..interrupts import interruptible
from ..options.prompt import prompted, read_prompt
from ..output import Output, table
from ..writing import opened


LISTED = 20


def replay(arguments: argparse.Namespace, output: Output) -> int:
    """Replay ``--replay ID``; ``list`` shows what there is. Returns 5 if the text came out otherwise."""
    if arguments.replay == "list":
        return _list(output)
    entry = replays.find(arguments.replay)
    given = read_prompt(arguments) if prompted(arguments) else None
    request = replays.request_of(entry, given)
    path = replays.model_of(entry)
    output.say(f"{entry['id']}: {entry['stack']['label']}, seed {request.sampler.seed}, {_when(entry)}")
    with opened(str(path), int(entry["model"]["context"]), output) as engine, interruptible() as stopped:
        text = _write(engine, request, entry, stopped, output)
    output.write("\n")
    if stopped:
        return INTERRUPTED
    same, at = replays.same(entry, text), replays.difference(entry, text)
    output.object(**_result(entry, text, same, at))
    if same is None:
        output.say("[the log does not hold the rest of the first one: it was cut short]")
    elif same:
        output.say(f"[identical to what was written then: {len(text):,} characters]")
    else:
        where = f" from character {at:,} on" if at is not None else ""
        raise EngineFailed(
            f"The text differs{where} from what was written then, although model, modules and settings are the same.",
            f"Another processor can do that, or texts written beside it. It was {entry.get('engine') or 'unknown'}.",
        )
    return 0


def _write(engine: Engine, request: Request, entry: dict[str, Any], stopped: list[bool], output: Output) -> str:
    """Write the continuation once more, as far as it went then."""
    most = (entry.get("ended") or {}).get("characters")
    text = ""

    def enough() -> bool:
        return bool(stopped) or (isinstance(most, int) and len(text) >= most)

    for record in engine.generate(request, enough):
        if isinstance(record, TextChunk):
            piece = record.text[: max(0, most - len(text))] if isinstance(most, int) else record.text
            text += record.text
            output.write(piece)
            output.show(TextChunk(piece))
    return text[:most] if isinstance(most, int) else text


def _list(output: Output) -> int:
    rows = []
    for entry in entries(LISTED):
        ended = entry.get("ended") or {}
        text = str(ended.get("text", "")).split()
        output.object(**{key: entry.get(key) for key in ("id", "when", "door", "stack", "sampler", "ended")})
        rows.append((str(entry["id"]), str(entry["stack"]["label"]), str(ended.get("tokens", "?")), " ".join(text[:8])))
    if not rows:
        output.say("Nothing is logged yet.")
    output.data(table(rows, ("id", "stack", "tokens", "begins")) if rows else "")
    return 0


def _when(entry: dict[str, Any]) -> str:
    return str(entry.get("when", ""))[:16].replace("T", " ")


def _result(entry: dict[str, Any], text: str, same: bool | None, at: int | None) -> dict[str, Any]:
    return {"replay": entry["id"], "identical": same, "differs_at": None if same else at, "text": text}
