"""The facts of a stranger's card: lists and objects stay, and whatever makes no sense or no end is left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobold_modules import formats
from kobold_modules.formats import card as cards
from kobold_modules.formats.card_facts import DEEPEST_FACT, LONGEST_WORD, MOST_LISTED, card_facts
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.module import Card, Module


BESIDE = ["noir rain", "farce"]


def read_back(training: dict[str, Any]) -> dict[str, Any]:
    data = {"name": "x", "training": training}
    return cards.decode(json.dumps(data).encode()).training


@pytest.mark.parametrize(
    "fact",
    [BESIDE, [], [[1, 2.5], ["a"]], {"lr": 0.1, "betas": [0.9, 0.99]}, [{"name": "noir", "words": 900}], True, "muon"],
)
def test_a_fact_may_be_a_list_or_an_object(fact: Any) -> None:
    assert read_back({"fact": fact}) == {"fact": fact}


def test_a_list_survives_the_library_and_every_form_that_holds_a_card(tmp_path: Path) -> None:
    vectors = np.ones((2, 8), np.float32)
    sources = ({"name": "a.txt", "chapters": ["one", "two"]},)
    Library().add(Module(vectors, Card("x", training={"beside": BESIDE}, sources=sources)))
    module = Library().find("x")
    for form, name in (("kobold", "x.zip"), ("safetensors", "x.safetensors")):
        formats.write(module, tmp_path / name, form)
        read = formats.read(tmp_path / name)
        assert (read.card.training["beside"], read.card.sources) == (BESIDE, sources)


def test_what_cannot_be_shown_in_it_is_left_out() -> None:
    bad = [float("inf"), float("nan"), 10**400, None, "fine"]

    assert read_back({"fact": bad, "more": {"a": None, "b": [None]}}) == {"fact": ["fine"], "more": {"b": []}}


def test_a_list_is_bounded_in_length_depth_and_letters() -> None:
    deep: Any = "bottom"
    for _ in range(DEEPEST_FACT + 1):
        deep = [deep]
    facts = card_facts({"training": {"many": [1] * 10**6, "deep": deep, "object": {str(at): 1 for at in range(5000)}}})

    assert facts["training"]["many"] == [1] * MOST_LISTED
    assert "bottom" not in repr(facts["training"]["deep"])
    assert len(facts["training"]["object"]) == MOST_LISTED
    (long,) = read_back({"fact": ["x" * 10_000]})["fact"]
    assert len(long) == LONGEST_WORD


def test_no_control_character_hides_in_a_list() -> None:
    found = read_back({"fact": ["\x1b[2Jnoir\n\u202efarce"], "more": {"\x1b]0;key\x07": ["\x9b31m"]}})

    assert found == {"fact": ["[2Jnoir farce"], "more": {"]0;key": ["31m"]}}
