"""The light of a module says how much it has to say, comes in a pause and is in nobody's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from kobold_modules.answers import StackDivergence
from kobold_modules.records import Record
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.tui.screens.writing import speaking_light
from kobold_modules.tui.widgets.writing.stack_list import light
from kobold_modules.worker.messages import Divergence, Job
from tests.tui.conftest import OPENING, Open, Stage


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaking_light, "PAUSE", 0.0)


class Asked(FakeClient):
    """Says 0.25 bits of the first layer and nothing of the others; ``hold`` keeps the answer back."""

    hold = False
    given_up = 0

    async def run(self, job: Job) -> AsyncIterator[Record]:
        if not isinstance(job, Divergence):
            async for record in super().run(job):
                yield record
            return
        self.jobs.append(job)
        try:
            while self.hold:
                await asyncio.sleep(0.01)
        except (asyncio.CancelledError, GeneratorExit):
            self.given_up += 1
            raise
        yield StackDivergence(tuple(0.25 if number == 0 else 0.0 for number in range(len(job.stack))), 0.25)


def looks(on: Stage) -> list[Divergence]:
    return [job for job in on.client.jobs if isinstance(job, Divergence)]


def row(on: Stage) -> str:
    return next(line for line in on.text().splitlines() if "gothic house " in line)


async def begin(on: Stage) -> None:
    """Put two modules on the stack and a sentence on the page."""
    await on.press("enter", "down", "enter")
    await on.begin()


async def test_it_shows_who_speaks_and_how_much(stage: Open) -> None:
    async with stage(client=Asked()) as on:
        await begin(on)
        await on.shows("speaking 0.25 bits")
        await on.shows("●▄ gothic house")
        await on.shows("●  harbour town")


@pytest.mark.parametrize(("bits", "bar"), [(None, " "), (0.0, " "), (1e-4, "▁"), (0.25, "▄"), (1.0, "█"), (1.2, "█")])
def test_the_bar_is_as_high_as_the_root_of_the_bits(bits: float | None, bar: str) -> None:
    assert light(bits) == bar


async def test_it_is_asked_again_when_text_or_stack_change_and_not_otherwise(stage: Open) -> None:
    async with stage(client=Asked()) as on:
        await begin(on)
        await on.until(lambda: looks(on) and on.bench.light.settled)
        asked = len(looks(on))
        await on.type(" Then.")
        await on.until(lambda: looks(on)[-1].text.endswith("Then.") and on.bench.light.settled)
        before = len(looks(on))
        assert before > asked
        on.stack_list.focus()
        await on.press("space")  # the first one is off: it says nothing, whatever it said before
        await on.until(lambda: [layer.on for layer in looks(on)[-1].stack] == [False, True] and on.bench.light.settled)
        await on.shows("○  gothic house")
        count = len(looks(on))
        for _ in range(4):
            on.bench.light.tick()
        assert len(looks(on)) == count


async def test_without_a_module_or_a_text_nobody_is_asked(stage: Open) -> None:
    async with stage(client=Asked()) as on:
        await on.begin()
        await on.until(lambda: on.bench.story.text == OPENING and on.bench.light.settled)
        assert not looks(on)
        await on.hides("speaking")


async def test_a_take_does_not_wait_for_it(stage: Open) -> None:
    client = Asked()
    client.hold = True
    async with stage(client=client) as on:
        await begin(on)
        await on.until(lambda: looks(on))
        await on.press("ctrl+j")
        await on.written()
        assert client.given_up
        assert len(on.bench.story.text) > len("The lamp was out.")


async def test_a_key_ends_a_look(stage: Open) -> None:
    client = Asked()
    client.hold = True
    async with stage(client=client) as on:
        await begin(on)
        await on.until(lambda: looks(on))
        await on.type("x")
        await on.until(lambda: client.given_up)
        client.hold = False
        await on.until(lambda: on.bench.light.settled and "speaking 0.25" in on.text())


async def test_a_module_that_does_not_fit_is_not_asked_about(stage: Open) -> None:
    async with stage(client=Asked()) as on:
        await on.press("enter", "down", "down", "down", "enter")  # the last one is for another model
        await on.begin()
        await on.until(lambda: looks(on) and on.bench.light.settled)
        assert [layer.on for layer in looks(on)[-1].stack] == [True, False]
