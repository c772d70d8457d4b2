"""The engine without a model keeps the promises of generation.protocol."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from kobold_modules.errors import BadUsage, WrongModel
from kobold_modules.generation.inspection.inspect import best_of, peek, score
from kobold_modules.generation.protocol import Engine, Request
from kobold_modules.records import Finished, TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.fingerprint import Fit
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack
from kobold_modules.testing.fake_engine import FakeEngine, fake_fingerprint
from tests.last import last, text_in


def text_of(engine: Engine, request: Request) -> str:
    return "".join(record.text for record in engine.generate(request) if isinstance(record, TextChunk))


def test_the_same_request_the_same_words() -> None:
    engine = FakeEngine()
    stack = Stack().add(Module(np.ones((3, 8), dtype=np.float32), Card("ones")))
    request = Request(text="The rain", stack=stack, max_tokens=20, sampler=Sampler(seed=4))
    assert text_of(engine, request) == text_of(engine, request) == text_of(FakeEngine(), request)
    assert text_of(engine, request) != text_of(
        engine, Request(text="The rain", stack=Stack(), max_tokens=20, sampler=Sampler(seed=4))
    )
    assert text_of(engine, request) != text_of(
        engine, Request(text="The rain", stack=stack, max_tokens=20, sampler=Sampler(seed=5))
    )


def test_it_counts_stops_and_ends() -> None:
    engine = FakeEngine()
    stack = Stack().add(Module(np.ones((3, 8), dtype=np.float32), Card("ones")))
    records = list(engine.generate(Request(text="The rain", stack=stack, max_tokens=5)))
    finished = last(records, Finished)
    assert (len(records) - 1, finished.reason, finished.tokens, finished.prefix_decoded) == (5, "length", 5, 3)
    assert (
        last(list(engine.generate(Request(text="The rain", stack=stack, max_tokens=5))), Finished).prefix_decoded == 0
    )
    records = list(
        engine.generate(Request(text="The rain", stack=stack, max_tokens=50, sampler=Sampler(), stop=(".",)))
    )
    assert last(records, Finished).reason == "stop"
    assert "." not in text_in(records)
    assert last(list(engine.generate(Request(text="The rain"), lambda: True)), Finished).reason == "cancelled"


def test_log_probabilities_have_the_shape_of_the_real_ones() -> None:
    engine = FakeEngine()
    stack = Stack().add(Module(np.ones((3, 8), dtype=np.float32), Card("ones")))
    count = len(engine.tokenize("The rain had stopped."))
    assert engine.log_probabilities("The rain had stopped.", stack).shape == (count,)
    assert engine.log_probabilities("The rain had stopped.", Stack()).shape == (count - 1,)


def test_it_refuses_what_a_real_one_refuses() -> None:
    engine = FakeEngine()
    wide = Module(np.ones((3, 9), dtype=np.float32), Card("wide"))
    with pytest.raises(WrongModel):
        list(engine.generate(Request(text="", stack=Stack().add(wide))))
    assert fake_fingerprint(seed=1).fit(fake_fingerprint(seed=2)) is Fit.MISMATCH
    engine.close()
    with pytest.raises(BadUsage):
        list(engine.generate(Request(text="")))


def test_it_can_be_looked_into() -> None:
    engine, stack = FakeEngine(), Stack().add(Module(np.ones((3, 8), dtype=np.float32), Card("ones")))
    stacked, plain = peek(engine, Request(text="The rain", stack=stack), 5)
    assert [c.token for c in stacked] != [c.token for c in plain]
    assert stacked[0].probability >= stacked[-1].probability
    found = score(engine, "The rain had stopped.", stack)
    assert found.plain[0] is None
    assert found.plain[1] is not None
    assert found.stacked[1] == pytest.approx(found.plain[1] + 0.25)
    takes = best_of(engine, Request(text="The rain", stack=stack, max_tokens=6, sampler=Sampler(seed=1)), 3)
    assert [take.nats_per_token for take in takes] == sorted(take.nats_per_token for take in takes)


def test_it_loads_nothing_heavy() -> None:
    script = (
        "import sys, kobold_modules.testing.fake_client;"
        "print([name for name in ('torch', 'llama_cpp', 'textual') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
