"""How the next token is chosen: settings in the words writers know, and named presets.

Settings are checked when they are made, so that a bad one is a sentence on the screen and never a strange text. The
names that KoboldAI, koboldcpp and their front ends send are understood too (:data:`NAMES`); presets of the writer's own
are kept by ``presets``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..errors import BadUsage


MOST_BANNED = 2000
LONGEST_BANNED = 200  # characters

# What other programs call our settings. The meanings are the same, so a preset can be typed over from theirs.
NAMES: dict[str, str] = {
    "rep_pen": "repetition",
    "repetition_penalty": "repetition",
    "repeat_penalty": "repetition",
    "rep_pen_range": "repetition_range",
    "repeat_last_n": "repetition_range",
    "typical": "typical_p",
    "nsigma": "top_n_sigma",
    "frequency_penalty": "frequency",
    "presence_penalty": "presence",
    "dry_penalty_last_n": "dry_range",
    "dry_sequence_breakers": "dry_breakers",
    "dynatemp_exponent": "dynamic_exponent",
    "dynatemp_range": "dynamic_range",
    "mirostat_mode": "mirostat",
    "banned_tokens": "banned",
    "banned_strings": "banned",
    "logit_bias": "bias",
    "sampler_seed": "seed",
}

# name: (lowest, highest, what it is called in a sentence)
_RANGES: dict[str, tuple[float, float, str]] = {
    "temperature": (0.0, 5.0, "temperature"),
    "dynamic_range": (0.0, 5.0, "the range of the dynamic temperature"),
    "dynamic_exponent": (0.1, 10.0, "the exponent of the dynamic temperature"),
    "top_k": (0, 2**31 - 1, "top k"),
    "top_p": (0.0, 1.0, "top p"),
    "min_p": (0.0, 1.0, "min p"),
    "typical_p": (0.0, 1.0, "typical p"),
    "top_n_sigma": (0.0, 20.0, "top n-sigma"),
    "repetition": (0.5, 3.0, "repetition"),
    "repetition_range": (0, 2**20, "repetition range"),
    "frequency": (-2.0, 2.0, "the frequency penalty"),
    "presence": (-2.0, 2.0, "the presence penalty"),
    "dry_multiplier": (0.0, 10.0, "DRY's multiplier"),
    "dry_base": (1.0, 8.0, "DRY's base"),
    "dry_allowed_length": (1, 1000, "DRY's allowed length"),
    "dry_range": (0, 2**20, "DRY's range"),
    "xtc_probability": (0.0, 1.0, "XTC's probability"),
    "xtc_threshold": (0.0, 1.0, "XTC's threshold"),
    "mirostat": (0, 2, "mirostat"),
    "mirostat_tau": (0.0, 20.0, "mirostat's tau"),
    "mirostat_eta": (0.0, 1.0, "mirostat's eta"),
}


@dataclass(frozen=True, slots=True)
class Sampler:
    """Settings of one generation. ``temperature`` 0 takes the likeliest token always (deterministic).

    They apply in llama.cpp's order: bias, the penalties (repetition, frequency, presence), DRY, top n-sigma, top k,
    typical, top p, min p, XTC, temperature, then the draw. Mirostat takes the place of everything that cuts candidates.

    Attributes:
        dynamic_range: temperature moves this much up and down with the model's doubt (its entropy); 0 is off.
        dynamic_exponent: above 1, only great doubt raises it.
        top_k: keep the k likeliest tokens; 0 keeps all.
        top_p: keep the likeliest tokens that together reach this probability; 1 keeps all.
        min_p: drop tokens less likely than this share of the likeliest; 0 drops none.
        typical_p: keep the tokens whose surprise is nearest to the expected (Meister et al. 2022); 1 keeps all.
        top_n_sigma: keep logits within so many standard deviations of the highest; 0 keeps all.
        repetition: divide the logits of tokens seen in the last ``repetition_range`` tokens; 1 is off.
        frequency, presence: subtract this from a logit for each time, or once if, a token was seen there; 0 is off.
        dry_multiplier: punish tokens that would go on repeating a sequence, by multiplier * base ** (length - allowed
            length); 0 is off. ``dry_range`` tokens are searched; a sequence never reaches across ``dry_breakers``.
        xtc_probability: how often all but the least likely of the tokens above ``xtc_threshold`` are left out, so that
            the obvious word is not always taken; 0 is off.
        mirostat: 1 or 2 keeps the text's surprise at ``mirostat_tau`` bits with learning rate ``mirostat_eta``; 0 is
            off (Basu et al. 2021).
        banned: strings that never appear, whatever their case. The text is taken back to where one began, and goes on
            otherwise.
        bias: ``(word, number)`` pairs added to logits: a word in any of its usual spellings (one of several tokens by
            its first), or ``#123`` for a token by its id.
        token_healing: a text that ends with a space or inside a word is gone on with as if it had not been cut there
            (see engines.token_healing).
        seed: the same seed gives the same text; None draws one, which the result reports.

    Raises:
        BadUsage: a setting is out of its range or of the wrong type.
    """

    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.05
    repetition: float = 1.05
    repetition_range: int = 256
    seed: int | None = None
    dynamic_range: float = 0.0
    dynamic_exponent: float = 1.0
    typical_p: float = 1.0
    top_n_sigma: float = 0.0
    frequency: float = 0.0
    presence: float = 0.0
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 2
    dry_range: int = 1024
    dry_breakers: tuple[str, ...] = ("\n", ":", '"', "*")
    xtc_probability: float = 0.0
    xtc_threshold: float = 0.1
    mirostat: int = 0
    mirostat_tau: float = 5.0
    mirostat_eta: float = 0.1
    banned: tuple[str, ...] = ()
    bias: tuple[tuple[str, float], ...] = ()
    token_healing: bool = True

    def __post_init__(self) -> None:
        for name, (low, high, spoken) in _RANGES.items():
            value = getattr(self, name)
            whole = isinstance(low, int)
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                raise BadUsage(f"{spoken} should be a {'whole ' if whole else ''}number, not {value!r:.40}.")
            if not low <= value <= high or not math.isfinite(value):
                raise BadUsage(f"{spoken} is {value:g}; it goes from {low:g} to {high:g}.")
        if not isinstance(self.token_healing, bool):
            raise BadUsage(f"token healing is on or off (true or false), not {self.token_healing!r:.40}.")
        if self.seed is not None and (isinstance(self.seed, bool) or not isinstance(self.seed, int)):
            raise BadUsage(f"The seed should be a whole number, not {self.seed!r:.40}.")
        object.__setattr__(self, "dry_breakers", _strings(self.dry_breakers, "DRY's sequence breakers"))
        object.__setattr__(self, "banned", _strings(self.banned, "banned strings"))
        object.__setattr__(self, "bias", _bias(self.bias))

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any], base: Sampler | None = None) -> Sampler:
        """Read settings from JSON or TOML, on top of ``base`` (the default sampler).

        Lists become tuples, ``bias`` may be an object, and the names of other programs (:data:`NAMES`) are understood,
        as is their seed of -1 for any.

        Raises:
            BadUsage: an unknown name, a wrong type, or a value out of range.
        """
        known = {field.name for field in fields(cls)}
        values = asdict(base or cls())
        unknown = sorted(name for name in settings if NAMES.get(name, name) not in known)
        if unknown:
            raise BadUsage(f"There is no sampler setting {', '.join(unknown)}.", f"Settings: {', '.join(_named())}.")
        for name, value in settings.items():
            values[NAMES.get(name, name)] = value
        if values["seed"] == -1:
            values["seed"] = None
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return what differs from the default sampler, in types that JSON and TOML know; ``bias`` as an object."""
        plain = asdict(Sampler())
        changed = {name: value for name, value in asdict(self).items() if value != plain[name]}
        if "bias" in changed:
            changed["bias"] = dict(self.bias)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in changed.items()}


def _named() -> list[str]:
    return [field.name for field in fields(Sampler)]


def _strings(value: Any, what: str) -> tuple[str, ...]:
    """Return ``value`` as strings, each once, none empty."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise BadUsage(f"The {what} should be a list of texts, not {value!r:.40}.")
    found = list(dict.fromkeys(value))
    if wrong := [item for item in found if not isinstance(item, str)]:
        raise BadUsage(f"The {what} should be texts; {wrong[0]!r:.40} is none.")
    if "" in found:
        raise BadUsage(f"One of the {what} is empty.", "Leave it out.")
    if long := [item for item in found if len(item) > LONGEST_BANNED]:
        raise BadUsage(f"One of the {what} has {len(long[0])} characters; {LONGEST_BANNED} are the most.")
    if len(found) > MOST_BANNED:
        raise BadUsage(f"{len(found)} {what} are too many; {MOST_BANNED} are the most.")
    return tuple(found)


def _bias(value: Any) -> tuple[tuple[str, float], ...]:
    pairs = value.items() if isinstance(value, Mapping) else value
    found: dict[str, float] = {}
    try:
        for word, number in pairs:
            if not isinstance(word, str) or isinstance(number, bool) or not isinstance(number, (int, float)):
                raise TypeError
            found[word] = float(number)
    except (TypeError, ValueError) as error:
        raise BadUsage("The logit bias should be pairs of a word and a number.", "For example: dark=2") from error
    for word, number in found.items():
        if not word or (word[0] == "#" and len(word) > 1 and not word[1:].isdecimal()):
            raise BadUsage(f"{word!r} is no word or token to bias.", "A token is written #123.")
        if not -100 <= number <= 100:
            raise BadUsage(f"The bias of {word!r} is {number:g}; it goes from -100 (never) to 100 (always).")
    return tuple(found.items())


PRESETS: dict[str, Sampler] = {
    "balanced": Sampler(),
    "careful": Sampler(temperature=0.5, min_p=0.1),
    "wild": Sampler(temperature=1.1, min_p=0.03),
    # The obvious word left out half of the time: for prose that sounds like everybody's.
    "surprising": Sampler(
        temperature=1.0, min_p=0.03, repetition=1.0, xtc_probability=0.5, xtc_threshold=0.1, dry_multiplier=0.8
    ),
    # Long scenes: whole phrases are kept from coming back, single words are not.
    "fresh": Sampler(temperature=0.9, min_p=0.05, repetition=1.0, dry_multiplier=0.8, dry_range=4096),
    "steady": Sampler(temperature=1.0, min_p=0.0, repetition=1.0, mirostat=2, mirostat_tau=5.0, mirostat_eta=0.1),
    "deterministic": Sampler(temperature=0.0, repetition=1.1, seed=0),
}
