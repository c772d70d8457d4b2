"""A text that is being written goes back from what is banned, and every engine learns what to forget."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kobold_modules.backends.continuation import Continuation
from kobold_modules.sampling.settings import Sampler


class Toy:
    """A language of a few words; what follows is a function of all that was written."""

    WORDS = ("the", " cold", " rain", " fell", " shivers", " down", " her", " spine", ".", "<end>")
    vocabulary = len(WORDS)
    opening = 0

    def piece(self, token: int) -> bytes:
        return self.WORDS[token].encode()

    def tokenize(self, text: str) -> list[int]:
        return [self.WORDS.index(text)] if text in self.WORDS else []

    def ends(self, token: int) -> bool:
        return token == self.vocabulary - 1

    def logits(self, tokens: list[int]) -> np.ndarray:
        """Make the next word in order likeliest, the others less likely the farther they are."""
        at = (tokens[-1] + 1) % self.vocabulary if tokens else 0
        farther: np.ndarray = np.abs((np.arange(self.vocabulary) - at + 0.1) % self.vocabulary).astype(np.float32)
        return -farther


def write(settings: Sampler, stop: tuple[str, ...] = (), most: int = 40, before: str = "") -> tuple[str, str, int]:
    """Drive a continuation as an engine does: the text that was shown, why it ended, tokens that were taken back."""
    toy, computed, shown, back = Toy(), list[int](), "", 0
    with Continuation(settings, 1, toy, [], stop, most, before) as continuation:
        while True:
            move = continuation.draw(toy.logits(computed))
            shown += move.text
            back += move.rewind
            assert move.rewind <= len(computed)
            computed = computed[: len(computed) - move.rewind]
            if move.token is None:
                shown += continuation.finish()
                assert computed == continuation.tokens[: len(computed)]
                return shown, move.reason, back
            computed.append(move.token)
            assert computed == continuation.tokens


GREEDY = Sampler(temperature=0.0, repetition=1.0)


def test_it_writes_until_the_model_ends_the_text() -> None:
    assert write(GREEDY) == ("the cold rain fell shivers down her spine.", "end", 0)
    assert write(GREEDY, most=3) == ("the cold rain", "length", 0)
    assert write(GREEDY, (" down",)) == ("the cold rain fell shivers", "stop", 0)


@pytest.mark.parametrize(
    ("banned", "text", "back"),
    [
        (("shivers down",), "the cold rain fell down her spine.", 1),
        (("SHIVERS DOWN HER SPINE",), "the cold rain fell down her spine.", 3),
        (("shivers down", "fell down"), "the cold rain fell her spine.", 1),  # "fell" was seen, so "down" goes
        (("cold * down",), "the rain fell shivers down her spine.", 4),
        (("spine",), "the cold rain fell shivers down her.", 0),
        (("nothing of this",), "the cold rain fell shivers down her spine.", 0),
    ],
)
def test_what_is_banned_is_written_around(banned: tuple[str, ...], text: str, back: int) -> None:
    shown, reason, taken_back = write(replace(GREEDY, banned=banned))
    assert reason == "end"
    assert (shown, taken_back) == (text, back)


def test_a_banned_string_that_the_writer_began_is_not_completed() -> None:
    shown, _, _ = write(replace(GREEDY, banned=("into the",)), before="He went in")
    assert shown.startswith("the")
    shown, _, _ = write(replace(GREEDY, banned=("into the",)), before="He went into ")
    assert not shown.startswith("the")


def test_when_every_word_is_banned_the_text_stops() -> None:
    shown, reason, _ = write(replace(GREEDY, banned=tuple(word.strip() for word in Toy.WORDS)))
    assert (shown, reason) == ("", "end")  # only the end was left
    every_letter = tuple("abcdefghijklmnopqrstuvwxyz. ")
    assert write(replace(GREEDY, banned=every_letter))[0] == ""


def test_one_seed_one_text_however_often_it_went_back() -> None:
    for seed in range(20):
        settings = Sampler(
            temperature=2.0,
            min_p=0.0,
            repetition=1.1,
            dry_multiplier=0.5,
            banned=("rain fell", "her", "d r"),
            seed=seed,
        )
        first = write(settings)
        assert write(settings) == first
        assert not any(word in first[0] for word in settings.banned)


def test_a_stop_string_before_a_banned_one_ends_the_text() -> None:
    settings = replace(GREEDY, banned=("down her",))
    assert write(settings, ("shivers",)) == ("the cold rain fell ", "stop", 0)
    assert write(settings, ("s down",))[1] == "stop"


def test_what_was_read_counts_only_for_the_penalties() -> None:
    with Continuation(Sampler(temperature=0, repetition=3.0), 1, Toy(), [0, 0]) as continuation:
        move = continuation.draw(np.array([1.0, 0.9] + [0.0] * 8, dtype=np.float32))
    assert move.token == 1
