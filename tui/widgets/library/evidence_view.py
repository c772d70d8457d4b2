"""The evidence on a card: what an evaluation found, between a floor and a ceiling, with what to do about it."""

from __future__ import annotations

from textual.content import Content

from kobold_modules.evaluation.words import percent
from kobold_modules.evidence import CoLoad, Estimate, Evaluated, Measure, StyleEvidence, WorldEvidence

from ...state import phrases


HEADING = "bold $text-primary"
MUTED = "$foreground-muted"
LABEL = 20  # cells
MOST_WRONG = 5  # questions that are listed
FRONTS = {"nothing": "without it", "module": "with it", "entry in context": "lore in view"}


def scale(place: float, width: int) -> Content:
    """Draw ``├────●──┤``: where something stands between the floor (0) and the ceiling (1), or beyond one of them."""
    at = max(0, min(width - 1, round(place * (width - 1))))
    cells = ["─"] * width
    cells[0], cells[-1] = "├", "┤"
    before, behind = "".join(cells[:at]), "".join(cells[at + 1 :])
    return Content.assemble((before, MUTED), ("●", "bold $text-accent"), (behind, MUTED))


def bar(share: float, width: int) -> str:
    """Return a bar of ``width`` cells, as much of it filled as ``share`` (0 to 1) says."""
    full = max(0, min(width, round(share * width)))
    return "━" * full + "─" * (width - full)


def evidence(found: Evaluated, width: int) -> Content:
    """Return everything that ``found`` says, the most telling first, in ``width`` cells."""
    when = f"{phrases.day(found.date)}, {found.model}" + (", quick" if found.quick else "")
    lines = [Content.assemble(("Evidence", HEADING), (f"  {when}", MUTED)), Content.styled(found.headline, "bold")]
    lines += [Content.assemble(("! ", "$text-warning"), sentence) for sentence in found.advice]
    room = max(10, min(30, width - LABEL - 22))
    if found.world is not None:
        lines += _world(found.world, room)
    if found.style is not None:
        lines += _style(found.style, room)
    if found.neutral is not None:
        lines.append(_row("Other text", _harm(found.neutral.harm)))
    if found.recital is not None:
        mark = ("! ", "$text-warning") if found.recital.recites else ("", "")
        lines.append(_row("Verbatim", Content.assemble(mark, found.recital.sentence)))
    if found.co_load is not None:
        lines += _co_load(found.co_load, room)
    lines += [Content.styled(note, MUTED) for note in found.notes]
    return Content("\n").join(lines)


def _row(label: str, said: Content | str) -> Content:
    return Content.assemble((f"{phrases.shortened(label, LABEL - 1):<{LABEL}}", MUTED), said)


def _world(world: WorldEvidence, room: int) -> list[Content]:
    lines = [Content.assemble(("Recall", HEADING), (f"  {world.questions} questions, lore out of view", MUTED))]
    for one in world.recall:
        style = "$text-accent" if one.front == "module" else MUTED
        said = Content.assemble(
            (bar(one.right.value, room), style),
            f" {percent(one.right.value, 0)} right",
            (f", {one.nats.value:.2f} nats", MUTED),
        )
        lines.append(_row(FRONTS.get(one.front, one.front), said))
    if world.gap_right is not None:
        nats = f", {percent(world.gap_nats.value, 0)} in nats" if world.gap_nats is not None else ""
        lines.append(_row("Gap closed", f"{percent(world.gap_right.value, 0)} in answers{nats}"))
    if world.answered is not None:
        lines.append(_row("In its own words", f"{percent(world.answered.value, 0)} right"))
    if world.invented:
        lines.append(_row("Invented", ", ".join(world.invented[:MOST_WRONG])))
    lines += [Content.assemble(("? ", "$text-warning"), (question, MUTED)) for question in world.wrong[:MOST_WRONG]]
    return lines


def _style(style: StyleEvidence, room: int) -> list[Content]:
    lines: list[Content] = []
    if style.specificity is not None:
        lines.append(_row("Its author's own", f"{percent(style.specificity.value)}{_interval(style.specificity)}"))
    if style.over_own_words is not None:
        said = f"{percent(style.over_own_words.value)} over the author's own words in the context"
        lines.append(_row("At the same cost", said))
    placed = [measure for measure in style.measures if measure.place is not None]
    if placed:
        lines.append(Content.assemble(("What it writes", HEADING), ("  from others (├) to its author (┤)", MUTED)))
        lines += [_measure(measure, room) for measure in placed]
    if style.drift_away:
        lines.append(_row("Drift", Content.assemble(("! ", "$text-warning"), "long takes drift from the author")))
    return lines


def _measure(measure: Measure, room: int) -> Content:
    assert measure.place is not None
    unsure = "" if measure.tells_apart else ", tells little here"
    said = Content.assemble(scale(measure.place.value, room), f" {percent(measure.place.value, 0)}", (unsure, MUTED))
    return _row(measure.label, said)


def _harm(harm: Estimate) -> str:
    if not harm.above_zero and not harm.below_zero and harm.low is not None:
        return f"no clear change{_interval(harm)}"
    return f"{percent(abs(harm.value))} {'harder' if harm.value > 0 else 'easier'} to predict{_interval(harm)}"


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f" ({100 * estimate.low:.1f} to {percent(estimate.high)})"


def _co_load(co_load: CoLoad, room: int) -> list[Content]:
    stand_ins = ", stand-ins for other modules" if co_load.stand_ins else ""
    heading = ("  what it keeps of its gain beside others", MUTED)
    lines = [Content.assemble(("In a stack", HEADING), heading, (stand_ins, MUTED))]
    for row in co_load.rows:
        kept = "?" if row.kept is None else percent(row.kept.value, 0)
        share = 0.0 if row.kept is None else row.kept.value
        style = "$text-warning" if row.kept is not None and row.kept.value < 0.85 else "$text-accent"
        lines.append(
            Content.assemble((bar(share, min(room, 12)), style), f" {kept:>5}  ", (" + ".join(row.order), MUTED))
        )
    return lines
