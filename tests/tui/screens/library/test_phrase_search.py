"""p finds text that does most of what a module does, and shows it as a card from which it is copied."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from textual.widgets import Static

from kobold_modules.answers import PhraseFound, PhraseFront
from kobold_modules.library.library import Library
from kobold_modules.records import Failed, Progress, Record
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.tui.dialogs.phrase_card import NOTHING, PhraseCard
from kobold_modules.worker.messages import Job, Phrase
from tests.tui.conftest import Open


FOUND = PhraseFound(
    module="gothic-house",
    text="The rain had not stopped for a week.\n\n",
    fronts=(
        PhraseFront("nothing", 0, 1.31, None, 0.0),
        PhraseFront("description", 18, 1.305, 0.004, 0.05),
        PhraseFront("phrase", 190, 1.28, 0.023, 0.41),
        PhraseFront("module", 24, 1.25, 0.046, 1.0),
    ),
    measured_on="held-out pages",
)


@dataclass
class Script:
    """What the searching workers do, shared by all of them."""

    found: Record = FOUND
    hold: bool = False
    asked: list[Phrase] = field(default_factory=list)


class Searching(FakeClient):
    """Searches as a worker does: progress, then the answer; stopped, what there is."""

    def __init__(self, script: Script) -> None:
        super().__init__()
        self.script, self.stopped = script, False

    def another(self) -> FakeClient:
        return Searching(self.script)

    def cancel(self) -> None:
        self.stopped = True
        super().cancel()

    async def run(self, job: Job) -> AsyncIterator[Record]:
        if not isinstance(job, Phrase):
            async for record in super().run(job):
                yield record
            return
        self.script.asked.append(job)
        yield Progress("searching passages", 3, 12, 95.0)
        while self.script.hold and not self.stopped:
            await asyncio.sleep(0.01)
        if self.stopped:
            yield PhraseFound(module="x", text="", fronts=(), measured_on="held-out pages", stopped=True)
            return
        yield self.script.found


async def test_p_shows_the_phrase_and_c_copies_it(stage: Open, shelf: Library) -> None:
    script = Script(hold=True)
    async with stage(client=Searching(script), library=shelf) as on:
        await on.press("p")
        await on.says("Searching a phrase of gothic house: searching passages 25%")
        script.hold = False
        await on.shows("The rain had not stopped for a week.", "Phrase of gothic house", "a plain description")
        await on.shows("41 %", "1.2800", "the module")
        await on.press("c")
        assert on.app.clipboard == FOUND.text
        await on.shows("copied")
        await on.press("escape")
        await on.says("p shows it again")
        await on.press("p")
        await on.until(lambda: isinstance(on.app.screen, PhraseCard))
    (job,) = script.asked
    assert (job.request.of, job.request.model, job.request.files) == ("gothic-house", "starter", ())


async def test_p_again_stops_the_search(stage: Open, shelf: Library) -> None:
    async with stage(client=Searching(Script(hold=True)), library=shelf) as on:
        await on.press("p")
        await on.says("searching passages")
        await on.press("p")
        await on.says("was stopped. p begins again.")
        assert not isinstance(on.app.screen, PhraseCard)


async def test_what_stands_in_the_way_is_said(stage: Open, shelf: Library) -> None:
    script = Script(Failed("gothic house writes next to nothing here.", "Train it for longer.", 3))
    async with stage(client=Searching(script), library=shelf) as on:
        await on.command("phrase")
        await on.says("writes next to nothing here. Train it for longer.")


async def test_a_module_that_no_text_is_like_has_nothing_to_copy(stage: Open, shelf: Library) -> None:
    script = Script(PhraseFound(module="x", text="", fronts=FOUND.fronts, measured_on="held-out pages"))
    async with stage(client=Searching(script), library=shelf) as on:
        await on.press("p")
        await on.until(lambda: isinstance(on.app.screen, PhraseCard))
        assert str(on.app.screen.query_one(".explanation", Static).render()) == NOTHING
        await on.press("c")
        assert not on.app.clipboard
        await on.press("escape")
        await on.says("No phrase does what gothic house does. p shows what was tried.")
