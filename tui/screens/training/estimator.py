"""What a training will take: a guess at once, then two steps that are measured in a process of their own."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial

from textual.css.query import NoMatches
from textual.screen import Screen

from kobold_modules.answers import ModelsFound, TrainingCost
from kobold_modules.corpus.preview import Preview
from kobold_modules.errors import BadUsage, OutOfMemory
from kobold_modules.records import Failed
from kobold_modules.worker import messages
from kobold_modules.worker.client import Client, WorkerClient

from ...state.app_state import AppState
from ...state.background import run_in_background
from ...state.recipe import Estimate, Recipe, guess
from ...state.remembered import recall
from ...widgets.status_line import StatusLine
from ...widgets.training.recipe_panel import RecipePanel


LEAST_WORDS = 300
SETTLE = 0.4  # seconds without a change before the worker is asked for an estimate


class Estimator:
    """Keeps the estimate on ``panel`` right while texts and settings change.

    Args:
        screen: runs the measuring beside itself.
        app_state: whose worker another one is made from.
        status: where it is said that there is not enough memory.
        panel: shows the estimate, and the models to choose from.
    """

    def __init__(self, screen: Screen[None], app_state: AppState, status: StatusLine, panel: RecipePanel) -> None:
        self.screen, self.app_state, self.status, self.panel = screen, app_state, status, panel
        self._current: tuple[Recipe, Preview] | None = None
        self._memory: dict[str, int] = {}  # bytes that training through a model needs
        self._measured: dict[tuple[object, ...], Estimate] = {}
        self._client: Client | None = None

    def estimate(self, recipe: Recipe, preview: Preview) -> None:
        """Show at once what can be guessed, then ask whoever knows.

        Args:
            recipe: what the form says, with its files.
            preview: what is in them.
        """
        self._current = recipe, preview
        known = self._measured.get(recipe.measured_by)
        if known is not None:
            self.panel.show_estimate(known.at(recipe))
            return
        self.panel.show_estimate(guess(preview.words, recipe, self._memory.get(recipe.model)))
        if preview.words >= LEAST_WORDS and not preview.problems:
            run_in_background(self.screen, partial(self._measure, recipe), "estimate", exclusive=True)

    def _again(self) -> None:
        if self._current is not None and self.screen.is_attached:
            with suppress(NoMatches):  # while the window closes its parts go one by one
                self.estimate(*self._current)

    async def _measure(self, recipe: Recipe) -> None:
        """Have two steps measured, in a process of their own: nobody who writes meanwhile should wait for it."""
        await asyncio.sleep(SETTLE)
        try:
            request = replace(recipe, name=recipe.name or "unnamed").request()
        except BadUsage:
            return
        if self._client is None:
            client = self.app_state.client
            self._client = WorkerClient() if isinstance(client, WorkerClient) else client
        async for record in self._client.run(messages.Estimate(request)):
            if isinstance(record, TrainingCost):
                self._measured[recipe.measured_by] = Estimate.of(record)
            elif isinstance(record, Failed) and record.code == OutOfMemory.exit_code:
                self.status.say(record.message, "warning", record.hint)
        if recipe.measured_by in self._measured:
            self._again()

    def find_models(self) -> None:
        """Fill the list of models with those that can be trained through here."""
        run_in_background(self.screen, self._find_models, "models")

    async def _find_models(self) -> None:
        found: list[tuple[str, str]] = []
        searcher = self.app_state.client.another()  # not the worker that writes: no take waits for a look at the disk
        folders = tuple(line for line in recall("model folders").splitlines() if line)
        async for record in searcher.run(messages.Models(folders)):
            for about in record.models if isinstance(record, ModelsFound) else ():
                if about.train is not None and about.train.can != "no" and not about.no_modules:
                    tight = " (tight)" if about.train.can == "tight" else ""
                    found.append((f"{about.name}{tight}", about.model))
                    self._memory[about.model] = about.train.needs
        await searcher.close()
        if found and self.screen.is_attached:
            self.panel.set_models(found)
            self._again()

    def release(self) -> None:
        """End the process that measures: it holds a whole model, and the training needs the memory."""
        self.screen.workers.cancel_group(self.screen, "estimate")
        run_in_background(self.screen, self.close, "measurer")

    async def close(self) -> None:
        """End the process that measures, if there is one."""
        client, self._client = self._client, None
        if client is not None and client is not self.app_state.client:
            await client.close()
