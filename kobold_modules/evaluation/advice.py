"""What to do about it: sentences from the numbers of an evaluation. Each names its number and a next step."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..evidence import CoLoad, Estimate, Evaluated, StyleEvidence, WorldEvidence
from ..self_study.names import value_of
from ..soft_prompt.module import Card
from .stacking import ENOUGH
from .words import change, percent


FEW_WORDS = 8_000  # of an author, below which more text is the first thing to try
STILL_FALLING = 0.003  # of the loss, over the last quarter of a curve
HARMFUL = 0.01  # more loss on text that is not the module's own
REPEATS = 2.0  # times what the plain model repeats
_WORD = re.compile(r"[\w-]+")


def headline(found: Evaluated) -> str:
    """Say in one sentence what the module is worth."""
    if found.world is not None:
        return _world_headline(found.world)
    style = found.style
    if style is None:
        return "Nothing was measured."
    gain = next(loss.gain for loss in style.losses if loss.front == "module")
    said = f"Predicts its author's held-out pages {change(gain)}"
    if style.others is None or style.specificity is None:
        return f"{said}."
    own = (
        f"that is {percent(style.specificity.value)} of its author's own"
        if style.specificity.above_zero
        else "so nothing of it is clearly its author's own"
    )
    return f"{said}, other authors' {change(style.others)}: {own}."


def _world_headline(world: WorldEvidence) -> str:
    by_front = {one.front: one for one in world.recall}
    module, nothing = by_front["module"], by_front["nothing"]
    ceiling = by_front.get("entry in context")
    beside = f"{percent(nothing.right.value, 0)} without it"
    if ceiling is not None:
        beside += f", {percent(ceiling.right.value, 0)} with the entry in the context"
    return (
        f"Chooses the right answer to {percent(module.right.value, 0)} of {world.questions} questions "
        f"with the lore out of view ({beside})."
    )


def advice(found: Evaluated, card: Card) -> tuple[str, ...]:
    """Return what to do, the most important first; nothing where all is well."""
    sentences: list[str] = []
    if found.recital is not None and found.recital.recites:
        sentences.append(f"{found.recital.sentence} Do not share this module before you have looked.")
    if found.world is not None:
        sentences += _on_world(found.world)
    if found.style is not None:
        sentences += _on_style(found.style, card)
    if found.co_load is not None:
        sentences += _on_stack(found.co_load, card)
    if found.neutral is not None and (found.style is None or found.style.specificity is None):
        sentences += _on_harm(found.neutral.harm)
    if still_falling(card):
        sentences.append("Its loss was still falling when the training ended: train it longer.")
    if found.repetition and found.repetition > REPEATS * max(found.repetition_without or 0, 0.02):
        sentences.append(
            f"What it writes repeats itself ({percent(found.repetition)} of its sequences of four words stand twice): "
            "lower its strength, or raise the repetition penalty."
        )
    return tuple(sentences)


def _on_style(style: StyleEvidence, card: Card) -> Iterator[str]:
    gain = next(loss.gain for loss in style.losses if loss.front == "module")
    words = card.training.get("words")
    few = isinstance(words, int) and words < FEW_WORDS
    if not gain.above_zero or (style.specificity is not None and not style.specificity.above_zero):
        if few:
            yield f"It learnt from {words:,} words; more text of this voice is the first thing to try."
        else:
            yield "It helps other authors about as much as its own: train it longer, or on text of one voice only."
    elif style.over_own_words is not None and style.over_own_words.below_zero:
        yield (
            "As many of the author's own words in the context do better "
            f"({change(style.over_own_words)}): train it longer, or paste a page into the memory instead."
        )
    if style.others is not None and style.others.below_zero and style.others.value < -HARMFUL:
        yield (
            f"It makes text of other voices {percent(-style.others.value)} harder to predict: "
            "take it off where another voice speaks."
        )
    if style.drift_away:
        yield "The voice fades along a long text: a shorter context, or a line of the author's in the note, holds it."


def _on_world(world: WorldEvidence) -> Iterator[str]:
    numbers = [one for one in world.answers if has_number(one.true)]
    others = [one for one in world.answers if not has_number(one.true)]
    wrong = sum(not one.right for one in numbers)
    if len(numbers) >= 3 and wrong > len(numbers) / 2:
        yield (
            f"It answers {len(numbers) - wrong} of {len(numbers)} questions for a number or a date rightly "
            f"(of the others {sum(one.right for one in others)} of {len(others)}): "
            "numbers and dates belong into the lorebook as text."
        )
    if world.gap_right is not None and world.gap_right.value <= 0:
        yield "It does not help to recall its world: train it longer or on the lorebook's entries; check the questions."
    elif world.gap_right is not None and world.gap_right.value < 0.5:
        yield (
            f"It closes {percent(world.gap_right.value, 0)} of the way to having the entry in view: train it longer or "
            "with more virtual tokens, and keep the most important entries in the lorebook."
        )
    if world.invented:
        yield f"Names it made up, which stand nowhere in the lore: {', '.join(world.invented[:5])}."


def _on_stack(table: CoLoad, card: Card) -> Iterator[str]:
    kept = [(row.kept.value, row) for row in table.rows if row.kept is not None]
    if not kept:
        return
    worst, row = min(kept, key=lambda item: item[0])
    if worst >= ENOUGH:
        return
    if table.stand_ins:
        yield (
            f"Beside words of other voices it keeps as little as {percent(max(0.0, worst), 0)} of what it gains alone: "
            "put it last in a stack, next to the text, or evaluate it together with the modules you use."
        )
        return
    others = [name for name in row.order if name != card.name]
    named = " and ".join([", ".join(others[:-1]), others[-1]] if len(others) > 1 else others)
    place = "behind" if row.order and row.order[-1] == card.name else "before"
    again = (
        "train it again with more stack-safe rows"
        if card.training.get("stack_safe")
        else "train it again stack-safe (the default)"
    )
    yield (
        f"It fights with {named}: {place} {'them' if len(others) > 1 else 'it'} it keeps "
        f"{percent(max(0.0, worst), 0)} of what it gains alone. Change the order, or {again}."
    )


def _on_harm(harm: Estimate) -> Iterator[str]:
    if harm.above_zero and harm.value > HARMFUL:
        yield (
            f"It makes text that has nothing to do with its world {percent(harm.value)} harder to predict: "
            "lower its strength, or take it off where the story leaves that world."
        )


def still_falling(card: Card) -> bool:
    """Return whether the held-out loss on a card's curve was lowest at its end, and fell until then."""
    losses = [loss for _, loss in card.curve]
    if len(losses) < 4 or min(losses) < losses[-1]:
        return False
    before = losses[-1 - max(1, len(losses) // 4)]
    return before > 0 and 1 - losses[-1] / before > STILL_FALLING


def has_number(text: str) -> bool:
    """Return whether ``text`` holds a number, in digits or words."""
    return any(value_of(word) is not None for word in _WORD.findall(text))
