"""Evaluating a module: measured in a child of its own, with progress and a stop; the evidence is read for its card."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from textual.screen import Screen

from kobold_modules.errors import KoboldModulesError
from kobold_modules.evaluation.settings import MOST_BESIDE, EvaluationRequest
from kobold_modules.evidence import Evaluated
from kobold_modules.library import evidence
from kobold_modules.library.library import Entry
from kobold_modules.worker.messages import Evaluate

from ...state.app_state import AppState
from ...state.background import run_in_background
from ...state.phrases import place
from ...widgets.status_line import StatusLine
from .module_job import Answer, ModuleJob


PAGE = "evaluation.html"  # beside the module's file


class Evaluations:
    """Runs one evaluation at a time, and knows what was found before.

    Args:
        screen: runs the work beside itself.
        app_state: the loaded model, the shelf, and the worker that another one is made from.
        status: where it is said how that goes.
        found: called when there is new evidence, or old evidence turns out to be about other vectors.
    """

    def __init__(
        self, screen: Screen[None], app_state: AppState, status: StatusLine, found: Callable[[], None]
    ) -> None:
        self.screen, self.app_state, self.status, self.found = screen, app_state, status, found
        self._job = ModuleJob(
            screen, app_state, status, doing="Evaluating", noun="evaluation", key="v", answered=self._finish
        )
        self._known: dict[tuple[str, int, int], Evaluated | None] = {}

    # -- what is known --

    def of(self, entry: Entry) -> Evaluated | None:
        """Return the evidence about ``entry``; that about other vectors is dropped as soon as they are compared."""
        folder = entry.path.parent
        try:
            written = (folder / evidence.EVIDENCE).stat().st_mtime_ns
        except OSError:
            return None
        key = str(entry.path), entry.modified_ns, written
        if key not in self._known:
            self._known[key] = read = evidence.read(folder)
            if read is not None:
                run_in_background(self.screen, partial(self._check, entry, key, read), "evidence")
        return self._known[key]

    async def _check(self, entry: Entry, key: tuple[str, int, int], read: Evaluated) -> None:
        """Drop evidence about vectors that are not the module's any more."""
        try:
            module = await asyncio.to_thread(self.app_state.library.load, entry)
        except (KoboldModulesError, OSError):
            return
        if module.digest != read.digest:
            self._known[key] = None
            self.found()

    # -- measuring --

    def switch(self, entry: Entry) -> None:
        """Evaluate ``entry``, or stop what is evaluated now; nothing is kept of an evaluation that is not whole."""
        if self._job.current:
            self._job.stop()
        else:
            self._job.start(entry, partial(self._request, entry))

    def _request(self, entry: Entry) -> Evaluate:
        """Return what is asked: on the loaded model, beside what stands on the stack with it."""
        state = self.app_state
        others = [layer.module for layer in state.stack.active if layer.module.slug != entry.slug]
        beside = tuple(other.slug for other in others if state.fit(other)[0])[:MOST_BESIDE]
        model = state.wanted if state.model.phase == "ready" else ""
        page = str(entry.path.parent / PAGE)
        return Evaluate(EvaluationRequest(entry.slug, model=model, beside=beside, quick=True, page=page))

    def _finish(self, entry: Entry, found: Answer) -> None:
        if isinstance(found, Evaluated):
            page = place(entry.path.parent / PAGE)
            self.status.say(f"{entry.name}: {found.headline}", "good", f"The page with plots: {page}")
        else:
            self.status.say(f"The evaluation of {entry.name} was stopped.", "calm", "Nothing was kept.")
        self.found()

    @property
    def unfinished_work(self) -> str:
        """Return what quitting should ask about first."""
        current = self._job.current
        return f"{current} is being evaluated; nothing is kept of it if you quit." if current else ""
