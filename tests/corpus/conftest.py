"""Prose to mangle: the tests break it the way files in the world are broken, and cleaning has to give it back."""

from __future__ import annotations

import pytest


PARAGRAPHS = (
    "The ferry did not run on Sundays, so the two of them walked along the shore until the path gave out,"
    " and then they sat down on the upturned boats and waited for somebody to come and tell them to get "
    "off.",
    '"You could have asked at the inn," said Marta.',
    '"I could have asked at the inn yesterday. Today the inn is shut."',
    "She thought about that. There was a great deal of sky over the water, and very little of it was "
    "blue; a heron stood in the shallows with the air of someone who has been promised a letter. After a "
    "while it began to rain in a small, careful way, as though the weather were trying not to wake "
    "anybody.",
    "Nobody came to tell them to get off.",
    "By four o'clock they had eaten the bread and most of the cheese, and Anselm had taken off one boot "
    "to look at his heel. It was not a bad blister. He had hoped it would be worse, because then the "
    "whole journey might be called off without anyone having to say so.",
    '"Put your boot on," said Marta. "There is a light over there."',
    "It was only a lantern on a pole, and the pole was only a boy, but behind the boy there was a boat "
    "with a sail the colour of old tea, and in the boat there was room for two if neither of them minded "
    "the fish.",
    '"How much?" Anselm asked.',
    '"My father says nothing, if you can sing."',
    "They looked at each other. It is a hard thing to be asked for, on a wet shore, with one boot on. But"
    " Marta put down her bag, folded her hands in front of her like a girl at a school feast, and sang "
    "the whole of the song about the miller's three daughters, including the verse that is usually left "
    "out.",
    "The boy listened to the end. Then he held the boat steady while they climbed in, and he did not say "
    "whether it had been good or not, and they were halfway across the sound before it came to Anselm "
    "that this was the politest thing anyone had done for them since Easter.",
)


@pytest.fixture
def paragraphs() -> list[str]:
    """Return a short piece of prose, one paragraph an item, straight quotes, nothing to clean."""
    return list(PARAGRAPHS)


@pytest.fixture
def prose(paragraphs: list[str]) -> str:
    """Return the same as one clean text."""
    return "\n\n".join(paragraphs)
