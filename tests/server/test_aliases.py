"""One table of names for the sampler settings of all front ends."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from kobold_modules.sampling.settings import Sampler
from kobold_modules.server.aliases import NUMBERS, length_of, sampler_of
from kobold_modules.server.problem import Problem


BASE = Sampler(min_p=0.0, repetition=1.0)


def changed(body: dict[str, Any], ends: tuple[int, ...] = ()) -> dict[str, Any]:
    found = sampler_of(body, BASE, ends)
    return {f.name: getattr(found, f.name) for f in fields(Sampler) if getattr(found, f.name) != getattr(BASE, f.name)}


def test_every_name_in_the_table_sets_its_setting() -> None:
    for name, (low, high, _, theirs) in NUMBERS.items():
        value = 1 if name in ("mirostat",) else 0.5 if high <= 1 else min(high, max(low, 2))
        if value == getattr(BASE, name):
            value = min(high, value + 1) if high > 1 else 0.25
        for alias in theirs:
            assert changed({alias: value}) == {name: value}, alias


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"repetition_penalty": 1.2, "rep_pen": 1.9, "repeat_penalty": 1.9}, {"repetition": 1.2}),
        ({"rep_pen": 0}, {}),  # off
        ({"rep_pen": 99}, {"repetition": 3.0}),
        ({"temperature": 100, "top_p": 7, "min_p": -3}, {"temperature": 5.0}),
        ({"temperature": "0.5"}, {"temperature": 0.5}),
        ({"top_k": -1}, {}),
        ({"top_k": 39.6}, {"top_k": 39}),
        ({"repeat_last_n": -1}, {"repetition_range": 2**20}),
        ({"dynatemp_range": 0.4, "dynatemp_exponent": 1.5}, {"dynamic_range": 0.4, "dynamic_exponent": 1.5}),
        ({"sampler_seed": -1}, {}),
        ({"seed": 5, "sampler_seed": 9}, {"seed": 5}),
        ({"temperature": None, "sampler_order": [6, 0], "tfs": 0.9, "made_up": {"a": []}}, {}),
        ({"banned_tokens": ["shivers", "ozone"]}, {"banned": ("shivers", "ozone")}),
        ({"banned_strings": "a*b"}, {"banned": (r"a\*b",)}),
        ({"logit_bias": {"12": -100, "13": 3}}, {"bias": (("#12", -100.0), ("#13", 3.0))}),
        ({"logit_bias": [[12, False], ["dark", 2]]}, {"bias": (("#12", -100.0), ("dark", 2.0))}),
        ({"logit_bias": [[13, 900]]}, {"bias": (("#13", 100.0),)}),
        ({"custom_token_bans": "1, 2,x"}, {"bias": (("#1", -100.0), ("#2", -100.0))}),
        ({"dry_sequence_breakers": '["\\n", "*"]'}, {"dry_breakers": ("\n", "*")}),
        ({"dry_sequence_breakers": ["a", 3, ""]}, {"dry_breakers": ("a",)}),
        ({"token_healing": False}, {"token_healing": False}),
    ],
)  # fmt: skip
def test_what_front_ends_send_is_understood(body: dict[str, Any], expected: dict[str, Any]) -> None:
    assert changed(body) == expected


@pytest.mark.parametrize("body", [{"ignore_eos": True}, {"ban_eos_token": 1}, {"use_default_badwordsids": True}])
def test_the_end_of_a_text_can_be_forbidden(body: dict[str, Any]) -> None:
    assert changed(body, (1, 2)) == {"bias": (("#1", -100.0), ("#2", -100.0))}


@pytest.mark.parametrize(
    "body",
    [
        {"temperature": "hot"},
        {"top_p": []},
        {"seed": "x"},
        {"logit_bias": [[1]]},
        {"logit_bias": {"1": "x"}},
        {"banned_tokens": [1]},
    ],
)
def test_what_makes_no_sense_names_the_field(body: dict[str, Any]) -> None:
    with pytest.raises(Problem) as error:
        sampler_of(body, BASE)
    assert error.value.field in body
    assert error.value.field in error.value.message


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ({}, 80), ({"max_tokens": 5}, 5), ({"max_length": "7"}, 7), ({"n_predict": -1}, 512),
        ({"max_tokens": 1e9}, 512),
        ({"max_tokens": 0}, 0), ({"max_tokens": None, "max_new_tokens": 9}, 9), ({"max_completion_tokens": 4}, 4),
    ],
)  # fmt: skip
def test_a_length_is_at_most_what_the_model_reads(body: dict[str, Any], tokens: int) -> None:
    assert length_of(body, 80, 512) == tokens
