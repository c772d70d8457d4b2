"""Strategies for messages, made from their declared types: a kind that is added to a union is tested without a word."""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass
from typing import Any, Literal, Union

import msgspec
from hypothesis import strategies as st

from kobold_modules.evaluation.settings import EvaluationRequest
from kobold_modules.phrases.settings import PhraseRequest
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.training.settings import TrainingRequest


TEXTS = st.text(st.characters())  # halves of surrogate pairs among them
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    type(None): st.none(),
    Any: st.integers(-(2**53), 2**53) | TEXTS | st.lists(TEXTS),
    Sampler: st.builds(
        Sampler,
        temperature=st.floats(0, 5),
        seed=st.none() | st.integers(0, 2**31),
        banned=st.sampled_from([(), ("was", "the ")]),
        bias=st.sampled_from([(), (("dark", 2.0), ("#7", -100.0))]),
        token_healing=st.booleans(),
    ),
    Layer[str]: st.builds(Layer, TEXTS, st.floats(0, 2), st.booleans()),
    EvaluationRequest: st.builds(
        EvaluationRequest,
        module=TEXTS.map("module {}".format),
        texts=st.lists(TEXTS, max_size=3).map(tuple),
        beside=st.lists(TEXTS.map("other {}".format), max_size=3).map(tuple),  # no module stands beside itself
        quick=st.booleans(),
    ),
    PhraseRequest: st.builds(
        PhraseRequest,
        files=st.lists(TEXTS, max_size=3).map(tuple),
        of=TEXTS.map("module {}".format),
        model=TEXTS,
        search=st.sampled_from(["passages", "gcg"]),
        words=st.integers(30, 1000),
    ),
    TrainingRequest: st.builds(
        TrainingRequest,
        files=st.lists(TEXTS).map(tuple),
        name=TEXTS.filter(str.strip),
        tokens=st.integers(1, 2047),
        minutes=st.none() | st.floats(0.1, 100),
        out=st.none() | TEXTS,
    ),
}


def members(union: Any) -> list[type]:
    """Return the classes of ``union``."""
    return list(typing.get_args(union)) or [union]


def of(kind: Any) -> st.SearchStrategy[Any]:
    """Return values of ``kind``: any type that a message may hold."""
    if kind in PLAIN:
        return PLAIN[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return st.one_of([of(each) for each in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple and arguments[-1] is ...:
        return st.lists(of(arguments[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*[of(each) for each in arguments])
    if origin is dict:
        return st.dictionaries(of(arguments[0]), of(arguments[1]), max_size=3)
    if is_dataclass(kind):
        assert isinstance(kind, type)
        hints = typing.get_type_hints(kind)
        return st.builds(kind, **{field.name: of(hints[field.name]) for field in fields(kind)})
    assert issubclass(kind, msgspec.Struct), kind
    return st.builds(kind, **{field.name: of(field.type) for field in msgspec.structs.fields(kind)})
