"""One protocol, two engines: the same promises kept by llama.cpp and by transformers, on real and on tiny models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.backends.open import open_engine
from kobold_modules.backends.torch.engine import HfEngine
from kobold_modules.errors import BadUsage, EngineFailed, NoModel, WrongModel
from kobold_modules.generation.inspection.inspect import OpenEngine
from kobold_modules.generation.protocol import Request
from kobold_modules.models.find import resolve
from kobold_modules.models.reference import ModelFile
from kobold_modules.records import Finished, TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack
from tests.backends import tiny_folder
from tests.backends.conftest import module_of
from tests.last import last, text_in


OPENING = "Once upon a time, there was a little girl named Lily. She loved to play outside."
GREEDY = Sampler(temperature=0, repetition=1)
ENDLESS = (("#1", -100.0), ("#2", -100.0), ("#260", -100.0))  # a bias against the ends of text of all models here


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder.write(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module", params=["stories gguf", "stories folder", "tiny folder"])
def model(request: pytest.FixtureRequest) -> ModelFile:
    if request.param == "tiny folder":
        return resolve(str(request.getfixturevalue("tiny")))
    path = request.getfixturevalue("stories")
    name = "stories260K-F32.gguf" if request.param == "stories gguf" else "stories260K-hf"
    return resolve(str(path / name))


@pytest.fixture
def engine(model: ModelFile, home: Path) -> Iterator[OpenEngine]:
    with open_engine(model) as opened:
        yield opened


@pytest.fixture
def some(model: ModelFile) -> Callable[[int, int], Module]:
    """Make a module of rows that look like words of the model."""
    table = np.concatenate(list(model.read_table()))
    return lambda rows, seed: module_of(table, rows, seed)


def write(engine: OpenEngine, request: Request, cancelled: Callable[[], bool] = lambda: False) -> tuple[str, Finished]:
    records = list(engine.generate(request, cancelled))
    assert all(isinstance(record, TextChunk) and record.text for record in records[:-1])
    return text_in(records), last(records, Finished)


def test_it_says_what_it_loaded(engine: LlamaEngine | HfEngine, model: ModelFile) -> None:
    assert engine.info.name == model.name
    assert engine.info.context == 512
    assert engine.info.fingerprint.width == engine.info.width
    assert engine.refusal == ""


def test_text_is_tokens_is_text(engine: OpenEngine) -> None:
    for text in (OPENING, "", " a", "\n\n<s> né 🙂", "<|end|>", "  two"):
        assert b"".join(map(engine.piece, engine.tokenize(text))).decode() == text


def test_one_seed_one_text(engine: OpenEngine, some: Callable[[int, int], Module]) -> None:
    request = Request(text=OPENING, stack=Stack().add(some(12, 1)), max_tokens=30, sampler=Sampler(seed=7))
    first, finished = write(engine, request)
    assert finished.seed == 7
    write(engine, Request(text="Something else altogether.", stack=Stack(), max_tokens=5))
    assert write(engine, request)[0] == first
    assert write(engine, Request(text=OPENING, stack=request.stack, max_tokens=30, sampler=Sampler(seed=8)))[0] != first


def test_a_drawn_seed_is_told_and_can_be_used_again(engine: OpenEngine) -> None:
    text, finished = write(engine, Request(text=OPENING, max_tokens=20))
    assert write(engine, Request(text=OPENING, max_tokens=20, sampler=Sampler(seed=finished.seed)))[0] == text


def test_nothing_is_read_twice(engine: OpenEngine, some: Callable[[int, int], Module]) -> None:
    one, two = Stack().add(some(12, 1)), Stack().add(some(9, 2), 0.5)
    count = len(engine.tokenize(OPENING))
    text, first = write(engine, Request(text=OPENING, stack=one, max_tokens=12, sampler=GREEDY))
    assert (first.prefix_decoded, first.text_decoded) == (12, count)
    again, retry = write(engine, Request(text=OPENING, stack=one, max_tokens=12, sampler=GREEDY))
    assert (again, retry.prefix_decoded, retry.text_decoded) == (text, 0, 1)
    edited = OPENING.replace("outside", "inside")
    _, edit = write(engine, Request(text=edited, stack=one, max_tokens=2, sampler=GREEDY))
    assert edit.prefix_decoded == 0
    assert 0 < edit.text_decoded <= len(engine.tokenize(" inside.")) + 3
    _, other = write(engine, Request(text=OPENING, stack=two, max_tokens=12, sampler=GREEDY))
    assert (other.prefix_decoded, other.text_decoded) == (9, count)
    back, finished = write(engine, Request(text=OPENING, stack=one, max_tokens=12, sampler=GREEDY))
    assert back == text
    assert finished.prefix_decoded == 0


def test_an_empty_page(engine: OpenEngine, some: Callable[[int, int], Module]) -> None:
    stack = Stack().add(some(12, 1))
    text, finished = write(engine, Request(text="", stack=stack, max_tokens=10, sampler=Sampler(seed=1)))
    assert (finished.prefix_decoded, finished.text_decoded) == (12, 0)
    assert write(engine, Request(text="", stack=stack, max_tokens=10, sampler=Sampler(seed=1)))[0] == text
    assert write(engine, Request(text="", stack=Stack(), max_tokens=5, sampler=Sampler(seed=1)))[1].text_decoded == 1


@pytest.mark.parametrize("after", [0, 1, 9])
def test_a_cancel_ends_the_text_and_spoils_nothing(
    engine: OpenEngine, some: Callable[[int, int], Module], after: int
) -> None:
    request = Request(
        text=OPENING, stack=Stack().add(some(12, 1)), max_tokens=30, sampler=Sampler(seed=5, repetition=1.0)
    )
    heard, text = 0, ""

    def cancelled() -> bool:
        return heard > after

    for record in engine.generate(request, cancelled):
        if isinstance(record, TextChunk):
            heard += 1
            text += record.text
    assert isinstance(record, Finished)
    assert record.reason == "cancelled"
    whole, _ = write(engine, request)
    assert whole.startswith(text)
    assert len(text) < len(whole)


def test_a_cancel_in_the_middle_of_reading_spoils_nothing(
    engine: OpenEngine, some: Callable[[int, int], Module]
) -> None:
    """Between layers, or by llama.cpp's own callback: some parts of the cache are longer then."""
    stack = Stack().add(some(12, 1))
    clean = engine.log_probabilities(OPENING, stack)
    for patience in (1, 2, 3, 5, 8):
        asked = 0

        def cancelled() -> bool:
            nonlocal asked
            asked += 1
            return asked > patience  # noqa: B023 - used up within the loop

        _, finished = write(
            engine,
            Request(text=f"{patience} " + OPENING, stack=stack, max_tokens=9, sampler=Sampler(seed=5)),
            cancelled=cancelled,
        )
        assert finished.reason == "cancelled"
    assert np.allclose(engine.log_probabilities(OPENING, stack), clean, atol=2e-3)
    endless = replace(GREEDY, bias=ENDLESS)
    assert write(engine, Request(text=OPENING, stack=stack, max_tokens=4, sampler=endless))[1].tokens == 4


def test_stop_and_banned_strings_are_never_seen(engine: OpenEngine) -> None:
    endless = replace(GREEDY, bias=ENDLESS)
    free, _ = write(engine, Request(text=OPENING, stack=Stack(), max_tokens=40, sampler=endless))
    stop = free[12:16]
    text, finished = write(engine, Request(text=OPENING, stack=Stack(), max_tokens=40, sampler=endless, stop=(stop,)))
    assert (text, finished.reason) == (free[: free.index(stop)], "stop")
    for banned in ((free[12:16].strip() or free[11:17],), (free[3:5], free[20:23])):
        settings = replace(endless, banned=banned)
        text, finished = write(engine, Request(text=OPENING, stack=Stack(), max_tokens=40, sampler=settings))
        assert not any(word.lower() in text.lower() for word in banned)
        assert (finished.tokens, finished.reason) == (40, "length")
        assert write(engine, Request(text=OPENING, stack=Stack(), max_tokens=40, sampler=settings))[0] == text


def test_going_back_leaves_the_context_right(engine: OpenEngine) -> None:
    """After a banned string the next words are what a fresh reading of the same text gives."""
    free, _ = write(engine, Request(text=OPENING, stack=Stack(), max_tokens=30, sampler=GREEDY))
    banned = (free[10:14],)
    text, _ = write(
        engine,
        Request(
            text=OPENING, stack=Stack(), max_tokens=30, sampler=Sampler(temperature=0, repetition=1, banned=banned)
        ),
    )
    scored = engine.score([*engine.tokenize(OPENING), *engine.tokenize(text)], Stack())
    assert np.isfinite(scored).all()
    more, _ = write(engine, Request(text=OPENING + text, stack=Stack(), max_tokens=8, sampler=GREEDY))
    engine.generate(Request(text="Elsewhere.", stack=Stack(), max_tokens=1, sampler=GREEDY))
    assert write(engine, Request(text=OPENING + text, stack=Stack(), max_tokens=8, sampler=GREEDY))[0] == more


def test_memory_and_note_are_read(engine: OpenEngine) -> None:
    plain, _ = write(engine, Request(text=OPENING, max_tokens=20, sampler=GREEDY))
    kept = engine.next_logits(Request(text=OPENING, memory="A story about a dragon."))
    noted = engine.next_logits(Request(text=OPENING, note="A story about a dragon.", note_depth=0))
    assert not np.allclose(kept, engine.next_logits(Request(text=OPENING)), atol=1e-3)
    assert not np.allclose(kept, noted, atol=1e-3)
    assert write(engine, Request(text=OPENING, max_tokens=20, sampler=GREEDY))[0] == plain


def test_a_text_longer_than_the_context(engine: OpenEngine, some: Callable[[int, int], Module]) -> None:
    stack = Stack().add(some(12, 1))
    story = " ".join(f"Number {n} went to the park and saw a cat." for n in range(120))
    text, finished = write(
        engine, Request(text=story, stack=stack, max_tokens=24, sampler=Sampler(seed=1, repetition=1.0))
    )
    assert finished.left_out > 0
    assert finished.prefix_decoded == 12
    assert finished.context_used <= 512
    assert text


def test_a_continuation_longer_than_the_context_goes_on(engine: OpenEngine) -> None:
    _, finished = write(
        engine,
        Request(text=OPENING, stack=Stack(), max_tokens=560, sampler=Sampler(seed=3, repetition=1, bias=ENDLESS)),
    )
    assert (finished.tokens, finished.reason) == (560, "length")


def test_takes_side_by_side_are_those_written_alone(engine: OpenEngine, some: Callable[[int, int], Module]) -> None:
    stacks = [Stack(), Stack().add(some(12, 1)), Stack().add(some(5, 2)).add(some(4, 3), 0.5)]
    requests = [Request(text=OPENING, stack=stack, max_tokens=12, sampler=GREEDY) for stack in stacks]
    texts, ended = [""] * 3, set()
    for record in engine.together(requests):
        if isinstance(record, TextChunk):
            texts[record.sequence] += record.text
        else:
            ended.add(record.sequence)
    assert ended == {0, 1, 2}
    assert texts == [write(engine, request)[0] for request in requests]


def test_log_probabilities(engine: OpenEngine, some: Callable[[int, int], Module]) -> None:
    stack = Stack().add(some(12, 1))
    tokens = engine.tokenize(OPENING)
    plain, stacked = engine.log_probabilities(OPENING, Stack()), engine.log_probabilities(OPENING, stack)
    assert (plain.shape, stacked.shape) == ((len(tokens) - 1,), (len(tokens),))
    assert plain.dtype == np.float32
    logits = engine.next_logits(Request(text=OPENING, stack=stack)).astype(np.float64)
    chances = logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()
    for token in (3, 70, 200):
        assert engine.score([*tokens, token], stack)[-1] == pytest.approx(chances[token], abs=2e-2)
    assert engine.log_probabilities("", Stack()).shape == (0,)
    with pytest.raises(BadUsage, match="holds 512"):
        engine.log_probabilities(OPENING * 40, stack)


def test_endings_of_one_beginning_are_scored_as_if_each_were_read_alone(
    engine: OpenEngine, some: Callable[[int, int], Module]
) -> None:
    """Issue 16: four answers behind one question, which is read once."""
    before = engine.tokenize("Once upon a time there was a")
    endings = [engine.tokenize(text) for text in (" cat", " dog and a very small bird.", " girl", " big red ball")]
    endings += [endings[0]] * 8 + [engine.tokenize(OPENING * 5)[:90]]  # more than a call holds, and a long one
    for stack in (Stack(), Stack().add(some(6, 1))):
        found = engine.score_endings(before, endings, stack)

        assert [len(values) for values in found] == [len(ending) for ending in endings]
        for ending, values in zip(endings, found, strict=True):
            alone = engine.score([*before, *ending], stack)[-len(ending) :]
            assert np.abs(values - alone).max() < 0.02  # flash attention adds up in half precision


def test_typed_tokens_and_their_rows_are_the_same(engine: OpenEngine, model: ModelFile) -> None:
    """What a stack is in the end: rows of the table in front of the text count as the words they are."""
    table = np.concatenate(list(model.read_table()))
    ids = engine.tokenize("Once upon a time")
    words = Stack().add(Module(table[ids], Card("words")))
    typed = engine.log_probabilities("Once upon a time" + OPENING, Stack())[-len(engine.tokenize(OPENING)) :]
    assert np.allclose(engine.log_probabilities(OPENING, words), typed, atol=5e-3)


def test_what_does_not_fit_is_refused(engine: OpenEngine, some: Callable[[int, int], Module]) -> None:
    wide = Module(np.ones((3, engine.info.width * 2), dtype=np.float32), Card("wide"))
    with pytest.raises(WrongModel, match="wide"):
        write(engine, Request(text=OPENING, stack=Stack().add(wide)))
    stranger = Fingerprint(99, engine.info.width, (1.0, 2.0))
    with pytest.raises(WrongModel):
        engine.log_probabilities(
            OPENING, Stack().add(Module(some(3, 1).vectors, Card("stranger", fingerprint=stranger)))
        )
    with pytest.raises(BadUsage, match="takes 500 of the 512"):
        write(engine, Request(text=OPENING, stack=Stack().add(some(500, 1))))
    with pytest.raises(BadUsage):
        write(engine, Request(text=OPENING, max_tokens=-1))
    assert write(engine, Request(text=OPENING, max_tokens=0))[1].tokens == 0


def test_rows_that_blow_the_model_up_are_named_as_such(engine: OpenEngine, some: Callable[[int, int], Module]) -> None:
    width = engine.info.width
    rows, start = np.full((3, width), 1e38, np.float32), np.zeros((3, width), np.float32)
    large = Module(rows, Card("large"), start)
    with pytest.raises(EngineFailed, match="not numbers"), np.errstate(over="ignore"):
        write(engine, Request(text=OPENING, stack=Stack().add(large, 9.0)))
    assert write(engine, Request(text=OPENING, stack=Stack().add(some(4, 1)), max_tokens=5))[1].tokens <= 5


def test_a_closed_engine_says_so(model: ModelFile) -> None:
    engine = open_engine(model, context=100)
    assert engine.info.context == 100
    engine.close()
    engine.close()
    with pytest.raises(BadUsage, match="closed"):
        write(engine, Request(text=OPENING))


def test_loading_tells_how_far_it_is_and_can_be_stopped(model: ModelFile) -> None:
    heard: list[float] = []
    open_engine(model, progress=lambda share: not heard.append(share)).close()
    assert heard[-1] == 1
    with pytest.raises(EngineFailed, match="stopped"):
        open_engine(model, progress=lambda share: False)


def test_the_two_engines_write_the_same_text(stories: Path, tmp_path: Path) -> None:
    """The same logits to a rounding, and the very same samplers."""
    folder, file = resolve(str(stories / "stories260K-hf")), resolve(str(stories / "stories260K-F32.gguf"))
    table = np.concatenate(list(folder.read_table()))
    assert np.array_equal(table, np.concatenate(list(file.read_table())))
    with open_engine(folder) as ours, open_engine(file) as theirs:
        for modules in range(3):
            stack = Stack()
            for seed in range(modules):
                stack = stack.add(module_of(table, 6, seed))
            assert np.allclose(
                ours.log_probabilities(OPENING, stack), theirs.log_probabilities(OPENING, stack), atol=0.03
            )
            settings = Sampler(seed=4, temperature=0.7, dry_multiplier=0.8, banned=("park",))
            request = Request(text=OPENING, stack=stack, max_tokens=30, sampler=settings)
            assert write(ours, request)[0][:30] == write(theirs, request)[0][:30]


@pytest.mark.parametrize("kind", ["mistral", "qwen2", "qwen3", "gemma2", "gpt2", "gpt_neox", "phi"])
def test_architectures(kind: str, tmp_path: Path) -> None:
    changes = {"head_dim": 8, "sliding_window": 16} if kind == "gemma2" else {}
    model = resolve(str(tiny_folder.write(tmp_path / kind, kind, **changes)))
    with open_engine(model) as engine:
        assert engine.refusal == ""
        stack = Stack().add(module_of(np.concatenate(list(model.read_table())), 7, 1))
        first, finished = write(engine, Request(text=OPENING, stack=stack, max_tokens=12, sampler=Sampler(seed=2)))
        assert finished.prefix_decoded == 7
        write(engine, Request(text=OPENING.replace("Lily", "Rose"), stack=stack, max_tokens=4, sampler=Sampler(seed=2)))
        assert write(engine, Request(text=OPENING, stack=stack, max_tokens=12, sampler=Sampler(seed=2)))[0] == first


def test_folders_that_are_no_models(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoModel):
        open_engine(ModelFile("empty", tmp_path / "empty", "hf"))
    broken = tiny_folder.write(tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"\x10" + bytes(40))
    with pytest.raises(NoModel):
        open_engine(ModelFile("broken", broken, "hf"))
    mute = tiny_folder.write(tmp_path / "mute")
    (mute / "tokenizer.json").write_text("{}")
    with pytest.raises(NoModel, match="tokenizer"):
        open_engine(ModelFile("mute", mute, "hf"))
