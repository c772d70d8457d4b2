"""A likelihood ratio of grammars: are these sentences built as the author builds them, or as writers in general do?

After LambdaG (Nini, Halvani, Graner, Titze, Gherardi and Ishihara, Grammar as a behavioral biometric, Humanities and
Social Sciences Communications 13, 2026; arXiv 2403.08462): n-gram models with Kneser-Ney smoothing of sentences in
which only what belongs to grammar is left, one of the author's pages and several of as many sentences of other writers:

    lambda = mean over r of  sum over tokens of  log P_author(token | before) - log P_reference_r(token | before)

Here per token and in nats. What the paper masks with a tagger is masked by a word's ending here (as ``*ed``, ``*ly``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from .function_words import ENGLISH, choose_function_words
from .kneser_ney import FIRST_WORD, UNKNOWN, KneserNey, padded
from .measure import Floats
from .tokens import sentences, tokens, words


ORDER = 5  # tokens of the longest n-gram; the paper's 10 tells our authors no better apart and takes twice the time
REFERENCES = 5  # models of other writers for the text that is judged; the paper has 30 and more, for shorter texts
ENDINGS = ("ing", "ed", "ly", "est", "er", "ness", "ion", "s")
MOST_SENTENCES = 4_000  # of the author that are learned, about 80,000 words

Sentence = tuple[str, ...]


def masked(sentence: str, kept: frozenset[str]) -> Sentence:
    """Return the tokens of ``sentence`` with words that are not in ``kept`` as what they look like.

    >>> masked("The two grey horses walked slowly to Ostrand.", ENGLISH)
    ('the', 'two', '*', '*s', '*ed', '*ly', 'to', '*N', '.')
    """
    found = []
    for place, token in enumerate(tokens(sentence)):
        word = token.lower()
        if not token[0].isalnum() or word in kept:
            found.append(word)
        elif token[0].isdigit():
            found.append("*0")
        elif place and token[0].isupper():
            found.append("*N")
        else:
            found.append("*" + next((end for end in ENDINGS if word.endswith(end) and len(word) > len(end) + 2), ""))
    return tuple(found)


def masked_sentences(texts: Iterable[str], kept: frozenset[str]) -> list[Sentence]:
    """Return the masked sentences of ``texts``, in order."""
    return [found for text in texts for sentence in sentences(text) if (found := masked(sentence, kept))]


def numbered(sentence: Sentence, numbers: Mapping[str, int]) -> list[int]:
    """Return the numbers of a sentence's tokens, UNKNOWN for those without one."""
    return [numbers.get(token, UNKNOWN) for token in sentence]


def numbers_of(sentences: Iterable[Sentence]) -> dict[str, int]:
    """Return a number for each different token, from FIRST_WORD on, in the order of the alphabet."""
    return {token: n for n, token in enumerate(sorted({t for found in sentences for t in found}), start=FIRST_WORD)}


class Grammar:
    """The mean log-likelihood ratio of a text's grammar, author against other writers, in nats per token."""

    name = "grammar"
    label = "grammar"
    unit = "nats per token"
    nearer: Literal["lower", "higher"] = "higher"

    def __init__(
        self, author: Sequence[str], others: Mapping[str, Sequence[str]], order: int = ORDER, seed: int = 0
    ) -> None:
        """Learn the author's grammar and that of others; without others there is nothing to compare with.

        Args:
            author: windows or texts of the author.
            others: the same by name; where a text of one of them is judged, the reference is the rest of them.
            seed: draws the sentences of the reference.
        """
        running = [word for found in (author, *others.values()) for text in found for word in words(text)]
        kept = frozenset(choose_function_words(running))
        self.kept = kept | ENGLISH if kept >= ENGLISH else kept
        self.order = order
        own = masked_sentences(author, self.kept)
        self._others = {name: masked_sentences(found, self.kept) for name, found in others.items()}
        self._numbers = numbers_of([*own, *(line for found in self._others.values() for line in found)])
        self._dice = np.random.default_rng(seed)
        least = min((self._pool_size(name) for name in (None, *self._others)), default=0)
        self._size = min(len(own), MOST_SENTENCES, least)
        self._author = self._model(self._draw(own)) if self._size else None
        self._references: dict[str | None, list[KneserNey]] = {}

    def _pool(self, without: str | None) -> list[Sentence]:
        """Return the sentences of all others but ``without``; of all of them where nobody else would be left."""
        rest = [line for name, found in self._others.items() if name != without for line in found]
        return rest or [line for found in self._others.values() for line in found]

    def _pool_size(self, without: str | None) -> int:
        return len(self._pool(without))

    def _draw(self, pool: Sequence[Sentence]) -> list[Sentence]:
        chosen = np.sort(self._dice.choice(len(pool), size=min(self._size, len(pool)), replace=False))
        return [pool[place] for place in chosen]

    def _model(self, learned: Sequence[Sentence]) -> KneserNey:
        lines = padded([numbered(line, self._numbers) for line in learned], self.order)
        # One vocabulary for all models: a token that only one of them has seen costs the other its share, and no more.
        return KneserNey(lines, self.order, len(self._numbers) + 2)

    def _reference(self, without: str | None) -> list[KneserNey]:
        key = without if without in self._others else None
        if key not in self._references:
            pool = self._pool(key)
            count = REFERENCES if key is None else 1
            self._references[key] = [self._model(self._draw(pool)) for _ in range(count)]
        return self._references[key]

    def features(self, windows: Sequence[str], author: str | None = None) -> Floats:
        """Return the sum of log-likelihood ratios and the number of tokens of each window: ``[windows, 2]``."""
        counted = np.zeros((len(windows), 2))
        if self._author is None or not windows:
            return counted
        lines = [masked_sentences([text], self.kept) for text in windows]
        text = padded([numbered(line, self._numbers) for found in lines for line in found], self.order)
        owner = np.repeat(np.arange(len(windows)), [sum(len(line) + 1 for line in found) for found in lines])
        references = self._reference(author)
        ratio = np.log(self._author.probabilities(text))
        ratio -= np.mean([np.log(model.probabilities(text)) for model in references], axis=0)
        counted[:, 0] = np.bincount(owner, weights=ratio, minlength=len(windows))
        counted[:, 1] = np.bincount(owner, minlength=len(windows))
        return counted

    def score(self, counted: Floats) -> Floats:
        """Return the ratio in nats per token: above zero is nearer to the author than to the others."""
        result: Floats = np.divide(
            counted[..., 0], counted[..., 1], out=np.full(counted.shape[:-1], np.nan), where=counted[..., 1] > 0
        )
        return result
