"""A story's steps back and forth as JSON.

Reading walks from the text as it stands, back through what was done and forward through what was undone; a step that
does not fit the text reached so far ends the undo list, so a file that was edited by hand keeps its text and loses its
undo.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from .marks import Marks, Span, Step, Take, stepped


MOST = 2000
_ROOM = 200  # a step's own fields, in characters


def encode_steps(done: Sequence[Step], undone: Sequence[Step], most: int) -> dict[str, Any]:
    """Encode as ``{"done": [...], "undone": [...]}``, the nearest step first, about ``most`` characters in all."""
    data, room = {}, most
    for name, steps in (("done", done), ("undone", undone)):
        kept: list[dict[str, Any]] = []
        for step in reversed(steps):
            room -= len(step.old) + len(step.new) + _ROOM
            if room < 0:
                break
            kept.append(_encoded(step))
        data[name] = kept
    return data


def decode_steps(data: Any, text: str, now: Marks) -> tuple[list[Step], list[Step]]:
    """Return the steps done and undone, the nearest last, as far as they fit ``text`` and its marks ``now``."""
    if not isinstance(data, dict):
        return [], []
    return _walked(data.get("done"), text, now, back=True), _walked(data.get("undone"), text, now, back=False)


def _encoded(step: Step) -> dict[str, Any]:
    return {
        "at": step.at,
        "old": step.old,
        "new": step.new,
        "old_spans": [span._asdict() for span in step.old_spans],
        "new_spans": [span._asdict() for span in step.new_spans],
        "lost": [_take(take) for take in step.lost],
        "gained": [_take(take) for take in step.gained],
    }


def _take(take: Take) -> dict[str, Any]:
    # Without its text, which stands in the story's on one side of the step.
    return {"start": take.start, "end": take.end, "label": take.label, "seed": take.seed}


def _walked(items: Any, text: str, marks: Marks, *, back: bool) -> list[Step]:
    steps: list[Step] = []
    for item in items[:MOST] if isinstance(items, list) else ():
        try:
            step = _step(item, text, back)
            way = step.backward if back else step
            marks = stepped(marks, way)
            text = text[: way.at] + way.new + text[way.at + len(way.old) :]
        except (KeyError, TypeError, ValueError, AttributeError):
            break
        if sum(span.length for span in marks.spans) != len(text) or not _apart(marks.takes):
            break
        steps.append(step)
    return steps[::-1]


def _step(item: dict[str, Any], text: str, back: bool) -> Step:
    """Decode the step in ``item``, one side of which is ``text``.

    Raises ValueError or its like where it does not fit.
    """
    at, old, new = item["at"], item["old"], item["new"]
    here, there = (new, old) if back else (old, new)
    if type(at) is not int or at < 0 or not isinstance(there, str) or text[at : at + len(here)] != here:
        raise ValueError
    beyond = text[:at] + there + text[at + len(here) :]
    before, after = (beyond, text) if back else (text, beyond)
    return Step(
        at,
        old,
        new,
        _spans(item["old_spans"], len(old)),
        _spans(item["new_spans"], len(new)),
        _takes(item["lost"], before),
        _takes(item["gained"], after),
    )


def _spans(items: Any, length: int) -> tuple[Span, ...]:
    spans = tuple(Span(**item) for item in items)
    if sum(span.length for span in spans) != length or not all(span.sound for span in spans):
        raise ValueError
    return spans


def _takes(items: Any, text: str) -> tuple[Take, ...]:
    takes = tuple(Take(item["start"], text[item["start"] : item["end"]], item["label"], item["seed"]) for item in items)
    if not all(take.sound and take.text for take in takes):
        raise ValueError
    return takes


def _apart(takes: tuple[Take, ...]) -> bool:
    return all(first.end <= second.start for first, second in pairwise(takes))
