"""The evidence of a style module: pages of its author and of others, its author's own words, and what it writes."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

import msgspec

from ..errors import BadText
from ..evidence import Estimate, FrontLoss, Measure, Neutral, StyleEvidence
from ..records import Progress
from ..soft_prompt.deep_prefix import AnyModule
from .bootstrap import Table
from .held_out import WINDOW, HeldOut
from .own_words import CANDIDATES, FIVE_TIMES, candidates, words_as_rows
from .page_loss import PageLoss, page_loss, specificity
from .pages import Pages
from .style.report import StyleReport
from .work import Work


LEAST_WINDOW = 96  # tokens of text behind the rows
PROBE = 300  # tokens on which pages are tried, to find the most readable ones

Steps = Generator[Progress, None, PageLoss]


def tokens_to_read(work: Work, pages: Pages, others: Mapping[str, str]) -> int:
    """Return about how many tokens :func:`page_evidence` reads."""
    budget = work.budget
    fronts = 2 + (3 if pages.train else 0)
    return fronts * budget.held_out + 2 * budget.others * len(others) + (PROBE * CANDIDATES if pages.train else 0)


def page_evidence(
    work: Work, pages: Pages, others: Mapping[str, str]
) -> Generator[Progress, None, tuple[StyleEvidence, Neutral | None]]:
    """Measure the module on pages of its author and of ``others`` (by name).

    Raises:
        BadText: the author's pages are too short.
    """
    module, encode = work.module, work.engine.tokenize
    author = HeldOut.of(pages.held_out, encode, work.budget.held_out)
    if author.tokens < 2:
        raise BadText("The held-out pages are too short to measure with.", "Name more pages: --texts FILE.")
    fronts = list[tuple[str, tuple[AnyModule, ...]]]([("nothing", ()), ("module", (module,))])
    fronts += [(name, (words,)) for name, words in (yield from _own_words(work, pages))]
    reserve = max(sum(each.tokens for each in front) for _, front in fronts)
    window = min(WINDOW, work.engine.info.context - reserve)
    losses: dict[str, PageLoss] = {}
    for name, front in fronts:
        losses[name] = yield from _loss(work, f"measuring pages behind {name}", front, author, window)
    other_pages = HeldOut.of(tuple(others.values()), encode, work.budget.others * len(others))
    beside: list[PageLoss] = []
    for front in ((module,), ()) if other_pages.tokens else ():
        beside.append((yield from _loss(work, "measuring other authors' pages", front, other_pages, window)))
    nothing, own = losses["nothing"], losses["module"]
    over = {name: own.gain_over(loss) for name, loss in losses.items()}
    evidence = StyleEvidence(
        tokens=author.tokens,
        losses=tuple(
            FrontLoss(
                name, loss.nats_per_token, loss.bits_per_byte, loss.gain_over(nothing), sum(m.tokens for m in front)
            )
            for (name, front), loss in zip(fronts, losses.values(), strict=True)
        ),
        others=beside[0].gain_over(beside[1]) if beside else None,
        specificity=specificity((own, nothing), (beside[0], beside[1])) if beside else None,
        over_own_words=over.get("own words"),
        over_five_times=over.get("own words x5"),
    )
    return evidence, neutral_of(beside[0], beside[1], other_pages.tokens) if beside else None


def neutral_of(with_it: PageLoss, without: PageLoss, tokens: int) -> Neutral:
    """Return what a module does to text that is not its own."""
    gain = with_it.gain_over(without)
    harm = type(gain)(-gain.value, _minus(gain.high), _minus(gain.low))
    return Neutral(without.bits_per_byte, with_it.bits_per_byte, harm, tokens)


def _minus(value: float | None) -> float | None:
    return None if value is None else -value


def _own_words(work: Work, pages: Pages) -> Generator[Progress, None, list[tuple[str, AnyModule]]]:
    """Return the author's words as rows: at the module's cost, at five times it, and the most readable of several."""
    if not pages.train:
        work.notes.append(
            "The pages it was trained on are not at hand, so it was not compared with its author's own words."
        )
        return []
    tokens, encode, context = work.module.tokens, work.engine.tokenize, work.engine.info.context
    found = list(candidates(pages.train, tokens, encode))
    if not found:
        work.notes.append("The training pages are shorter than the module, so their words could not take its place.")
        return []
    words: list[tuple[str, AnyModule]] = [("own words", words_as_rows(work.file, found[0], "own words"))]
    if context - FIVE_TIMES * tokens >= LEAST_WINDOW:
        long = next(candidates(pages.train, FIVE_TIMES * tokens, encode, 1), None)
        if long:
            words.append(("own words x5", words_as_rows(work.file, long, "own words x5")))
    probe = HeldOut.of((pages.train[-1][-6 * PROBE :],), encode, PROBE)
    window, best = min(WINDOW, context - tokens), (float("inf"), found[0])
    for ids in found[1:] if probe.tokens else []:
        front = (words_as_rows(work.file, ids, "best pages"),)
        loss = yield from _loss(work, "looking for its author's most readable page", front, probe, window)
        best = min(best, (loss.nats_per_token, ids))
    if best[0] < float("inf"):
        words.append(("best pages", words_as_rows(work.file, best[1], "best pages")))
    return words


def _loss(work: Work, stage: str, front: Sequence[AnyModule], pages: HeldOut, window: int) -> Steps:
    return (yield from work.counted(stage, page_loss(work.scorer(*front), pages, window)))


def stack_loss(work: Work, pages: HeldOut, front: Sequence[AnyModule]) -> Generator[int, None, Table]:
    """Measure ``pages`` behind a stack for the co-load table: float64 ``[stretches, 2]``."""
    longest = max(map(len, pages.documents), default=0)
    window = min(longest, work.engine.info.context // 2)  # the same for every stack, and nothing read twice
    loss = yield from page_loss(work.scorer(*front), pages, window)
    return loss.table


def with_writing(evidence: StyleEvidence, report: StyleReport, sample: str) -> StyleEvidence:
    """Return ``evidence`` with what was measured of generated text."""
    measures = tuple(
        Measure(
            name=score.measure,
            label=score.label,
            unit=score.unit,
            value=score.value,
            floor=score.floor,
            ceiling=score.ceiling,
            nearer=score.nearer,
            base=score.base,
            tells_apart=score.tells_apart,
            place=None if score.place is None else Estimate(score.place.share, score.place.low, score.place.high),
        )
        for score in report.scores
        if score.floor is not None and score.ceiling is not None
    )
    found = report.drift[0] if report.drift else None
    return msgspec.structs.replace(
        evidence,
        measures=measures,
        drift=found.windows if found else (),
        drift_label=next((score.label for score in report.scores if found and score.measure == found.measure), ""),
        drift_slope=Estimate(found.slope, found.low, found.high) if found and found.slope is not None else None,
        drift_away=bool(found and found.away),
        cliches=report.cliches.per_1000,
        author_cliches=report.author_cliches.per_1000,
        base_cliches=report.base_cliches.per_1000 if report.base_cliches else None,
        sample=sample,
    )
