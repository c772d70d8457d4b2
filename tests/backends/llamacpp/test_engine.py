"""The engine that writes, on a real model: what is kept, what is cancelled, what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.backends.llamacpp.scoring import score
from kobold_modules.errors import BadUsage, EngineFailed, NoModel, WrongModel
from kobold_modules.generation.protocol import Request
from kobold_modules.models.reference import ModelFile
from kobold_modules.records import Finished, TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack
from tests.backends.conftest import decoder_of
from tests.last import last, text_in


OPENING = "Once upon a time, there was a little girl named Lily. She loved to play outside."
ENDLESS = (("#0", -100.0), ("#1", -100.0), ("#2", -100.0))  # a bias against the ends of text of both models here


def write(engine: LlamaEngine, request: Request, cancelled: Callable[[], bool] = lambda: False) -> tuple[str, Finished]:
    records = list(engine.generate(request, cancelled))
    assert all(isinstance(record, TextChunk) and record.text for record in records[:-1])
    return text_in(records), last(records, Finished)


def test_it_says_what_it_loaded(engine: LlamaEngine) -> None:
    info = engine.info
    assert (info.name, info.context, info.width, info.vocabulary) == ("stories260K-F16", 512, 64, 512)
    assert info.fingerprint.width == 64
    assert engine.refusal == ""


def test_tokens_have_no_bos_and_no_added_space(engine: LlamaEngine) -> None:
    pieces = [engine._model.piece(token) for token in engine.tokenize("Once upon")]
    assert b"".join(pieces) == b"Once upon"
    assert engine.tokenize("") == []
    assert b"".join(engine._model.piece(t) for t in engine.tokenize("<s> </s>\0 né 🙂")) == "<s> </s>\0 né 🙂".encode()
    assert engine.tokenize("\udcff")  # half a letter is no reason to die


def test_the_same_seed_writes_the_same_text(engine: LlamaEngine, some_module: Callable[[int, int], Module]) -> None:
    request = Request(text=OPENING, stack=Stack().add(some_module(12, 1)), max_tokens=50, sampler=Sampler(seed=7))
    first, finished = write(engine, request)
    assert finished.seed == 7
    assert write(engine, request)[0] == first
    write(engine, Request(text="Something else altogether.", stack=Stack(), max_tokens=5))
    assert write(engine, request)[0] == first
    assert write(engine, Request(text=OPENING, stack=request.stack, max_tokens=50, sampler=Sampler(seed=8)))[0] != first


def test_a_drawn_seed_is_reported_and_can_be_used_again(engine: LlamaEngine) -> None:
    text, finished = write(engine, Request(text=OPENING, max_tokens=40))
    assert write(engine, Request(text=OPENING, max_tokens=40, sampler=Sampler(seed=finished.seed)))[0] == text
    assert write(engine, Request(text=OPENING, max_tokens=4, sampler=Sampler(seed=-1)))[1].seed == 2**32 - 2


def test_retry_and_continue_decode_no_row_of_the_stack_again(
    engine: LlamaEngine, some_module: Callable[[int, int], Module]
) -> None:
    stack = Stack().add(some_module(12, 1)).add(some_module(5, 2), 0.5)
    text, first = write(engine, Request(text=OPENING, stack=stack, max_tokens=30))
    count = len(engine.tokenize(OPENING))
    assert (first.prefix_decoded, first.text_decoded) == (17, count)
    _, retry = write(engine, Request(text=OPENING, stack=stack, max_tokens=30))
    assert (retry.prefix_decoded, retry.text_decoded) == (0, 1)
    text, _ = write(engine, Request(text=OPENING, stack=stack, max_tokens=30))
    _, more = write(engine, Request(text=OPENING + text, stack=stack, max_tokens=30))
    assert more.prefix_decoded == 0
    assert more.text_decoded <= 6  # what was written is there already, but for its last token and re-split words


def test_going_back_to_a_stack_restores_it_exactly(
    engine: LlamaEngine, some_module: Callable[[int, int], Module]
) -> None:
    one, two = Stack().add(some_module(12, 1)), Stack().add(some_module(9, 2))
    settings = Sampler(temperature=0, repetition=1)
    first, finished = write(engine, Request(text=OPENING, stack=one, max_tokens=30, sampler=settings))
    write(engine, Request(text=OPENING, stack=two, max_tokens=30, sampler=settings))
    again, back = write(engine, Request(text=OPENING, stack=one, max_tokens=30, sampler=settings))
    plain, none = write(engine, Request(text=OPENING, stack=Stack(), max_tokens=30, sampler=settings))
    assert (finished.prefix_decoded, back.prefix_decoded, none.prefix_decoded) == (12, 0, 0)
    assert again == first
    assert plain != first


def test_an_evicted_stack_is_computed_again(stories: Path, some_module: Callable[[int, int], Module]) -> None:
    one, two = Stack().add(some_module(12, 1)), Stack().add(some_module(9, 2))
    page = " ".join([OPENING] * 12)  # two of them do not fit the context together
    with LlamaEngine(ModelFile.at(stories / "stories260K-F16.gguf"), kept=0, snapshots=1, disk=0) as engine:
        assert decoder_of(engine).cells == 512
        assert 256 < len(engine.tokenize(page)) < 480
        decoded = [
            write(engine, Request(text=page, stack=stack, max_tokens=2))[1].prefix_decoded
            for stack in (one, one, two, one)
        ]
    assert decoded == [12, 0, 9, 12]


def test_an_empty_page_behind_a_stack(engine: LlamaEngine, some_module: Callable[[int, int], Module]) -> None:
    """The first word comes from the logits of the stack's last row, kept with the snapshot."""
    stack = Stack().add(some_module(12, 1))
    text, finished = write(engine, Request(text="", stack=stack, max_tokens=20, sampler=Sampler(seed=1)))
    assert text
    assert (finished.prefix_decoded, finished.text_decoded) == (12, 0)
    write(engine, Request(text="", stack=Stack(), max_tokens=3))
    again, finished = write(engine, Request(text="", stack=stack, max_tokens=20, sampler=Sampler(seed=1)))
    assert (again, finished.prefix_decoded, finished.text_decoded) == (text, 0, 0)


def test_an_empty_page_without_a_stack(engine: LlamaEngine) -> None:
    text, finished = write(engine, Request(text="", stack=Stack(), max_tokens=20, sampler=Sampler(temperature=0)))
    assert text.strip().startswith("Once upon a time")
    assert finished.text_decoded == 1


def test_a_cancel_is_heard_while_the_stack_is_read(
    engine: LlamaEngine, some_module: Callable[[int, int], Module]
) -> None:
    request = Request(text=OPENING, stack=Stack().add(some_module(40, 1)), max_tokens=20, sampler=Sampler(seed=5))
    text, finished = write(engine, request, cancelled=lambda: True)
    assert (text, finished.reason, finished.tokens) == ("", "cancelled", 0)
    assert write(engine, request)[1].prefix_decoded == 40


def test_a_cancel_is_heard_while_a_long_text_is_read(starter: Path) -> None:
    """llama.cpp asks many times in every batch of the text, not only between two of them."""
    text = "The rain had stopped, and the street was quiet again. " * 60
    asked: list[bool] = []

    def cancelled(after: float) -> bool:
        asked.append(len(asked) >= after)
        return asked[-1]

    with LlamaEngine(ModelFile.at(starter)) as engine:
        write(engine, Request(text=text, max_tokens=0), cancelled=lambda: cancelled(float("inf")))
        whole = len(asked)
        assert whole > 100
        asked.clear()
        _, finished = write(engine, Request(text="Now " + text, max_tokens=9), cancelled=lambda: cancelled(whole // 4))
        assert (finished.reason, finished.tokens) == ("cancelled", 0)
        assert sum(asked) < 10  # it has stopped there
        again = Request(text="Then " + text, max_tokens=2, sampler=Sampler(temperature=0, bias=ENDLESS))
        assert write(engine, again)[1].tokens == 2


def test_leaving_the_loop_early_spoils_nothing(engine: LlamaEngine) -> None:
    request = Request(text=OPENING, stack=Stack(), max_tokens=30, sampler=Sampler(seed=5, bias=ENDLESS))
    for record in engine.generate(request):
        assert isinstance(record, TextChunk)
        break
    assert write(engine, request)[1].tokens == 30


def test_stop_strings_are_never_seen(engine: LlamaEngine) -> None:
    free, _ = write(engine, Request(text=OPENING, stack=Stack(), max_tokens=60, sampler=Sampler(temperature=0)))
    stop = free[20:27]  # begins and ends in the middle of words
    text, finished = write(
        engine,
        Request(
            text=OPENING, stack=Stack(), max_tokens=60, sampler=Sampler(temperature=0), stop=(stop, "never to come")
        ),
    )
    assert finished.reason == "stop"
    assert text == free[: free.index(stop)]


def test_an_unmet_stop_string_loses_nothing(engine: LlamaEngine) -> None:
    free, _ = write(engine, Request(text=OPENING, stack=Stack(), max_tokens=30, sampler=Sampler(temperature=0)))
    text, finished = write(
        engine,
        Request(text=OPENING, stack=Stack(), max_tokens=30, sampler=Sampler(temperature=0), stop=(free[-3:] + "§",)),
    )
    assert (text, finished.reason) == (free, "length")


def test_the_model_may_end_the_text(stories: Path) -> None:
    with LlamaEngine(ModelFile.at(stories / "stories260K-F32.gguf")) as engine:
        reasons = (
            write(engine, Request(text=OPENING, stack=Stack(), max_tokens=400, sampler=Sampler(seed=seed)))[1].reason
            for seed in range(20)
        )
        assert "end" in reasons


def test_letters_of_several_tokens_come_whole(engine: LlamaEngine) -> None:
    """The vocabulary has no token for these letters: each is written byte by byte, and hot sampling breaks some."""
    for seed in range(6):
        settings = Sampler(temperature=1.5, min_p=0, repetition=1, seed=seed)
        pieces = [
            r.text
            for r in engine.generate(Request(text="🙂" * 20, stack=Stack(), max_tokens=40, sampler=settings))
            if isinstance(r, TextChunk)
        ]
        assert all(piece.encode() for piece in pieces)


def test_a_text_longer_than_the_context_loses_its_beginning(
    engine: LlamaEngine, some_module: Callable[[int, int], Module]
) -> None:
    stack = Stack().add(some_module(12, 1))
    story = " ".join(f"Number {n} went to the park and saw a cat." for n in range(200))
    endless = Sampler(seed=1, bias=ENDLESS)
    text, finished = write(engine, Request(text=story, stack=stack, max_tokens=60, sampler=endless))
    assert finished.tokens == 60
    assert finished.prefix_decoded == 12
    assert finished.text_decoded <= 512 - 12 - 60
    assert story[finished.left_out :].startswith("Number ")
    assert finished.left_out > 0
    assert finished.context_used <= 512
    _, more = write(engine, Request(text=story + text, stack=stack, max_tokens=60, sampler=endless))
    assert more.text_decoded < finished.text_decoded / 4  # the window has not moved


def test_a_text_longer_than_the_context_goes_on(
    engine: LlamaEngine, some_module: Callable[[int, int], Module], stories: Path
) -> None:
    stack = Stack().add(some_module(12, 1))
    settings = Sampler(seed=4, bias=ENDLESS)
    text, finished = write(engine, Request(text=OPENING, stack=stack, max_tokens=1500, sampler=settings))
    assert (finished.reason, finished.tokens, finished.prefix_decoded) == ("length", 1500, 12)
    assert finished.left_out > len(OPENING)
    assert finished.context_used <= 512
    assert abs(len(engine.tokenize(text)) - 1500) < 40
    with LlamaEngine(ModelFile.at(stories / "stories260K-F16.gguf")) as another:
        assert write(another, Request(text=OPENING, stack=stack, max_tokens=1500, sampler=settings))[0] == text
    with pytest.raises(BadUsage):
        write(engine, Request(text=OPENING, stack=Stack(), max_tokens=-1))
    assert write(engine, Request(text=OPENING, stack=Stack(), max_tokens=0))[1].tokens == 0


def test_a_stack_that_leaves_no_room_is_refused(engine: LlamaEngine, some_module: Callable[[int, int], Module]) -> None:
    with pytest.raises(BadUsage, match="takes 500 of the 512"):
        write(engine, Request(text=OPENING, stack=Stack().add(some_module(500, 1))))


def test_a_module_of_another_model_is_refused(engine: LlamaEngine) -> None:
    wide = Module(np.ones((3, 128), dtype=np.float32), Card("wide"))
    with pytest.raises(WrongModel, match="128 wide"):
        write(engine, Request(text=OPENING, stack=Stack().add(wide)))
    stranger = Module(np.ones((3, 64), dtype=np.float32), Card("stranger", fingerprint=Fingerprint(99, 64, (1.0, 2.0))))
    with pytest.raises(WrongModel):
        engine.log_probabilities(OPENING, Stack().add(stranger))


def test_rows_that_blow_the_model_up_are_named_as_such(
    engine: LlamaEngine, some_module: Callable[[int, int], Module]
) -> None:
    large = Module(np.full((3, 64), 1e38, dtype=np.float32), Card("large"), np.zeros((3, 64), dtype=np.float32))
    with pytest.raises(EngineFailed, match="not numbers"), np.errstate(over="ignore"):
        write(engine, Request(text=OPENING, stack=Stack().add(large, 9.0)))
    small = Request(
        text=OPENING, stack=Stack().add(some_module(4, 1)), max_tokens=5, sampler=Sampler(temperature=0, bias=ENDLESS)
    )
    assert write(engine, small)[1].tokens == 5


def test_log_probabilities_need_no_clean_context(
    engine: LlamaEngine, some_module: Callable[[int, int], Module]
) -> None:
    stack = Stack().add(some_module(12, 1))
    before = engine.log_probabilities(OPENING, stack)
    text, _ = write(engine, Request(text=OPENING, stack=stack, max_tokens=10, sampler=Sampler(seed=1)))
    assert np.abs(engine.log_probabilities(OPENING, stack) - before).max() < 1e-3  # other cells, other rounding
    assert write(engine, Request(text=OPENING, stack=stack, max_tokens=10, sampler=Sampler(seed=1)))[0] == text
    assert engine.log_probabilities("", Stack()).shape == (0,)
    assert engine.log_probabilities("", stack).shape == (0,)
    with pytest.raises(BadUsage, match="holds 512"):
        engine.log_probabilities(OPENING * 40, stack)


def test_log_probabilities_are_the_softmax_of_what_is_sampled_from(exact_stories: LlamaEngine) -> None:
    decoder = decoder_of(exact_stories)
    ids = exact_stories.tokenize(OPENING)
    opened = decoder.open("", None, ids)
    assert opened.cached.logits is not None
    logits = opened.cached.logits.astype(np.float64)
    decoder.release(opened.cached)
    expected = logits - np.log(np.exp(logits).sum())
    for token in range(0, 512, 37):
        assert score(decoder, "", None, [*ids, token])[-1] == pytest.approx(expected[token], abs=1e-4)


def test_nothing_is_ever_printed(
    stories: Path, some_module: Callable[[int, int], Module], capfd: pytest.CaptureFixture[str]
) -> None:
    with LlamaEngine(ModelFile.at(stories / "stories260K-F32.gguf")) as engine:
        write(engine, Request(text=OPENING, stack=Stack().add(some_module(4, 1)), max_tokens=5))
    with pytest.raises(NoModel):
        LlamaEngine(ModelFile.at(stories / "missing.gguf"))
    assert capfd.readouterr() == ("", "")


def test_files_that_are_no_models(stories: Path, tmp_path: Path) -> None:
    whole = (stories / "stories260K-F16.gguf").read_bytes()
    bad = tmp_path / "bad.gguf"
    for data in (b"", b"no model", b"GGUF", whole[:3000], whole[:-100], b"GGUF" + bytes(200)):
        bad.write_bytes(data)
        with pytest.raises(NoModel) as caught:
            LlamaEngine(ModelFile.at(bad))
        assert "bad" in caught.value.message
    with pytest.raises(NoModel, match="no model file"):
        LlamaEngine(ModelFile.at(tmp_path / "missing.gguf"))
    with pytest.raises(NoModel):
        LlamaEngine(ModelFile.at(tmp_path))
    strange = tmp_path / "strange.gguf"
    strange.write_bytes(whole.replace(b"\x05\0\0\0\0\0\0\0llama", b"\x05\0\0\0\0\0\0\0lluma", 1))
    with pytest.raises(NoModel):
        LlamaEngine(ModelFile.at(strange))


def test_loading_tells_how_far_it_is_and_can_be_stopped(stories: Path) -> None:
    heard: list[float] = []
    LlamaEngine(ModelFile.at(stories / "stories260K-F32.gguf"), progress=lambda share: not heard.append(share)).close()
    assert heard[-1] == 1
    assert all(a <= b for a, b in pairwise(heard))
    with pytest.raises(EngineFailed, match="stopped"):
        LlamaEngine(ModelFile.at(stories / "stories260K-F32.gguf"), progress=lambda share: False)


def test_a_closed_engine_says_so(stories: Path) -> None:
    engine = LlamaEngine(ModelFile.at(stories / "stories260K-F32.gguf"), context=100)
    assert engine.info.context == 100
    engine.close()
    engine.close()
    with pytest.raises(BadUsage, match="closed"):
        write(engine, Request(text=OPENING))


def test_memory_comes_back(stories: Path) -> None:
    import psutil

    def cycle() -> int:
        with LlamaEngine(ModelFile.at(stories / "stories260K-F16.gguf")) as engine:
            write(engine, Request(text=OPENING, stack=Stack(), max_tokens=5))
        return int(psutil.Process().memory_info().rss)

    cycle()
    before = cycle()
    for _ in range(8):
        after = cycle()
    assert after - before < 12 * 2**20


def test_the_environment_is_set_before_the_library_loads(stories: Path) -> None:
    script = (
        "import os, sys; from kobold_modules.backends.llamacpp.engine import LlamaEngine;"
        "from kobold_modules.models.reference import ModelFile;"
        "assert 'llama_cpp' not in sys.modules;"
        "LlamaEngine(ModelFile.at(sys.argv[1])).close();"
        "assert os.environ['OMP_WAIT_POLICY'] == 'passive'"
    )
    env = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", script, stories / "stories260K-F16.gguf"], env=env, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
