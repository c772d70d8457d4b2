"""What a world module is trained with, as measured (docs/decisions, 12; benchmarks/results)."""

from __future__ import annotations


RATE = 0.15  # share of the table's scale: a start that says so much is lost at the rate that suits plain text
PREFIX_RATE = 0.04  # of a deep prefix, in units of its own scale: 0.15 breaks it, 0.008 learns half as fast
RECITATION_WEIGHT = 1.0  # of a token of an entry that is recited; a token of an answer counts 1
PROMPT_WEIGHT = 1.0  # of a token of a question: most of what a step can teach stands in it (docs/decisions, 32)
ROW = 256  # tokens of a row: at equal seconds twice the steps on half the tokens end lower (docs/decisions, 32)
NEUTRAL_PIECE = 64  # tokens of a piece of neutral text
NEUTRAL_PIECES = 40
LONGEST_RECITATION = 200  # tokens; a longer entry is recited in pieces that overlap


HELD_OUT = 0.08  # share of the facts that are kept apart to measure with
FEWEST_FACTS, MOST_FACTS = 4, 48
A_SECOND = 1 / 15  # more questions asked while it trains, for each second of the budget
FIRST_ASKED = 12


LORE_A_TOKEN = 36.0  # tokens of lore that a virtual token is advised for: what minutes can fill (docs/decisions, 32)
LEAST_TOKENS, MOST_TOKENS = 64, 512
OF_CONTEXT = 0.25  # most of the model's context that the advice gives away


def advised_tokens(lore: int, context: int) -> int:
    """Return how many virtual tokens suit ``lore`` tokens of lore, for a model of ``context`` tokens.

    As much as the lore asks for, within what KoboldAI loads and a quarter of the context; in steps of eight.
    """
    wanted = min(MOST_TOKENS, max(LEAST_TOKENS, lore / LORE_A_TOKEN))
    return int(max(1, min(2047, 8 * round(min(wanted, OF_CONTEXT * context) / 8), context - 33)))
