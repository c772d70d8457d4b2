"""What a measurement says, in words: the one place where a gain becomes a sentence.

The command line, the cards, the interface and the log all ask here, so that the same number reads the same everywhere:
``3.0 % better (2.1 to 3.9)``, ``no better (0.4 % worse to 1.2 % better)``, ``0.4 % worse (0.2 to 0.6)``. Nothing here
loads more than the standard library.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeGuard

from ..duration import duration
from .interval import Gain


Verdict = Literal["better", "worse", "none", "unclear"]
FEW_STEPS = 20  # fewer than these learn next to nothing
UNITS = ("bits_per_byte", "nats_per_token")


class Headline(NamedTuple):
    """What came of a training.

    Attributes:
        text: one sentence or two.
        advice: what to do about it, empty where there is nothing to do.
        good: whether the module predicts held-out pages better than no module and than the words it started from.
        short: the same in two or three words.
    """

    text: str
    advice: str = ""
    good: bool = False
    short: str = "ready"


def gain_of(measured: Mapping[str, Any], what: str = "gain") -> Gain | None:
    """Return what a card calls ``what`` (``gain``, ``gain_over_start``, ``others_gain``), None if not measured.

    Cards of older versions, and of other programs, may hold the two losses only.
    """
    share = measured.get(what)
    if not _is_number(share):
        prefix = {"gain": "", "others_gain": "others_"}.get(what)
        pairs = [(measured.get(f"{prefix}{unit}_with"), measured.get(f"{prefix}{unit}_without")) for unit in UNITS]
        shares = [1 - a / b for a, b in pairs if prefix is not None and _is_number(a) and _is_number(b) and b > 0]
        if not shares:
            return None
        share = shares[0]
    low, high = measured.get(f"{what}_low"), measured.get(f"{what}_high")
    count = measured.get("others_stretches" if what == "others_gain" else "held_out_stretches")
    stretches = int(count) if _is_number(count) else 0
    if _is_number(low) and _is_number(high):
        return Gain(float(share), float(low), float(high), stretches)
    return Gain(float(share), stretches=stretches)


def measured_gain(gain: Gain, what: str = "gain") -> dict[str, float]:
    """Return what :func:`gain_of` reads: ``{what: share, what_low: ..., what_high: ...}``, the ends where known."""
    found = {what: round(gain.share, 5)}
    if gain.low is not None and gain.high is not None:
        found |= {f"{what}_low": round(gain.low, 5), f"{what}_high": round(gain.high, 5)}
    return found


def verdict_of(gain: Gain) -> Verdict:
    """Return the verdict on a gain.

    It is ``none`` where zero is inside the interval (or the gain rounds to nothing), ``unclear`` where the text was too
    short for an interval.
    """
    if gain.low is None or gain.high is None:
        if gain.stretches:
            return "unclear"
        low = high = gain.share
    else:
        low, high = gain.low, gain.high
    if _tenths(low) > 0:
        return "better"
    return "worse" if _tenths(high) < 0 else "none"


def short_gain(gain: Gain) -> str:
    """Return ``3.0 % better``, for a column; never more than 14 characters."""
    match verdict_of(gain):
        case "none":
            return "no better"
        case "unclear":
            return "unclear"
    return _change(gain.share)


def long_gain(gain: Gain) -> str:
    """Return ``3.0 % better (2.1 to 3.9)``; an interval only where there is one."""
    verdict = verdict_of(gain)
    if verdict == "unclear":
        return f"{_change(gain.share)}, but there is too little held-out text to tell"
    if gain.low is None or gain.high is None:
        return "no better" if verdict == "none" else _change(gain.share)
    if verdict == "none":
        return f"no better ({_between(gain.low, gain.high)})"
    ends = sorted((abs(_tenths(gain.low)), abs(_tenths(gain.high))))
    return f"{_change(gain.share)} ({ends[0] / 10:.1f} to {ends[1] / 10:.1f})"


def _between(low: float, high: float) -> str:
    """Return ``0.4 % worse to 1.2 % better`` or ``0.0 to 0.1 % better``."""
    if _tenths(low) >= 0:
        return f"{_tenths(low) / 10:.1f} to {_change(high)}"
    return f"{_change(low)} to {_change(high)}" if _tenths(high) > 0 else f"{_change(low)} to 0.0 %"


def _change(share: float) -> str:
    tenths = _tenths(share)
    return f"{abs(tenths) / 10:.1f} % {'worse' if tenths < 0 else 'better'}"


def _tenths(share: float) -> int:
    """Round to tenths of a per cent: what is judged is what is shown."""
    return round(1000 * share)


def card_gain(measured: Mapping[str, Any], interval: bool = False) -> str:
    """Return a card's gain for a column: ``3.0 % better``, ``no better``, ``not learned``; empty if not measured.

    Of a world that was studied, ``9 of 24 right``.
    With ``interval`` a clear gain has its interval: ``3.0 % better (2.1 to 3.9)``.
    """
    gain = gain_of(measured)
    if gain is None:
        return ""
    if measured.get("learned") is False:
        return "not learned"
    if (right := recalled(measured)) is not None:
        return f"{right[2]} of {right[0]} right"
    return long_gain(gain) if interval and verdict_of(gain) in ("better", "worse") else short_gain(gain)


PAGES = "held-out pages"
ANSWERS = "the answers to questions it was not trained on"
NOT_WHICH = (
    "It has learned how its world is answered for, not yet which answer is right: train longer or through a larger "
    "model, and keep the lorebook in use beside it."
)


def headline(measured: Mapping[str, Any], training: Mapping[str, Any]) -> Headline:
    """Say what came of a training, from what its card holds.

    Where no step improved on the start that comes first, with the reason and what to do; a module that is better than
    nothing, but only because of the words it started from, is not called better. Of a world that was studied it says
    how many questions are answered right; where they are no more than without it, likelier answers are not called good.
    """
    found, right = _headline(measured, training), recalled(measured)
    if right is None:
        return found
    asked, before, after = right
    recall = f" It gets {after} of {asked} of them right; without it {before} are."
    advice = found.advice.replace("Add more pages: 2,000 words and up.", "Add more entries of lore.")
    advice = advice.replace("give it more pages", "give it more virtual tokens")
    if found.good and after <= before:
        advice = NOT_WHICH
    good = found.good and after > before
    return found._replace(text=found.text.replace(PAGES, ANSWERS) + recall, advice=advice, good=good)


def costs(measured: Mapping[str, Any]) -> list[str]:
    """Return, in sentences, what staying near a text or leaving out vectors costs in held-out bits per byte."""
    found = []
    read, free, kept = (measured.get(name) for name in ("near_read", "bits_per_byte_free", "bits_per_byte_with"))
    if _is_number(read) and _is_number(free) and _is_number(kept):
        found.append(
            f"{read:.0%} of its virtual tokens read as the text it stays near to, which costs {kept - free:+.4f} bits "
            f"per byte: {kept:.4f}, and {free:.4f} without. A curiosity: it need not mean what it reads as."
        )
    of, before, after = (measured.get(name) for name in ("pruned_of", "bits_per_byte_unpruned", "bits_per_byte_pruned"))
    if _is_number(of) and _is_number(before) and _is_number(after):
        found.append(
            f"Left of {of:.0f} virtual tokens, which predict held-out pages in {before:.4f} bits per byte; these do in "
            f"{after:.4f}."
        )
    return found


def recalled(measured: Mapping[str, Any]) -> tuple[int, int, int] | None:
    """Return how many questions a studied world was asked, how many were right before and after; None of any other."""
    counts = [measured.get(f"recall_{name}") for name in ("asked", "before", "after")]
    found = [int(count) for count in counts if _is_number(count)]
    return (found[0], found[1], found[2]) if len(found) == 3 else None


def _headline(measured: Mapping[str, Any], training: Mapping[str, Any]) -> Headline:
    gain, over_start = gain_of(measured), gain_of(measured, "gain_over_start")
    if gain is None:
        return Headline("Not measured yet on held-out pages.", short="not measured")
    said, verdict = long_gain(gain), verdict_of(gain)
    if measured.get("learned") is False:
        reason, advice = _reason(training)
        kept = f"What is kept is the text it started from, which predicts held-out pages {said} than no module."
        why = f": {reason}" if reason else ""
        return Headline(f"Nothing was learned{why}. {_smoothed(kept, verdict)}", advice, False, "nothing learned")
    if verdict == "unclear":
        return Headline(
            f"Predicts held-out pages {said}.", "Add more pages: 2,000 words and up.", False, "too little to tell"
        )
    if verdict != "better":
        reason, advice = _reason(training)
        few = f"; {reason}" if _is_number(steps := training.get("steps")) and steps < FEW_STEPS else ""
        return Headline(f"Predicts held-out pages {said}{few}.", advice, False, short_gain(gain))
    if over_start is not None and verdict_of(over_start) in ("none", "worse"):
        _, advice = _reason(training)
        beside = "no better" if verdict_of(over_start) == "none" else _change(over_start.share)
        return Headline(
            f"Predicts held-out pages {said} than no module, but {beside} than the words it started from.",
            advice,
            False,
            "no better than its start",
        )
    return Headline(f"Predicts held-out pages {said}.", good=True)


def _smoothed(sentence: str, verdict: Verdict) -> str:
    return sentence.replace(" than no module.", ".") if verdict in ("unclear", "none") else sentence


def _reason(training: Mapping[str, Any]) -> tuple[str, str]:
    """Return why nothing was gained, and what to do about it; both empty where nothing is known of the training."""
    steps, budget = training.get("steps"), training.get("budget")
    if not _is_number(steps):
        return "", ""
    count = int(steps)
    taken = "no step was taken" if not count else f"only {counted_steps(count)}"
    if training.get("stopped") and count < FEW_STEPS:
        when = f"after {counted_steps(count)}" if count else "before its first step"
        return f"it was stopped {when}", "Let it train longer."
    if count < FEW_STEPS and _is_number(budget):
        fitted = (
            f"{taken} fitted into {duration(float(budget))}" if count else f"no step fitted into {duration(budget)}"
        )
        return fitted, "Choose a longer dial (normal or thorough) or more minutes, or a smaller model."
    if count < FEW_STEPS:
        return f"{taken} {'was' if count == 1 else 'were'} taken", "Train for more steps (--steps 100 and up)."
    return (
        "no step improved on the text it started from",
        "Train longer, or give it more pages; where a --rate was given, try a lower one.",
    )


def counted_steps(count: int) -> str:
    """Return ``1 step`` or ``40 steps``."""
    return f"{count:,} {'step' if count == 1 else 'steps'}"


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
