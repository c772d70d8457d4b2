"""Where a stack shows in a passage: which of its words the stack makes likelier, and which less likely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kobold_modules.answers import Scores
from kobold_modules.records import Failed
from kobold_modules.worker.messages import Score

from ...state.app_state import AppState
from .editor import Tinge


MOST = 1500  # characters: a screenful, and seconds on the smallest machine
CLEAR = 1.0  # nats: nearly three times as likely, or a third
Mood = Literal["good", "warning"]


@dataclass(frozen=True, slots=True)
class StackEffect:
    """Marked words, in characters from the passage's start, and the mean change in nats per token."""

    tinges: tuple[Tinge, ...]
    gain: float
    tokens: int


def passage(text: str, at: int) -> tuple[int, int]:
    """Return from where to where to look: the paragraphs before ``at`` and the one it stands in."""
    end = text.find("\n", at)
    end = min(len(text) if end < 0 else end, at + MOST // 2)
    start = max(0, end - MOST)
    if start:
        line = text.find("\n", start, end)
        start = line + 1 if 0 <= line < at else start
    return start, end


def effect_of(scores: Scores, text: str) -> StackEffect | None:
    """Return the effect in the scores of ``text``; None where they do not belong to it."""
    at, gains, tinges = 0, list[float](), list[Tinge]()
    for token, stacked, plain in zip(scores.tokens, scores.stacked, scores.plain, strict=False):
        length = len(token)
        if stacked is not None and plain is not None:
            gain = stacked - plain
            gains.append(gain)
            if abs(gain) >= CLEAR and token.strip():
                lead = length - len(token.lstrip())
                tinges.append((at + lead, at + length, "likelier" if gain > 0 else "unlikelier"))
        at += length
    if at != len(text) or not gains:
        return None
    return StackEffect(tuple(tinges), sum(gains) / len(gains), len(gains))


async def measure_effect(app_state: AppState, text: str) -> StackEffect | str:
    """Ask the model. A sentence where that fails."""
    stack = app_state.stack.paths()
    found: StackEffect | str = "The passage is too short to compare."
    async for record in app_state.client.run(Score(text, stack)):
        if isinstance(record, Scores):
            found = effect_of(record, text) or found
        elif isinstance(record, Failed):
            found = f"{record.message} {record.hint}".strip()
    return found


def effect_sentence(found: StackEffect) -> tuple[str, Mood, str]:
    """Return the sentence about it, its mood and a hint."""
    share = (2.718281828 ** abs(found.gain) - 1) * 100
    kinder = "more likely" if found.gain >= 0 else "less likely"
    said = f"With the stack, this passage is {share:.0f} % {kinder} per token."
    if not found.tinges:
        return said, "good", "No single word stands out."
    return said, "good", "Underlined: more likely; italic: less likely."
