"""What the command palette offers: every action of the screen one is on, and every module by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.screen import Screen

from .places import JUMP, PLACES
from .state.app_state import AppState
from .state.entry_stack import STEP
from .state.phrases import counted, short_effect
from .state.plain import highlighted, plain


if TYPE_CHECKING:
    from .state.app_state import AppServices

Commands = Iterator[tuple[str, str, Callable[[], Awaitable[object] | None]]]


def screen_commands(screen: Screen[object]) -> Commands:
    """Return every key of ``screen`` and of what stands on it, by its name: what has a key is in the palette, always.

    Keys marked as ``system`` are left out: arrows explain themselves. So are keys of what is not on show.
    """
    seen: set[str] = set()
    for node in (screen, *(widget for widget in screen.query("*") if widget.display)):
        for binding in node.BINDINGS:
            if not isinstance(binding, Binding) or not binding.id or binding.id in seen or binding.system:
                continue
            seen.add(binding.id)
            first = next(iter(Binding.make_bindings([binding])))
            key = cast("AppServices", screen.app).key_of(binding.id, first.key, binding.key_display)
            yield binding.description, f"{binding.tooltip} ({key})", partial(node.run_action, binding.action)


def all_commands(screen: Screen[object]) -> Commands:
    """Return what the palette offers on ``screen``: its keys, the places, and what can be done everywhere."""
    yield from screen_commands(screen)
    app = screen.app
    key_of = cast("AppServices", app).key_of
    for place in PLACES.values():
        key = key_of(f"app.{place.name}", place.key)
        yield place.title, f"{place.about} ({key})", partial(app.run_action, f"go('{place.name}')")
    everywhere = (
        ("jump", "ctrl+o", "Jump", JUMP),
        ("help", "f1", "Help", "Show help and keys for this screen"),
        ("quit", "ctrl+q", "Quit", "Save the story and close the program"),
    )
    for action, usual, title, about in everywhere:
        yield title, f"{about} ({key_of(f'app.{action}', usual)})", partial(app.run_action, action)


def stack_commands(app_state: AppState) -> Commands:
    """Return everything that can be done to the modules of the stack, by name."""

    def switch(index: int, on: bool) -> None:
        app_state.stack = app_state.stack.change(index, on=on)

    def strengthen(index: int, by: float) -> None:
        app_state.stack = app_state.stack.strengthen(index, by)

    def move(index: int, by: int) -> None:
        app_state.stack = app_state.stack.move(index, by)

    def take_out(index: int) -> None:
        app_state.stack = app_state.stack.remove(index)

    for index, layer in enumerate(app_state.stack.layers):
        name = layer.module.name
        yield f"Remove {name}", "Take this module off the stack", partial(take_out, index)
        switched = "off" if layer.on else "on"
        yield f"Switch {name} {switched}", "It keeps its place on the stack", partial(switch, index, not layer.on)
        yield f"{name} stronger", f"Raise its strength, now {layer.strength:.2f}", partial(strengthen, index, STEP)
        yield f"{name} weaker", f"Lower its strength, now {layer.strength:.2f}", partial(strengthen, index, -STEP)
        if len(app_state.stack.layers) > 1:
            yield f"{name} earlier", "Move it towards the front of the stack", partial(move, index, -1)
            yield f"{name} later", "Move it towards the end of the stack", partial(move, index, 1)


def shelf_commands(app_state: AppState) -> Commands:
    """Return every module that can still join the stack."""

    def add(slug: str) -> None:
        entry = app_state.entries.filed(slug)
        if entry is not None:
            app_state.stack = app_state.stack.add(entry)

    for entry in app_state.entries:
        if not entry.problem and app_state.stack.index(entry) is None:
            about = f"{entry.card.kind}, {counted(entry.tokens, 'virtual token')}, {short_effect(entry.card)}"
            yield entry.name, about, partial(add, entry.slug)


class ModuleCommands(Provider):
    """Modules in the palette: those of the stack with what can be done to them, the others to be added."""

    def _all(self) -> Commands:
        app_state = cast("AppServices", self.app).app_state
        yield from stack_commands(app_state)
        for name, about, run in shelf_commands(app_state):
            yield f"Add {name}", about, run

    async def discover(self) -> Hits:
        for title, about, run in self._all():
            yield DiscoveryHit(plain(title), run, title, about)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for title, about, run in self._all():
            if (score := matcher.match(title)) > 0:
                yield Hit(score, highlighted(matcher, title), run, title, about)
