"""Who wrote which part of a page: as ranges to colour, and in words, for colour alone should not have to say it."""

from __future__ import annotations

from kobold_modules.soft_prompt.layer import NO_MODULE
from kobold_modules.stories.story import Story


CHOSEN = "chosen word"  # the label of words picked from those the model thought of


def model_ranges(story: Story) -> list[tuple[int, int]]:
    """Return ``(start, end)`` of every part the model wrote, in characters."""
    ranges, at = [], 0
    for span in story.spans:
        if span.by_model:
            ranges.append((at, at + span.length))
        at += span.length
    return ranges


def author_at(story: Story, offset: int) -> str:
    """Return ``noir rain ×0.8 wrote this, seed 7`` of the character before ``offset``; empty for an empty story."""
    here = 0
    for span in story.spans:
        here += span.length
        if here >= offset:
            if not span.by_model:
                return "you wrote this"
            if span.label == CHOSEN:
                return "you chose this among the model's words"
            who = "the plain model" if span.label in ("", NO_MODULE) else span.label
            return f"{who} wrote this" + ("" if span.seed is None else f", seed {span.seed}")
    return ""
