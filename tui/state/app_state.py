"""The app_state: what both screens share. The loaded model, the stack in use and the shelf, with no widget in it.

The stack here is a row of library entries with a strength and a switch. No vectors: the worker loads modules by path,
so the terminal process never reads a matrix.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from textual.dom import DOMNode
from textual.signal import Signal

from kobold_modules.errors import BadInput, KoboldModulesError, WrongModel
from kobold_modules.library.library import Entry, Library
from kobold_modules.library.listing import Listing
from kobold_modules.soft_prompt.fingerprint import Fingerprint

from .authorship import NO_MODULE
from .remembered import context_of


if TYPE_CHECKING:
    from kobold_modules.records import Failed, Loaded
    from kobold_modules.worker.client import Client
    from kobold_modules.worker.messages import StackItem

WEAKEST, STRONGEST, STEP = 0.0, 2.0, 0.05


class Pick(NamedTuple):
    """One module of the stack."""

    entry: Entry
    strength: float = 1.0
    on: bool = True

    @property
    def active(self) -> bool:
        return self.on and self.strength != 0

    @property
    def item(self) -> StackItem:
        from kobold_modules.worker.messages import StackItem

        return StackItem(str(self.entry.path), self.strength, self.on)


@dataclass(frozen=True, slots=True)
class Picks:
    """The stack, first module first. Every change makes a new one."""

    items: tuple[Pick, ...] = ()

    @property
    def tokens(self) -> int:
        """Virtual tokens of the modules that are switched on."""
        return sum(pick.entry.tokens for pick in self.items if pick.active)

    @property
    def label(self) -> str:
        """``noir + world ×0.5``, or ``no module``: what the story notes beside a take."""
        names = [
            pick.entry.name + ("" if pick.strength == 1 else f" ×{pick.strength:g}")
            for pick in self.items
            if pick.active
        ]
        return " + ".join(names) or NO_MODULE

    def index(self, entry: Entry) -> int | None:
        """Return where ``entry`` stands, or None."""
        return next((i for i, pick in enumerate(self.items) if pick.entry.slug == entry.slug), None)

    def add(self, entry: Entry, strength: float = 1.0, on: bool = True) -> Picks:
        return Picks((*self.items, Pick(entry, strength, on)))

    def remove(self, index: int) -> Picks:
        return Picks(self.items[:index] + self.items[index + 1 :])

    def move(self, index: int, by: int) -> Picks:
        """Move the pick at ``index`` by ``by`` places, as far as there is room."""
        rest = list(self.items)
        rest.insert(max(0, min(len(rest) - 1, index + by)), rest.pop(index))
        return Picks(tuple(rest))

    def change(self, index: int, *, by: float = 0.0, on: bool | None = None) -> Picks:
        """Change the strength of the pick at ``index`` by ``by``, or switch it on or off."""
        pick = self.items[index]
        strength = min(STRONGEST, max(WEAKEST, round(pick.strength + by, 2)))
        changed = pick._replace(strength=strength, on=pick.on if on is None else on)
        return Picks((*self.items[:index], changed, *self.items[index + 1 :]))

    def refreshed(self, entries: Listing, renamed: dict[str, str] | None = None) -> Picks:
        """Return the same stack over the library as it is now: renamed modules follow, vanished ones leave."""
        kept = []
        for pick in self.items:
            entry = entries.filed((renamed or {}).get(pick.entry.slug, pick.entry.slug))
            if entry is not None:
                kept.append(pick._replace(entry=entry))
        return Picks(tuple(kept))

    def to_list(self) -> list[dict[str, Any]]:
        return [{"module": pick.entry.slug, "strength": pick.strength, "on": pick.on} for pick in self.items]


class ModelState(NamedTuple):
    """What is known of the model: ``share`` of the loading that is done, ``loaded`` once it is, ``failed`` if not."""

    name: str
    phase: Literal["waiting", "loading", "ready", "failed", "unloaded"] = "waiting"
    stage: str = ""
    share: float | None = None
    loaded: Loaded | None = None
    failed: Failed | None = None

    @property
    def context(self) -> int:
        return self.loaded.context if self.loaded else 0


class AppServices(Protocol):
    """What screens, widgets and the palette ask of the app they run in."""

    app_state: AppState

    def key_of(self, id: str, usual: str, display: str | None = None) -> str:
        """Return the key that does ``id`` now, as a person reads it; ``usual`` where nobody changed it."""
        ...

    def receive(self, paths: list[Path]) -> object:
        """Bring files in, whatever they are and wherever one is."""
        ...

    def story_opened(self) -> str:
        """Load the model that the story now on the bench was written with. Returns a sentence, or nothing."""
        ...


class AppState:
    """The shared state. ``stack_changed``, ``model_changed`` and ``shelf_changed`` tell whoever subscribed.

    What speaks to the worker is imported, and the ``client`` made, when there is something to say: after the first
    frame.
    """

    def __init__(self, owner: DOMNode, client: Client | Callable[[], Client], library: Library, model: str) -> None:
        self._client = client
        if not callable(client):
            client.on_death = self._worker_died
        self.library = library
        self.stack_changed: Signal[Picks] = Signal(owner, "stack")
        self.model_changed: Signal[ModelState] = Signal(owner, "model")
        self.shelf_changed: Signal[Listing] = Signal(owner, "shelf")
        self.entries = Listing.of(())
        self.shelf_version = 0
        self.reading = False  # whether a large shelf is being read for the first time
        self._fitting: dict[tuple[int, int], tuple[Fingerprint | None, bool]] = {}
        self._fits: dict[int, tuple[Entry, tuple[bool, str, str]]] = {}  # by the id of the entry it holds on to
        self._picks = Picks()
        self._model = ModelState(model)
        self.wanted = model  # what is or will be loaded, as a Load job takes it; the model may call itself otherwise
        self.context: int | None = None  # tokens to load it with; None: what is remembered of the model
        self._loading = asyncio.Lock()

    @property
    def client(self) -> Client:
        if callable(self._client):
            self._client = self._client()
            self._client.on_death = self._worker_died
        return self._client

    def _worker_died(self) -> None:
        """Forget the model, which is gone with the worker: whoever needs it loads it again, or learns why not."""
        if self.model.phase == "ready":
            self.model = ModelState(self.model.name, "unloaded")

    async def close(self) -> None:
        """End the worker, if there is one."""
        if not callable(self._client):
            await self._client.close()

    @property
    def picks(self) -> Picks:
        return self._picks

    @picks.setter
    def picks(self, picks: Picks) -> None:
        if picks != self._picks:
            self._picks = picks
            self.stack_changed.publish(picks)

    @property
    def model(self) -> ModelState:
        return self._model

    @model.setter
    def model(self, state: ModelState) -> None:
        if state.loaded is not self._model.loaded:
            self._fitting, self._fits = {}, {}
        self._model = state
        self.model_changed.publish(state)

    def open_shelf(self) -> None:
        """Read the index at once; a library without one is read now unless it is large. See :meth:`check_shelf`."""
        entries = self.library.listing(check=False)
        self.reading = not entries and self.library.crowded()
        self.show_shelf(entries if entries or self.reading else self._listing())

    async def check_shelf(self) -> None:
        """Compare the shelf with its files, beside the screen: somebody may have changed them since the index."""
        version, before = self.shelf_version, self.entries
        entries = await asyncio.to_thread(self._listing)
        self.reading = False
        if version == self.shelf_version and entries != before:
            self.show_shelf(entries)
        await asyncio.to_thread(self.library.keep_index)
        await asyncio.to_thread(list, entries)  # whoever searches or sorts by something looks at all of them

    def refresh_shelf(self, renamed: dict[str, str] | None = None) -> None:
        """Read the shelf again, as far as it has changed. The stack follows."""
        self.show_shelf(self._listing(), renamed)

    def _listing(self) -> Listing:
        """Read the library as its files are; if it cannot be read any more it stays as it was seen last."""
        try:
            return self.library.listing()
        except BadInput:
            return self.entries

    def show_shelf(self, entries: Listing, renamed: dict[str, str] | None = None) -> None:
        """Make ``entries`` (brief ones: ``library.whole`` has the rest) the library now."""
        self.entries, self._fits = entries, {}
        self.shelf_version += 1
        self.picks = self.picks.refreshed(self.entries, renamed)
        self.shelf_changed.publish(self.entries)

    def restore_stack(self, saved: Iterable[Any]) -> None:
        """Restore the stack as :meth:`Picks.to_list` left it, as far as its modules are still there."""
        picks = Picks()
        for item in saved:
            entry = self.entries.filed(str(item.get("module"))) if isinstance(item, dict) else None
            if entry is not None and not entry.problem:
                picks = picks.add(entry, float(item.get("strength", 1.0)), bool(item.get("on", True)))
        self.picks = picks

    async def load(self) -> ModelState:
        """Load the model unless it is there. Safe to call from several places at once: the second waits."""
        async with self._loading:
            if self.model.phase != "ready":
                await self._load()
            return self.model

    def want(self, model: str, name: str, context: int | None = None) -> None:
        """Make the next :meth:`load` one of ``model``, called ``name``, with ``context`` tokens (0: the usual)."""
        self.wanted, self.context, self.model = model, context, ModelState(name)

    async def switch(self, model: str, name: str, context: int | None = None) -> ModelState:
        """Load ``model``, shown as ``name`` meanwhile, instead of the one that is there."""
        async with self._loading:
            self.want(model, name, context)
            await self._load()
            return self.model

    @property
    def wanted_context(self) -> int:
        """Tokens of context that the model is loaded with; 0: as many as is usual."""
        return context_of(self.wanted) if self.context is None else self.context

    async def unload(self) -> None:
        """Free the model's memory. The next thing that needs a model loads it again."""
        from kobold_modules.records import Failed
        from kobold_modules.worker.messages import Load

        async with self._loading:
            failed = [record async for record in self.client.run(Load("")) if isinstance(record, Failed)]
            if not failed:
                self.model = ModelState(self.model.name, "unloaded")

    async def _load(self) -> None:
        from kobold_modules.records import Failed, Loaded, Note, Progress
        from kobold_modules.worker.messages import Load

        name = self.model.name
        self.model = ModelState(name, "loading")
        async for record in self.client.run(Load(self.wanted, self.wanted_context)):
            match record:
                case Progress():
                    share = record.done / record.total if record.total else None
                    self.model = ModelState(name, "loading", record.stage, share)
                case Note():
                    self.model = ModelState(name, "loading", record.text)
                case Loaded():
                    self.model = ModelState(record.name or name, "ready", loaded=record)
                case Failed():
                    self.model = ModelState(name, "failed", failed=record)
        if self.model.phase == "loading":
            self.model = ModelState(name, "failed", failed=Failed("The model did not load.", "Try again.", 5))

    def fits(self, entry: Entry) -> bool:
        """Return whether :meth:`fit` has no objection.

        Answers for ten thousand at once: modules of one model share it.
        """
        made_for = entry.card.fingerprint
        key = (id(made_for), entry.width)
        known = self._fitting.get(key)
        if known is None:
            known = self._fitting[key] = made_for, self.fit(entry)[0]  # holds on to what the key is the id of
        return known[1]

    def fit(self, entry: Entry) -> tuple[bool, str, str]:
        """Return whether ``entry`` fits the loaded model, a sentence if there is something to say, and a hint."""
        known = self._fits.get(id(entry))
        if known is None:
            known = self._fits[id(entry)] = entry, self._fit(entry)
        return known[1]

    def _fit(self, entry: Entry) -> tuple[bool, str, str]:
        loaded = self.model.loaded
        if loaded is None or entry.problem:
            return True, "", ""
        from kobold_modules.soft_prompt.stack import check_fit

        try:
            said = check_fit(entry, Fingerprint.from_dict(loaded.fingerprint), loaded.name)
        except WrongModel as error:
            return False, error.message, error.hint
        except (KoboldModulesError, ValueError):
            return True, "", ""
        return True, said or "", ""
