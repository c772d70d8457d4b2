"""Evaluations as one page of HTML that needs nothing else: plain sentences, plots, and the numbers in tables.

Whatever comes from a file or a model is escaped; there is no script and no address in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ..duration import duration
from ..evidence import CoLoad, Estimate, Evaluated, Neutral, StyleEvidence, WorldEvidence
from ..plain_text import printable
from .plot import Dot, dots, line
from .words import change, percent


FRONTS = {
    "nothing": "no module",
    "module": "this module",
    "own words": "own words, same cost",
    "own words x5": "own words, 5 times",
    "best pages": "best page of several",
    "entry in context": "entry in the context",
}
SHOWN = 12  # answers
_STYLE = (
    "body{font:16px/1.5 Georgia,serif;max-width:760px;margin:2em auto;padding:0 1em;color:#222;background:#fff}"
    "h1,h2,h3{font-family:sans-serif;line-height:1.2}table{border-collapse:collapse;font:14px sans-serif;margin:1em 0}"
    "td,th{border-bottom:1px solid #ddd;padding:.3em .8em .3em 0;text-align:left;vertical-align:top}"
    "svg{max-width:100%;height:auto}.small{color:#666;font:13px sans-serif}"
    "blockquote{white-space:pre-wrap;margin:1em 0;padding-left:1em;border-left:3px solid #ddd}"
)


def page(found: Sequence[Evaluated]) -> str:
    """Return one page about all of ``found``."""
    names = ", ".join(one.module for one in found)
    body = "".join(_one(one) for one in found)
    legend = "Bars are 95 % intervals (bootstrap over stretches of text or questions). Dashed: floor and ceiling."
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_e(names)}: what it is worth</title><style>{_STYLE}</style></head><body>{body}"
        f"{_small(legend)}</body></html>\n"
    )


def _one(found: Evaluated) -> str:
    about = (
        f"{found.kind} module of {found.virtual_tokens} virtual tokens, on {found.model}; evaluated {found.date[:10]} "
        f"in {duration(found.seconds)}{', quickly: intervals are wide' if found.quick else ''}."
    )
    parts = [f"<h1>{_e(found.module)}</h1>", _small(about), _p(found.headline)]
    if found.advice:
        parts += ["<h2>What to do</h2>", _list(found.advice)]
    if found.style is not None:
        parts.append(_style(found.style))
    if found.world is not None:
        parts.append(_world(found.world))
    if found.neutral is not None:
        parts.append(_neutral(found.neutral))
    if found.recital is not None:
        parts += ["<h2>Does it recite?</h2>", _p(found.recital.sentence)]
        if found.recital.recites and found.recital.text:
            parts.append(f"<blockquote>{_e(found.recital.text)}</blockquote>")
    if found.repetition is not None and found.repetition_without is not None:
        parts.append(
            _p(
                f"Of sequences of four words, {percent(found.repetition)} stood in the 200 before; "
                f"without the module {percent(found.repetition_without)}."
            )
        )
    if found.co_load is not None:
        parts.append(_co_load(found.co_load, found.module))
    if found.notes:
        parts += ["<h2>Notes</h2>", _list(found.notes)]
    return "".join(parts)


def _style(style: StyleEvidence) -> str:
    lines = [
        _dot_of(loss.front, loss.gain, percent(loss.gain.value), edge=loss.front in ("nothing", "own words"))
        for loss in style.losses
    ]
    parts = [
        "<h2>Held-out pages of its author</h2>",
        dots(lines, "How much better they are predicted", "%, over no module", zero=True),
        _table(
            ("in front", "tokens", "bits per byte", "over no module"),
            [
                (FRONTS.get(loss.front, loss.front), str(loss.tokens), f"{loss.bits_per_byte:.3f}", change(loss.gain))
                for loss in style.losses
            ],
        ),
    ]
    if style.others is not None and style.specificity is not None:
        own = next(loss.gain for loss in style.losses if loss.front == "module")
        lines = [
            Dot("its author", _percents(own), percent(own.value), main=True),
            Dot("other authors", _percents(style.others), percent(style.others.value)),
            Dot("its author's own", _percents(style.specificity), percent(style.specificity.value)),
        ]
        parts += ["<h2>A voice, or only good prose?</h2>", dots(lines, "Gain on pages of", "%", zero=True)]
    if style.measures:
        parts += ["<h2>What it writes</h2>"]
        for one in style.measures:
            lines = [
                Dot("other authors", Estimate(one.floor), f"{one.floor:.3g}", edge=True),
                *([Dot("without the module", Estimate(one.base), f"{one.base:.3g}")] if one.base is not None else []),
                Dot("with this module", Estimate(one.value), f"{one.value:.3g}", main=True),
                Dot("its author's pages", Estimate(one.ceiling), f"{one.ceiling:.3g}", edge=True),
            ]
            parts.append(dots(lines, one.label, f"{one.unit}; {one.nearer} is nearer" if one.unit else ""))
            if not one.tells_apart:
                parts.append(_small("At this length this measure does not tell its author from others."))
        parts.append(line(style.drift, f"Along the text: {style.drift_label}", "each dot a window of about 256 tokens"))
        if style.cliches is not None and style.author_cliches is not None:
            base = f", without the module {style.base_cliches:.1f}" if style.base_cliches is not None else ""
            parts.append(
                _p(
                    f"Phrases that models overuse, per 1,000 words: {style.cliches:.1f}; "
                    f"its author {style.author_cliches:.1f}{base}."
                )
            )
    if style.sample:
        parts.append(f"<blockquote>{_e(style.sample)}</blockquote>")
    return "".join(parts)


def _world(world: WorldEvidence) -> str:
    lines = [
        _dot_of(one.front, one.right, percent(one.right.value, 0), edge=one.front != "module") for one in world.recall
    ]
    nats = [
        Dot(dot.label, one.nats, f"{one.nats.value:.2f}", dot.main, dot.edge)
        for dot, one in zip(lines, world.recall, strict=True)
    ]
    parts = [
        f"<h2>{world.questions} questions with the lore out of view</h2>",
        dots(lines, "Right choices", "% of the questions"),
        dots(nats, "Loss of the right answer", "nats per token, lower is better"),
    ]
    gaps = [(gap, unit) for gap, unit in ((world.gap_right, "answers"), (world.gap_nats, "nats")) if gap is not None]
    if gaps:
        ways = " and ".join(f"{_range(gap)} of the way in {unit}" for gap, unit in gaps)
        parts.append(_p(f"From nothing to the entry in the context it goes {ways}."))
    if world.answered is not None and world.answered_without is not None:
        parts.append(
            _p(
                f"In its own words it answers {_range(world.answered)} of {len(world.answers)} questions rightly; "
                f"without the module {_range(world.answered_without)}."
            )
        )
    if world.consistent is not None:
        beside = f"; without the module {_range(world.consistent_without)}" if world.consistent_without else ""
        share = f"{_range(world.consistent)} stand in the lore{beside}"
        parts.append(_p(f"Of the names and numbers in what it writes about its world, {share}."))
    if world.answers:
        rows = [
            (
                one.question,
                one.said or "(nothing)",
                one.true,
                "right" if one.right else ", ".join(one.invented) or "wrong",
            )
            for one in world.answers[:SHOWN]
        ]
        parts.append(_table(("question", "it said", "true", "right, wrong, or made up"), rows))
    return "".join(parts)


def _neutral(neutral: Neutral) -> str:
    harm = neutral.harm
    change_of = change(Estimate(-harm.value, *(None if end is None else -end for end in (harm.high, harm.low))))
    return "<h2>Other text</h2>" + _p(
        f"Text that is neither its voice nor its world is predicted {change_of} "
        f"({neutral.bits_without:.3f} bits per byte without it, {neutral.bits_with:.3f} with it)."
    )


def _co_load(table: CoLoad, module: str) -> str:
    rows = [("alone", f"{table.alone.value:.3f}", "100 %" if table.worst is not None else "-")]
    rows += [
        (" → ".join(row.order), f"{row.gain.value:.3f}", "-" if row.kept is None else _range(row.kept))
        for row in table.rows
    ]
    lines = [
        Dot(_short(row.order, module), _percents(row.kept), percent(row.kept.value, 0), main=True)
        for row in table.rows
        if row.kept is not None
    ]
    stand_ins = "Some neighbours are words of other voices, made for the occasion." if table.stand_ins else ""
    plot = ""
    if lines:
        alone = Dot("alone", Estimate(100.0), "100 %", edge=True)
        plot = dots([alone, *lines], "What of its gain is left among others", "%", zero=True)
    headings = ("in front, first to last", f"saved, {table.unit}", "kept")
    return f"<h2>Among other modules</h2>{plot}{_table(headings, rows)}{_small(stand_ins)}"


def _dot_of(front: str, share: Estimate, told: str, *, edge: bool) -> Dot:
    """Return the dot of what stood in ``front``; ``share``, 0 to 1, is drawn in percent."""
    return Dot(FRONTS.get(front, front), _percents(share), told, main=front == "module", edge=edge)


def _short(order: Sequence[str], module: str) -> str:
    others = len(order) - 1
    return f"{'before' if order[0] == module else 'behind'} {'one other' if others == 1 else f'{others} others'}"


def _range(estimate: Estimate) -> str:
    value = percent(estimate.value, 0)
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({100 * estimate.low:.0f} to {100 * estimate.high:.0f})"


def _percents(estimate: Estimate) -> Estimate:
    low, high = (None if end is None else 100 * end for end in (estimate.low, estimate.high))
    return Estimate(100 * estimate.value, low, high)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{_e(cell)}</th>" for cell in headings)
    body = "".join(f"<tr>{''.join(f'<td>{_e(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _list(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{_e(item)}</li>' for item in items)}</ul>"


def _p(text: str) -> str:
    return f"<p>{_e(text)}</p>"


def _small(text: str) -> str:
    return f'<p class="small">{_e(text)}</p>' if text else ""


def _e(text: str) -> str:
    return escape(printable(text), quote=True)
