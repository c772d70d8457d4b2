"""Numbers in a writer's words.

Every screen says the same thing the same way, and a test can read the sentence without opening a terminal. Nothing
here knows about Textual.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TypeGuard

from kobold_modules.library import Notes
from kobold_modules.module import Card


DASH = "–"


def counted(number: int, one: str, many: str = "") -> str:
    """``1 module``, ``1,204 words``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def effect(card: Card) -> float | None:
    """By how many per cent the module predicts held-out text better than the plain model (negative: worse).

    None where the card holds no measurement of both.
    """
    for unit in ("bits_per_byte", "nats_per_token"):
        with_it, without = card.measured.get(f"{unit}_with"), card.measured.get(f"{unit}_without")
        if _is_number(with_it) and _is_number(without) and without > 0:
            return float((without - with_it) / without * 100)
    return None


def short_effect(card: Card) -> str:
    """``4.1 % better``, for a column."""
    gain = effect(card)
    if gain is None:
        return "not measured"
    if abs(gain) < 0.05:
        return "no change"
    return _change(gain)


def _change(gain: float) -> str:
    return f"{abs(gain):.1f} % {'better' if gain > 0 else 'worse'}"


def effect_sentence(card: Card) -> str:
    """``Predicts held-out pages 4.1 % better.``"""
    gain = effect(card)
    if gain is None:
        return "Not measured yet on pages it has not seen."
    if abs(gain) < 0.05:
        return "Predicts held-out pages no better and no worse."
    return f"Predicts held-out pages {short_effect(card)}."


def others_effect(card: Card) -> float | None:
    """The same for other authors' pages, which a style that is one's own does not help; None if not measured."""
    gain = card.measured.get("others_gain")
    if _is_number(gain):
        return float(gain * 100)
    with_it, without = (card.measured.get(f"others_bits_per_byte_{key}") for key in ("with", "without"))
    if _is_number(with_it) and _is_number(without) and without > 0:
        return float((without - with_it) / without * 100)
    return None


def full_effect(card: Card) -> str:
    """``Predicts held-out pages 4.1 % better; other authors' 1.0 % worse.``"""
    others = others_effect(card)
    if others is None or effect(card) is None:
        return effect_sentence(card)
    change = "no better and no worse" if abs(others) < 0.05 else _change(others)
    return f"{effect_sentence(card).rstrip('.')}; other authors' {change}."


def blind_tests(notes: Notes) -> str:
    """``chosen in 7 of 10 blind tests``, or empty."""
    return f"chosen in {notes.chosen:,} of {counted(notes.tried, 'blind test')}" if notes.tried else ""


def effect_numbers(card: Card) -> str:
    """``2.309 → 2.214 bits per byte``, or empty."""
    for unit, name in (("bits_per_byte", "bits per byte"), ("nats_per_token", "nats per token")):
        with_it, without = card.measured.get(f"{unit}_with"), card.measured.get(f"{unit}_without")
        if _is_number(with_it) and _is_number(without):
            return f"{without:.3f} → {with_it:.3f} {name}"
    return ""


def duration(seconds: float) -> str:
    """``under a second``, ``8 s``, ``3 min 20 s``, ``1 h 5 min``."""
    if seconds < 1:
        return "under a second"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(whole // 60, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def size(count: int) -> str:
    """``812 bytes``, ``28 KB``, ``1.4 MB``."""
    if count < 1000:
        return counted(count, "byte")
    if count < 1_000_000:
        return f"{count / 1000:.0f} KB"
    return f"{count / 1_000_000:.1f} MB"


def place(path: Path) -> str:
    """``path`` with the home folder as ``~``."""
    home = str(Path.home())
    if str(path) == home:
        return "~"
    return "~" + str(path)[len(home) :] if str(path).startswith(home + "/") else str(path)


def day(created: str) -> str:
    """``21 November 2026`` from an ISO time; anything else comes back as it is."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{moment.day} {moment:%B %Y}"


def short_day(created: str) -> str:
    """``21 Nov 26`` from an ISO time; anything else comes back as it is."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{moment.day:>2} {moment:%b %y}"


def training(card: Card) -> str:
    """``400 steps in 3 min 20 s, seed 7``, from whatever the card knows."""
    facts = card.training
    said = []
    if _is_number(facts.get("steps")):
        said.append(counted(int(facts["steps"]), "step"))
    if _is_number(facts.get("seconds")):
        said.append(("in " if said else "") + duration(float(facts["seconds"])))
    sentence = " ".join(said)
    if facts.get("seed") is not None:
        sentence += f"{', ' if sentence else ''}seed {facts['seed']}"
    return sentence


def sources(card: Card) -> list[str]:
    """One line a source file: ``hound.txt, 59,000 words``."""
    lines = []
    for source in card.sources:
        name = str(source.get("name") or source.get("path") or source.get("file") or "a file")
        words = source.get("words")
        lines.append(f"{name}, {counted(int(words), 'word')}" if _is_number(words) else name)
    return lines


def strength(value: float) -> str:
    """``1.00``, always four cells wide below ten so that columns keep still."""
    return f"{value:.2f}"


def shortened(text: str, width: int) -> str:
    """``text`` in at most ``width`` characters, the last of which is … where something was cut."""
    if width <= 0:
        return ""
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def ending(text: str, width: int) -> str:
    """The last ``width`` characters of ``text`` on one line, from a whole word on."""
    line = " ".join(text.split())
    if len(line) <= width:
        return line
    return "… " + line[-width:].partition(" ")[2]


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
