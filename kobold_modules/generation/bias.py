"""A bias of words and token ids as numbers added to logits, and what is to be said about it.

A word counts in its usual spellings (with a capital, with a space before it), in those that are one token. Where none
of them is, it counts for the first token of each, and so for every word that begins with it: that is said.
"""

from __future__ import annotations

from ..errors import BadUsage
from ..sampling.settings import Sampler
from .words import Words


SHOWN_TOKENS = 6


def biased_tokens(settings: Sampler, vocabulary: int, words: Words | None) -> tuple[tuple[int, float], ...]:
    """Return what to add to which logit. Without ``words`` only ids count; what is not in the vocabulary does not."""
    found: dict[int, float] = {}
    for word, bias in settings.bias:
        if _is_id(word):
            ids = {int(word[1:])}
        elif words is None:
            continue
        else:
            ids = {tokens[0] for tokens in _spelled(word, words)}
        for token in ids:
            if 0 <= token < vocabulary:
                found[token] = found.get(token, 0.0) + bias
    return tuple(sorted(found.items()))


def check_ids(settings: Sampler, vocabulary: int, model: str) -> None:
    """Raise BadUsage for a bias of a token that ``model`` does not have."""
    for word, _ in settings.bias:
        if _is_id(word) and int(word[1:]) >= vocabulary:
            raise BadUsage(
                f"There is no token {word}: those of {model} go from #0 to #{vocabulary - 1}.",
                "`generate --peek --json` tells the ids of likely tokens.",
            )


def bias_warnings(settings: Sampler, words: Words, model: str) -> list[str]:
    """Return a sentence for each biased word that is several tokens however it is spelled."""
    said = []
    for word, bias in settings.bias:
        spelled = [] if _is_id(word) else _spelled(word, words)
        if spelled and all(len(tokens) > 1 for tokens in spelled):
            tokens = _worded(words.tokenize(" " + word), words)
            parts = [words.piece(token).decode("utf-8", "replace").strip() for token in tokens]
            shown = ", ".join(parts[:SHOWN_TOKENS]) + (", ..." if len(parts) > SHOWN_TOKENS else "")
            said.append(
                f"{word.strip()!r} is {len(parts)} tokens in {model} ({shown}). The bias counts for the first of them, "
                f"and so for every word that begins with it"
                + ("; ban the word to be rid of it alone." if bias < 0 else ".")
            )
    return said


def _is_id(word: str) -> bool:
    return word[0] == "#" and len(word) > 1


def _spelled(word: str, words: Words) -> list[list[int]]:
    """Spell ``word`` in its usual ways, as tokens: those of one token, or all if none is that short."""
    spellings = {word, word.capitalize()} if word.islower() else {word}
    spellings |= {" " + spelling for spelling in spellings}
    found = [tokens for spelling in sorted(spellings) if (tokens := _worded(words.tokenize(spelling), words))]
    return [tokens for tokens in found if len(tokens) == 1] or found


def _worded(tokens: list[int], words: Words) -> list[int]:
    """Return ``tokens`` without a first one that is but a space: biasing that would bias every word."""
    return tokens[1:] if len(tokens) > 1 and not words.piece(tokens[0]).strip() else tokens
