"""A text that ends with a space or inside a word goes on as if it had not been cut there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.backends.continuation import Continuation
from kobold_modules.backends.open import open_engine
from kobold_modules.common_prefix import common_prefix
from kobold_modules.generation.inspection.inspect import OpenEngine, best_of, peek
from kobold_modules.generation.protocol import Request
from kobold_modules.generation.token_healing import TokenPrefixes, boundary, hold_back
from kobold_modules.models.find import resolve
from kobold_modules.records import Finished, TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.stack import Stack
from tests.backends.conftest import module_of


GREEDY = Sampler(temperature=0, repetition=1)
OPENING = "Once upon a time, there was a little girl named Lily. She loved to play outside"


class Toy:
    """A vocabulary of a few tokens, split longest first."""

    PIECES = ("", " the", " do", " door", " doors", " dog", " ", "  ", "d", "o", "or", "g", ".", "\n", "\t", " of", "x")
    vocabulary = len(PIECES)
    opening = 0

    def piece(self, token: int) -> bytes:
        return self.PIECES[token].encode()

    def tokenize(self, text: str) -> list[int]:
        ids = []
        while text:
            token = max((p for p in self.PIECES if p and text.startswith(p)), key=len)
            ids.append(self.PIECES.index(token))
            text = text[len(token) :]
        return ids

    def ends(self, token: int) -> bool:
        return token == 0

    def ids(self, *pieces: str) -> list[int]:
        return [self.PIECES.index(piece) for piece in pieces]

    def logits(self, **likely: float) -> np.ndarray:
        """Return logits from probabilities by piece (``_`` is a space); the rest has next to none."""
        chances = np.full(self.vocabulary, 1e-9)
        for piece, chance in likely.items():
            chances[self.PIECES.index(piece.replace("_", " "))] = chance
        logits: np.ndarray = np.log(chances).astype(np.float32)
        return logits


toy = Toy()
PREFIXES = TokenPrefixes(toy, toy.vocabulary)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (" the door.", []),
        (" the.\n", []),  # a line break is an end
        (" the.\n ", [" "]),
        (" the ", [" "]),
        (" the  ", [" "]),  # of several spaces the last: the others stand before the word's own
        (" the\t", ["\t"]),
        (" the do", [" do"]),
        (" the door", [" door"]),  # it could be doors
        (" the doors", []),  # nothing goes on from here but another token
        (" the dox", []),
        (" the", []),
        ("", []),
        (" ", [" "]),
    ],
)
def test_what_is_held_back(text: str, held: list[str]) -> None:
    kept, found = hold_back(text, toy.tokenize(text), toy, PREFIXES)

    assert found == toy.ids(*held)
    assert "".join(Toy.PIECES[token] for token in [*kept, *found]) == text


def test_a_model_that_cannot_go_back_heals_spaces_alone() -> None:
    spaces = TokenPrefixes(toy, toy.vocabulary, within_words=False)

    assert hold_back(" the do", toy.tokenize(" the do"), toy, spaces)[1] == []
    assert hold_back(" the ", toy.tokenize(" the "), toy, spaces)[1] == toy.ids(" ")


def draws(text: str, steps: list[np.ndarray], settings: Sampler = GREEDY, most: int = 9) -> tuple[str, int, list[str]]:
    """Return what is shown behind ``text``, how many tokens count, and the tokens that were drawn."""
    kept, held = hold_back(text, toy.tokenize(text), toy, PREFIXES)
    held_back = boundary(tuple(held), toy, PREFIXES)
    with Continuation(settings, settings.seed or 0, toy, kept, (), most, text, held_back) as writing:
        shown = ""
        for logits in steps:
            move = writing.draw(logits)
            shown += move.text
            if move.token is None:
                break
        return shown + writing.finish(), writing.count, [Toy.PIECES[token] for token in writing.tokens]


def test_the_next_token_begins_with_the_space_and_shows_it_once() -> None:
    """G09: behind a space the model's likeliest word is the one it would have taken before the space."""
    assert draws(" the ", [toy.logits(x=0.9, _door=0.1)]) == ("door", 1, [" door"])
    assert draws(" the ", [toy.logits(_=0.6, _door=0.4), toy.logits(x=1.0)]) == ("x", 1, [" ", "x"])


def test_an_unfinished_word_is_finished() -> None:
    """G10: what goes beyond the word is shown without what stands there already."""
    assert draws(" the do", [toy.logits(_do=0.01, _door=0.9, x=0.09)]) == ("or", 1, [" door"])
    assert draws(" the do", [toy.logits(_do=0.01, _dog=0.5, _door=0.49)]) == ("g", 1, [" dog"])


def test_a_word_that_is_likely_enough_stays() -> None:
    steps = [toy.logits(_do=0.2, _door=0.8), toy.logits(_of=1.0)]

    assert draws(" the do", steps) == (" of", 1, [" do", " of"])


def test_an_unlikely_word_may_stay_and_extensions_come_in_proportion() -> None:
    seen = {
        draws(" the do", [toy.logits(_do=0.07, _dog=0.5, _door=0.43), toy.logits(x=1.0)], Sampler(seed=seed), 1)[0]
        for seed in range(60)
    }
    assert seen == {"g", "or", "x"}


def test_the_writers_own_word_is_no_repetition() -> None:
    """Penalties, DRY and XTC are about what is new; the end of the writer's text is not."""
    settings = Sampler(temperature=0, repetition=3.0, presence=2.0, dry_multiplier=5.0)
    logits = toy.logits(_do=0.5, _door=0.4)

    assert draws(" do do do do", [logits, toy.logits(x=1.0)], settings)[0] == "x"


def test_what_is_banned_stays_banned_where_the_writer_began_it() -> None:
    steps = [toy.logits(_do=0.02, _door=0.7, _dog=0.28), toy.logits(x=1.0)]

    assert draws(" the do", steps, replace(GREEDY, banned=("door",)), 1)[0] == "g"
    shown, _, tokens = draws(" the do", steps, replace(GREEDY, banned=("door", "dog")))
    assert (shown, tokens) == ("x", [" do", "x"])
    assert draws(" the ", [toy.logits(_door=0.9, _dog=0.1)], replace(GREEDY, banned=(" door",)))[0] == "dog"


def test_a_token_forbidden_by_its_id_is_not_drawn_to_finish_a_word() -> None:
    never = replace(GREEDY, bias=((f"#{toy.ids(' door')[0]}", -100.0),))

    assert draws(" the do", [toy.logits(_do=0.01, _door=0.9, _dog=0.09)], never)[0] == "g"


def test_only_new_tokens_count() -> None:
    steps = [toy.logits(_do=0.5, _door=0.5), toy.logits(_of=1.0), toy.logits(_the=1.0)]

    assert draws(" the do", steps, most=1) == (" of", 1, [" do", " of"])


@pytest.fixture(scope="module", params=["stories gguf", "stories folder"])
def engine(request: pytest.FixtureRequest, stories: Path) -> Iterator[OpenEngine]:
    name = "stories260K-F32.gguf" if request.param == "stories gguf" else "stories260K-hf"
    with open_engine(resolve(str(stories / name))) as opened:
        yield opened


def write(engine: OpenEngine, request: Request) -> tuple[str, Finished]:
    records = list(engine.generate(request))
    assert isinstance(records[-1], Finished)
    return "".join(record.text for record in records[:-1] if isinstance(record, TextChunk)), records[-1]


def test_a_space_at_the_end_changes_nothing_but_where_it_stands(engine: OpenEngine) -> None:
    free, _ = write(engine, Request(text=OPENING, max_tokens=12, sampler=GREEDY))
    assert free.startswith(" ")
    assert write(engine, Request(text=OPENING + " ", max_tokens=12, sampler=GREEDY))[0] == free[1:]
    assert peek(engine, Request(text=OPENING + " "), 3)[0][0].text[0] == " "


@pytest.mark.parametrize("end", ["", " ", "  ", "\t", "\u00a0", "\n ", " \n", "\n\n", " the lit", "é", "’", " 1", "?!"])
def test_any_end_has_a_continuation_and_none_is_repeated(engine: OpenEngine, end: str) -> None:
    request = Request(text=OPENING + end, stack=Stack(), max_tokens=8, sampler=Sampler(seed=3))
    text, finished = write(engine, request)
    assert finished.tokens == 8 or finished.reason == "end"
    assert write(engine, request)[0] == text
    joined = engine.tokenize(request.text + text)
    assert b"".join(map(engine.piece, joined)).decode() == request.text + text


def test_nothing_is_read_twice_behind_a_healed_end(engine: OpenEngine) -> None:
    """A retry computes the end anew and nothing else; going on computes what is new."""
    rows = module_of(np.random.default_rng(1).standard_normal((40, engine.info.width)).astype(np.float32), 6, 1)
    request = Request(text=OPENING + " with her frie", stack=Stack().add(rows), max_tokens=10, sampler=Sampler(seed=2))
    text, first = write(engine, request)
    again, retry = write(engine, request)
    assert (again, retry.prefix_decoded) == (text, 0)
    assert retry.text_decoded <= 2
    _, more = write(
        engine, Request(text=request.text + text, stack=request.stack, max_tokens=10, sampler=Sampler(seed=2))
    )
    assert more.prefix_decoded == 0
    assert more.text_decoded <= 3
    assert first.tokens == 10


def test_side_by_side_as_alone(engine: OpenEngine) -> None:
    requests = [
        Request(text=OPENING + end, max_tokens=8, sampler=Sampler(seed=5, banned=("mom",)))
        for end in (" ", " wi", ".", "")
    ]
    texts = [""] * len(requests)
    for record in engine.together(requests):
        if isinstance(record, TextChunk):
            texts[record.sequence] += record.text
    assert texts == [write(engine, request)[0] for request in requests]


def test_it_can_be_switched_off(engine: OpenEngine) -> None:
    off = replace(GREEDY, token_healing=False)
    ends = [OPENING + end for end in (" ", " wi", "")]
    plain = [engine.next_logits(Request(text=text, sampler=off)) for text in ends]
    for text, logits in zip(ends, plain, strict=True):
        shown, _ = write(engine, Request(text=text, max_tokens=1, sampler=off))
        assert shown == engine.piece(int(logits.argmax())).decode()
        assert peek(engine, Request(text=text, sampler=off), 1)[0][0].token == int(logits.argmax())


def test_peek_adds_up_and_says_what_a_word_adds(engine: OpenEngine) -> None:
    for end in (" ", " wi", " her", "."):
        found, _ = peek(engine, Request(text=OPENING + end), 512)
        assert sum(candidate.probability for candidate in found) == pytest.approx(1.0, abs=0.05)
        assert all(candidate.text.endswith(candidate.adds) for candidate in found)
        best = write(engine, Request(text=OPENING + end, max_tokens=1, sampler=GREEDY))[0]
        assert best == found[0].adds


def test_the_best_of_several_takes_are_ranked_as_whole_texts(engine: OpenEngine) -> None:
    takes = best_of(engine, Request(text=OPENING + " wi", max_tokens=6, sampler=Sampler(seed=1)), 3)
    for take in takes:
        whole = engine.tokenize(OPENING + " wi" + take.text)
        values = engine.score(whole, Stack())
        new = len(whole) - common_prefix(whole, engine.tokenize(OPENING + " wi"))
        assert np.isfinite(take.nats_per_token)
        assert take.nats_per_token == pytest.approx(-values[-new:].mean(), abs=0.05)


def test_a_context_that_is_full_from_the_start(engine: OpenEngine) -> None:
    story = " ".join(f"Number {n} went to the park and saw a cat." for n in range(120))
    for end in (" ", " The little gi"):
        text, finished = write(
            engine,
            Request(text=story + end, stack=Stack(), max_tokens=400, sampler=Sampler(seed=1, bias=(("#2", -100.0),))),
        )
        assert finished.context_used <= 512
        assert finished.tokens == 400 or finished.reason == "end"
        assert not text.startswith(" ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("She opened the door and ", "stepped"),
        ("She opened the door and", " stepped"),
        ("The old man opened the do", "or"),
    ],
)
def test_a_real_model(smollm2: Path, text: str, first: str) -> None:
    """G09, G10 on SmolLM2: the word behind the space is the one before it; the do becomes a door, no dog."""
    with open_engine(resolve(str(smollm2))) as engine:
        assert peek(engine, Request(text=text), 1)[0][0].adds == first
        assert write(engine, Request(text=text, max_tokens=4, sampler=GREEDY))[0].startswith(first)
