"""What the screens share: the loaded model, the stack in use and the shelf, with no widget in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from textual.dom import DOMNode
from textual.signal import Signal

from kobold_modules.errors import BadInput, KoboldModulesError, WrongModel
from kobold_modules.library.library import Entry, Library
from kobold_modules.library.listing import Listing
from kobold_modules.library.slug import key_of
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.layer import Layer

from .entry_stack import EntryStack
from .remembered import context_of


if TYPE_CHECKING:
    from kobold_modules.records import Failed, Loaded
    from kobold_modules.worker.client import Client


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
        self.stack_changed: Signal[EntryStack] = Signal(owner, "stack")
        self.model_changed: Signal[ModelState] = Signal(owner, "model")
        self.shelf_changed: Signal[Listing] = Signal(owner, "shelf")
        self.entries = Listing.of(())
        self.shelf_version = 0
        self.reading = False  # whether a large shelf is being read for the first time
        self._fitting: dict[tuple[int, int], tuple[Fingerprint | None, bool]] = {}
        self._fits: dict[int, tuple[Entry, tuple[bool, str, str]]] = {}  # by the id of the entry it holds on to
        self._stack = EntryStack()
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
    def stack(self) -> EntryStack:
        return self._stack

    @stack.setter
    def stack(self, stack: EntryStack) -> None:
        if stack != self._stack:
            self._stack = stack
            self.stack_changed.publish(stack)

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
        self.stack = self.stack.refreshed(self.entries, renamed)
        self.shelf_changed.publish(self.entries)

    def has_module(self, name: str) -> bool:
        """Return whether a module on the shelf has that name; case does not matter."""
        key = key_of(name)
        return any(key_of(entry.name) == key for entry in self.entries)

    def add_named(self, wanted: str) -> bool:
        """Put the module of that name, or filed under that slug, on the stack. Return whether it can be used."""
        entry = self._named(wanted)
        if entry is None:
            self.refresh_shelf()  # newer than the index
            entry = self._named(wanted)
        if entry is None or entry.problem:
            return False
        if self.stack.index(entry) is None:
            self.stack = self.stack.add(entry)
        return True

    def _named(self, wanted: str) -> Entry | None:
        return next((entry for entry in self.entries if wanted in (entry.slug, entry.name)), None)

    def restore_stack(self, kept: Iterable[Layer[str]]) -> None:
        """Put the stack that a story kept into use, as far as its modules are still there."""
        self.stack = EntryStack.from_slugs(kept, self.entries)

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
