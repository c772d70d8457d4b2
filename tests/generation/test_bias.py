"""A bias of words: which tokens it counts for, and what is said where a word is several."""

from __future__ import annotations

import pytest

from kobold_modules.errors import BadUsage
from kobold_modules.generation.bias import bias_warnings, biased_tokens, check_ids
from kobold_modules.sampling.settings import Sampler


class Letters:
    """Tokens: a space, each letter, and two whole words."""

    PIECES = (" ", *"abcdefghijklmnopqrstuvwxyzABCL", " rain", "Rain", "\n")

    def piece(self, token: int) -> bytes:
        return str(self.PIECES[token]).encode()

    def tokenize(self, text: str) -> list[int]:
        ids = []
        while text:
            token = max((piece for piece in self.PIECES if text.startswith(piece)), key=len)
            ids.append(self.PIECES.index(token))
            text = text[len(token) :]
        return ids


def id_of(piece: str) -> int:
    return Letters.PIECES.index(piece)


def test_a_word_counts_in_the_spellings_that_are_one_token() -> None:
    """Raising the first letter of "rain" would raise every word with an r."""
    found = biased_tokens(Sampler(bias=(("rain", 2.0),)), len(Letters.PIECES), Letters())

    assert dict(found) == {id_of(" rain"): 2.0, id_of("Rain"): 2.0}
    assert bias_warnings(Sampler(bias=(("rain", 2.0),)), Letters(), "toy") == []


def test_a_word_of_several_tokens_counts_for_its_first_and_that_is_said() -> None:
    """G16: a word of several tokens gets a warning."""
    settings = Sampler(bias=(("lift", 5.0),))

    assert dict(biased_tokens(settings, len(Letters.PIECES), Letters())) == {id_of("l"): 5.0, id_of("L"): 5.0}
    (said,) = bias_warnings(settings, Letters(), "toy")
    assert said.startswith("'lift' is 4 tokens in toy (l, i, f, t). The bias counts for the first of them")
    assert "ban the word" in bias_warnings(Sampler(bias=(("lift", -5.0),)), Letters(), "toy")[0]
    assert bias_warnings(Sampler(bias=(("\n", 5.0), ("#3", 1.0))), Letters(), "toy") == []


def test_a_token_that_is_not_there_is_refused() -> None:
    """G16: an id outside the vocabulary is refused."""
    last = len(Letters.PIECES) - 1
    check_ids(Sampler(bias=((f"#{last}", 1.0), ("rain", 1.0))), len(Letters.PIECES), "toy")
    with pytest.raises(BadUsage, match=rf"no token #{last + 1}: those of toy go from #0 to #{last}"):
        check_ids(Sampler(bias=((f"#{last + 1}", -100.0),)), len(Letters.PIECES), "toy")
