"""What front ends call the sampler settings: one table, for every dialect.

Front ends send one setting under several names at once, and many that no engine has. Of the names of one setting the
first in the table counts; what is out of range is clamped; what is unknown is left alone. The meaning of a number that
means "off" elsewhere is kept: KoboldAI's ``top_k`` of -1, llama.cpp's ``repeat_last_n`` of -1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..errors import BadUsage
from ..generation.banned_strings import literal
from ..sampling.settings import LONGEST_BANNED, MOST_BANNED, Sampler
from .body import Body, first_number, flag, number, strings
from .problem import Problem


Change = Callable[[float], float]


def _same(value: float) -> float:
    return value


def _at_least_one(value: float) -> float:
    """Turn 0, with which some front ends switch a multiplier off, into the 1 that does."""
    return value if value > 0 else 1.0


def _all_of_them(value: float) -> float:
    """Turn a negative range, which means the whole context, into the largest there is."""
    return value if value >= 0 else 2**20


def _none_is_zero(value: float) -> float:
    """Turn a negative count, which means no limit, into 0."""
    return max(0.0, value)


# our name: (lowest, highest, what their numbers mean, their names)
NUMBERS: dict[str, tuple[float, float, Change, tuple[str, ...]]] = {
    "temperature": (0, 5, _same, ("temperature", "temp")),
    "top_k": (0, 2**31 - 1, _none_is_zero, ("top_k",)),
    "top_p": (0, 1, _same, ("top_p",)),
    "min_p": (0, 1, _same, ("min_p",)),
    "typical_p": (0, 1, _same, ("typical_p", "typical")),
    "top_n_sigma": (0, 20, _none_is_zero, ("top_n_sigma", "nsigma")),
    "repetition": (0.5, 3, _at_least_one, ("repetition_penalty", "repeat_penalty", "rep_pen")),
    "repetition_range": (0, 2**20, _all_of_them, ("repetition_penalty_range", "rep_pen_range", "repeat_last_n")),
    "frequency": (-2, 2, _same, ("frequency_penalty", "freq_pen")),
    "presence": (-2, 2, _same, ("presence_penalty", "presence_pen")),
    "dry_multiplier": (0, 10, _none_is_zero, ("dry_multiplier",)),
    "dry_base": (1, 8, _same, ("dry_base",)),
    "dry_allowed_length": (1, 1000, _same, ("dry_allowed_length",)),
    "dry_range": (0, 2**20, _all_of_them, ("dry_penalty_last_n", "dry_range")),
    "xtc_probability": (0, 1, _same, ("xtc_probability",)),
    "xtc_threshold": (0, 1, _same, ("xtc_threshold",)),
    "mirostat": (0, 2, _same, ("mirostat_mode", "mirostat")),
    "mirostat_tau": (0, 20, _same, ("mirostat_tau",)),
    "mirostat_eta": (0, 1, _same, ("mirostat_eta",)),
    "dynamic_range": (0, 5, _none_is_zero, ("dynatemp_range", "dynamic_range")),
    "dynamic_exponent": (0.1, 10, _same, ("dynatemp_exponent", "dynamic_exponent")),
}
WHOLE = {"top_k", "repetition_range", "dry_allowed_length", "dry_range", "mirostat"}
SEEDS = ("seed", "sampler_seed")
LENGTHS = ("max_tokens", "max_completion_tokens", "max_new_tokens", "max_length", "n_predict", "num_predict")
STOPS = ("stop", "stop_sequence", "stopping_strings", "stop_strings")
CONTEXTS = ("max_context_length", "truncation_length", "num_ctx")
BANNED = ("banned_tokens", "banned_strings")


def sampler_of(body: Body, base: Sampler, ends: tuple[int, ...] = ()) -> Sampler:
    """Return the settings that ``body`` asks for, on top of ``base``, a dialect's own defaults.

    Args:
        ends: ids of the tokens that end a text, which a request may forbid.

    Raises:
        Problem: a setting is of the wrong type.
    """
    changes: dict[str, Any] = {}
    for name, (low, high, change, theirs) in NUMBERS.items():
        if (said := first_number(body, theirs)) is not None:
            value = max(low, min(high, change(said)))
            changes[name] = int(value) if name in WHOLE else float(value)
    changes["seed"] = _seed(body)
    if banned := strings(body, *BANNED):
        usable = (literal(word) for word in banned if len(word) <= LONGEST_BANNED // 2)
        changes["banned"] = tuple(dict.fromkeys(usable))[:MOST_BANNED]
    if breakers := _breakers(body):
        changes["dry_breakers"] = breakers
    bias = _bias(body.get("logit_bias"))
    for token in _ids(body.get("custom_token_bans")):
        bias[f"#{token}"] = -100.0
    if any(flag(body, name) for name in ("ignore_eos", "ban_eos_token")) or body.get("use_default_badwordsids") is True:
        bias |= {f"#{token}": -100.0 for token in ends}
    if bias:
        changes["bias"] = tuple(bias.items())
    if "token_healing" in body:
        changes["token_healing"] = flag(body, "token_healing", True)
    try:
        return replace(base, **changes)
    except BadUsage as error:
        raise Problem(422, error.message) from error


def length_of(body: Body, default: int, most: int) -> int:
    """Return how many tokens are to be written, at most ``most``; a negative number asks for as many as there can be.

    Raises:
        Problem: it is no number.
    """
    value = first_number(body, LENGTHS)
    if value is None:
        return min(default, most)
    return most if value < 0 else int(min(most, value))


def _seed(body: Body) -> int | None:
    """Return the seed; None for any, which a negative one asks for as well."""
    value = first_number(body, SEEDS)
    return int(value) if value is not None and value >= 0 else None


def _breakers(body: Body) -> tuple[str, ...]:
    """Return DRY's sequence breakers: a list, or a list written as text (SillyTavern does both)."""
    value = body.get("dry_sequence_breakers")
    if isinstance(value, str):
        import json

        try:
            value = json.loads(value)
        except ValueError:
            value = [part.strip().strip("\"'") for part in value.split(",")]
        except RecursionError:
            return ()
    if not isinstance(value, list):
        return ()
    found = (word for word in value if isinstance(word, str) and 0 < len(word) <= LONGEST_BANNED)
    return tuple(dict.fromkeys(found))[:64]


def _bias(value: Any) -> dict[str, float]:
    """Return a bias of tokens as ours: an object by id, or a list of pairs of an id or a word and a number or false."""
    pairs = list(value.items()) if isinstance(value, dict) else value if isinstance(value, list) else []
    found: dict[str, float] = {}
    for pair in pairs[:1000]:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise Problem(422, "logit_bias should give a number for each token id.", field="logit_bias")
        word, amount = pair
        value = -100.0 if amount is False else number(amount)
        if value is None or isinstance(word, bool) or not isinstance(word, str | int):
            raise Problem(422, "logit_bias should give a number for each token id.", field="logit_bias")
        name = f"#{word}" if str(word).isdecimal() else str(word)
        if name and (name[0] != "#" or name[1:].isdecimal()):
            found[name] = max(-100.0, min(100.0, value))
    return found


def _ids(value: Any) -> list[int]:
    """Return token ids from a list, or from text with commas between them."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return [int(part) for part in map(str, parts[:1000]) if part.strip().isdecimal() and len(part) < 10]
