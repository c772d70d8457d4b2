"""A module is evaluated from its card, with progress and a stop, and the card shows the evidence, not only the loss."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import msgspec
from textual.widgets import Static

from kobold_modules.evidence import (
    CoLoad,
    Estimate,
    Evaluated,
    Measure,
    Neutral,
    Recalled,
    Recital,
    Stacked,
    StyleEvidence,
    WorldEvidence,
)
from kobold_modules.library import evidence
from kobold_modules.library.library import Library
from kobold_modules.records import Done, Failed, Progress, Record, Saved
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.tui.widgets.library.evidence_view import scale
from kobold_modules.worker.messages import Evaluate, Job
from tests.tui.conftest import Open, Stage


def recalled(front: str, right: float, nats: float) -> Recalled:
    return Recalled(front, Estimate(right), Estimate(right), Estimate(nats))


def place(label: str, at: float) -> Measure:
    return Measure(
        name=label, label=label, unit="", value=1.0, floor=2.0, ceiling=0.5, nearer="lower", place=Estimate(at)
    )


FOUND = Evaluated(
    module="gothic house",
    kind="world",
    model="starter",
    digest="",
    date="2026-11-26T20:00:00+00:00",
    virtual_tokens=32,
    quick=True,
    seconds=80.0,
    tokens=9000,
    headline="Chooses the right answer to 46 % of 96 questions with the lore out of view.",
    world=WorldEvidence(
        questions=96,
        form="plain",
        recall=(recalled("nothing", 0.21, 7.3), recalled("module", 0.46, 4.4), recalled("entry in context", 0.79, 4.1)),
        gap_right=Estimate(0.43),
        gap_nats=Estimate(0.9),
        wrong=("Who keeps the light?",),
    ),
    style=StyleEvidence(
        tokens=32,
        losses=(),
        others=None,
        specificity=Estimate(0.021, 0.01, 0.03),
        measures=(place("function words", 0.5),),
    ),
    neutral=Neutral(1.0, 1.004, Estimate(0.004, 0.002, 0.006), 3000),
    recital=Recital(0.12, 31, "so it goes", True, "12 % of what it writes stands word for word in its training text."),
    co_load=CoLoad(
        "nats per token",
        Estimate(0.3),
        (
            Stacked(("gothic house", "noir rain"), Estimate(0.27), Estimate(0.9)),
            Stacked(("noir rain", "gothic house"), Estimate(0.12), Estimate(0.4)),
        ),
    ),
    advice=("noir rain and this one fight: retrain both stack-safe.",),
)  # fmt: skip


@dataclass
class Script:
    """What the evaluating workers do, shared by all of them."""

    hold: bool = False
    asked: list[Evaluate] = field(default_factory=list)
    fails: Failed | None = None


class Evaluating(FakeClient):
    """Evaluates as a worker does: progress, evidence kept beside the module, the answer."""

    def __init__(self, script: Script) -> None:
        super().__init__()
        self.script = script
        self.stopped = False

    def another(self) -> FakeClient:
        return Evaluating(self.script)

    def cancel(self) -> None:
        self.stopped = True
        super().cancel()

    async def run(self, job: Job) -> AsyncIterator[Record]:
        if not isinstance(job, Evaluate):
            async for record in super().run(job):
                yield record
            return
        self.script.asked.append(job)
        if self.script.fails is not None:
            yield self.script.fails
            return
        yield Progress("asking questions", 3, 12, 95.0)
        while self.script.hold and not self.stopped:
            await asyncio.sleep(0.01)
        if self.stopped:
            yield Done("stopped")
            return
        library = Library()
        entry = library.entry(job.request.module)
        found = msgspec.structs.replace(FOUND, digest=library.load(entry).digest)
        evidence.write(entry.path.parent, found)
        yield Saved(job.request.page, "page")
        yield found


def card(on: Stage) -> str:
    return " ".join(str(on.app.screen.query_one("#evidence", Static).render()).split())


async def test_v_evaluates_and_the_card_shows_what_was_found(stage: Open, shelf: Library) -> None:
    script = Script(hold=True)
    async with stage(client=Evaluating(script), library=shelf) as on:
        assert not on.app.screen.query_one("#evidence", Static).display
        await on.press("v")
        await on.says("Evaluating gothic house: asking questions 25%, 1 min 35 s left")
        assert "is being evaluated" in on.library.unfinished_work
        script.hold = False
        await on.until(lambda: on.app.screen.query_one("#evidence", Static).display)
        await on.says("Chooses the right answer to 46 %")
        await on.says("evaluation.html")
        said = card(on)
        for part in (
            "Evidence 26 November 2026, starter, quick",
            "! noir rain and this one fight",
            "without it ━━━",
            "21 % right, 7.30 nats",
            "46 % right",
            "lore in view",
            "Gap closed 43 % in answers, 90 % in nats",
            "? Who keeps the light?",
            "Its author's own 2.1 % (1.0 to 3.0 %)",
            "function words ├",
            "0.4 % harder to predict",
            "! 12 % of what it writes stands word for word",
            "90 % gothic house + noir rain",
            "40 % noir rain + gothic house",
        ):
            assert part in said, part
    (job,) = script.asked
    assert (job.request.module, job.request.model, job.request.quick) == ("gothic-house", "starter", True)


async def test_it_is_measured_beside_what_stands_on_the_stack_with_it(stage: Open, shelf: Library) -> None:
    script = Script()
    async with stage(client=Evaluating(script), library=shelf) as on:
        await on.press("down", "enter", "down", "enter", "home", "enter", "v")
        await on.until(lambda: script.asked)
        assert script.asked[0].request.beside == ("harbour-town", "noir-rain")


async def test_v_again_stops_it_and_nothing_is_kept(stage: Open, shelf: Library) -> None:
    async with stage(client=Evaluating(Script(hold=True)), library=shelf) as on:
        await on.press("v")
        await on.says("asking questions")
        await on.press("v")
        await on.says("was stopped. Nothing was kept.")
        assert not on.app.screen.query_one("#evidence", Static).display


async def test_what_stands_in_the_way_is_said(stage: Open, shelf: Library) -> None:
    script = Script(fails=Failed("There is nothing to evaluate it on.", "Keep some of its pages.", 2))
    async with stage(client=Evaluating(script), library=shelf) as on:
        await on.command("evaluate")
        await on.says("There is nothing to evaluate it on. Keep some of its pages.")


async def test_evidence_about_other_vectors_is_not_shown(stage: Open, shelf: Library) -> None:
    entry = shelf.entry("gothic house")
    evidence.write(entry.path.parent, msgspec.structs.replace(FOUND, digest="another one"))
    async with stage(library=shelf) as on:
        await on.until(lambda: not on.app.screen.query_one("#evidence", Static).display)


def test_a_scale_shows_what_lies_beyond_its_ends_at_its_ends() -> None:
    assert str(scale(0.5, 11)) == "├────●────┤"
    assert str(scale(-3, 11)) == "●─────────┤"
    assert str(scale(1.4, 11)) == "├─────────●"
