"""Settings that make no sense are sentences; those of other programs are understood; JSON and back is the same."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from kobold_modules.errors import BadUsage
from kobold_modules.sampling.settings import MOST_BANNED, NAMES, PRESETS, Sampler


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"temperature": -0.1}, "temperature is -0.1; it goes from 0 to 5"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"temperature": "hot"}, "temperature should be a number, not 'hot'"),
        ({"top_k": 2.5}, "top k should be a whole number"),
        ({"top_k": True}, "top k should be a whole number"),
        ({"top_k": -1}, "top k is -1"),
        ({"mirostat": 3}, "mirostat is 3"),
        ({"seed": "seven"}, "seed should be a whole number"),
        ({"banned": "slop"}, "should be a list of texts"),
        ({"banned": ["a", 3]}, "3 is none"),
        ({"banned": [""]}, "is empty"),
        ({"banned": ["x" * 201]}, "200 are the most"),
        ({"banned": [str(n) for n in range(MOST_BANNED + 1)]}, "too many"),
        ({"dry_breakers": None}, "sequence breakers should be a list"),
        ({"bias": {"dark": "more"}}, "pairs of a word and a number"),
        ({"bias": {"dark": 101}}, "-100 (never) to 100 (always)"),
        ({"bias": {"#dark": 1}}, "no word or token"),
        ({"bias": 7}, "pairs of a word and a number"),
        ({"heat": 1}, "There is no sampler setting heat"),
    ],
)
def test_what_makes_no_sense_is_a_sentence(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(BadUsage) as caught:
        Sampler.from_dict(settings)
    assert says in caught.value.message


def test_json_and_back() -> None:
    settings = Sampler(
        temperature=0.7, banned=("a b", "c"), bias=(("dark", 2.0), ("#7", -1.5)), dry_breakers=("\n",), seed=3
    )
    assert Sampler.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings
    assert Sampler.from_dict(json.loads(json.dumps(asdict(settings)))) == settings
    assert Sampler().to_dict() == {}
    assert hash(settings) == hash(replace(settings))


def test_the_names_of_other_programs_mean_the_same() -> None:
    known = set(asdict(Sampler()))
    assert set(NAMES.values()) <= known
    assert not set(NAMES) & known
    theirs = {"rep_pen": 1.1, "rep_pen_range": 512, "typical": 0.9, "sampler_seed": 5, "logit_bias": {"#3": 1}}
    assert Sampler.from_dict(theirs) == Sampler(
        repetition=1.1, repetition_range=512, typical_p=0.9, seed=5, bias=(("#3", 1.0),)
    )


def test_settings_go_on_top_of_a_preset() -> None:
    settings = Sampler.from_dict({"min_p": 0.2}, PRESETS["wild"])
    assert (settings.temperature, settings.min_p) == (PRESETS["wild"].temperature, 0.2)


def test_one_preset_is_deterministic() -> None:
    assert PRESETS["deterministic"].temperature == 0
    assert PRESETS["deterministic"].seed is not None
    assert all(preset.seed is None for name, preset in PRESETS.items() if name != "deterministic")


def test_a_seed_of_minus_one_is_any_seed_as_in_other_programs() -> None:
    assert Sampler.from_dict({"seed": -1}).seed is None
    assert Sampler.from_dict({"sampler_seed": -1}, Sampler(seed=5)).seed is None


def test_token_healing_is_on_or_off() -> None:
    assert Sampler().token_healing
    assert Sampler.from_dict({"token_healing": False}).to_dict() == {"token_healing": False}
    with pytest.raises(BadUsage, match="on or off"):
        Sampler.from_dict({"token_healing": "no"})
