"""Numbers in a writer's words.

Every screen says the same thing the same way, and a test can read the sentence without opening a terminal. Nothing
here knows about Textual.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TypeGuard

from kobold_modules.duration import duration
from kobold_modules.evaluation.report import card_gain, gain_of, headline, long_gain, recalled, verdict_of
from kobold_modules.library.library import Notes
from kobold_modules.plain_text import printable
from kobold_modules.soft_prompt.module import Card


DASH = "–"


DEEP = "deep"  # the badge of a deep prefix, and how much of a stack is of them


def counted(number: int, one: str, many: str = "") -> str:
    """Return ``1 module`` or ``1,204 words``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def effect(card: Card) -> float | None:
    """Return by how many per cent the module predicts held-out text better than the plain model (negative: worse).

    None where the card holds no measurement of both.
    """
    gain = gain_of(card.measured)
    return None if gain is None else 100 * gain.share


def short_effect(card: Card) -> str:
    """Return ``4.1 % better``, for a column."""
    return card_gain(card.measured) or "not measured"


def clear_effect(card: Card) -> str:
    """Return ``better`` where the module does what it should, ``worse``, or empty: neither, or nobody knows."""
    outcome, gain = headline(card.measured, card.training), gain_of(card.measured)
    if gain is None:
        return ""
    return "better" if outcome.good else "worse" if verdict_of(gain) == "worse" else ""


def effect_sentence(card: Card) -> str:
    """Return ``Predicts held-out pages 4.1 % better (3.2 to 5.0).``, or why it does not."""
    return headline(card.measured, card.training).text


def full_effect(card: Card) -> str:
    """Return the effect on held-out pages and on other authors', and what to do where nothing was gained.

    As ``Predicts held-out pages 4.1 % better (3.2 to 5.0); other authors' 1.0 % worse (0.2 to 1.8).``
    """
    outcome, others = headline(card.measured, card.training), gain_of(card.measured, "others_gain")
    sentence = outcome.text
    if others is not None and gain_of(card.measured) is not None:
        world = recalled(card.measured) is not None
        between = " Other text is predicted" if world else "; other authors'"
        sentence = f"{sentence if world else sentence.rstrip('.')}{between} {long_gain(others)}."
    return f"{sentence} {outcome.advice}" if outcome.advice else sentence


def blind_tests(notes: Notes) -> str:
    """Return ``chosen in 7 of 10 blind tests``, or empty."""
    return f"chosen in {notes.chosen:,} of {counted(notes.tried, 'blind test')}" if notes.tried else ""


def effect_numbers(card: Card) -> str:
    """Return ``2.309 → 2.214 bits per byte``, or empty."""
    for unit, name in (("bits_per_byte", "bits per byte"), ("nats_per_token", "nats per token")):
        with_it, without = card.measured.get(f"{unit}_with"), card.measured.get(f"{unit}_without")
        if _is_number(with_it) and _is_number(without):
            return f"{without:.3f} → {with_it:.3f} {name}"
    return ""


def place(path: Path) -> str:
    """Return ``path`` with the home folder as ``~``, safe to show."""
    home = str(Path.home())
    if str(path) == home:
        return "~"
    return printable("~" + str(path)[len(home) :] if str(path).startswith(home + "/") else str(path))


def day(created: str) -> str:
    """Return ``21 November 2026`` from an ISO time; anything else comes back as it is."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{moment.day} {moment:%B %Y}"


def short_day(created: str) -> str:
    """Return ``21 Nov 26`` from an ISO time; anything else comes back as it is."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{moment.day:>2} {moment:%b %y}"


def training(card: Card) -> str:
    """Return ``400 steps in 3 min 20 s, seed 7, beside noir, farce``, from whatever the card knows."""
    facts = card.training
    said = []
    if _is_number(facts.get("steps")):
        said.append(counted(int(facts["steps"]), "step"))
    if _is_number(facts.get("seconds")):
        said.append(("in " if said else "") + duration(float(facts["seconds"])))
    sentence = " ".join(said)
    if facts.get("seed") is not None:
        sentence += f"{', ' if sentence else ''}seed {facts['seed']}"
    if (beside := facts.get("beside")) and isinstance(beside, list):
        sentence += f"{', ' if sentence else ''}beside {', '.join(map(str, beside))}"
    return sentence


def sources(card: Card) -> list[str]:
    """Return one line a source file: ``hound.txt, 59,000 words``."""
    lines = []
    for source in card.sources:
        name = str(source.get("name") or source.get("path") or source.get("file") or "a file")
        words = source.get("words")
        lines.append(f"{name}, {counted(int(words), 'word')}" if _is_number(words) else name)
    return lines


def strength(value: float) -> str:
    """Return ``1.00``, always four cells wide below ten so that columns keep still."""
    return f"{value:.2f}"


def shortened(text: str, width: int) -> str:
    """Return ``text`` in at most ``width`` characters, the last of which is … where something was cut."""
    if width <= 0:
        return ""
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def ending(text: str, width: int) -> str:
    """Return the last ``width`` characters of ``text`` on one line, from a whole word on."""
    line = " ".join(text.split())
    if len(line) <= width:
        return line
    return "… " + line[-width:].partition(" ")[2]


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
