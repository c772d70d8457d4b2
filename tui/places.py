"""The places of the interface: what the tabs at the top say, which key goes there, and where its screen is.

A screen is named by its import path and made when somebody first goes there, so that the library is on the terminal
before anything else is even imported. Each is called with the :class:`~.state.app_state.AppState` alone, unless the app
makes it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast, runtime_checkable

from textual.screen import Screen


if TYPE_CHECKING:
    from .state.app_state import AppState


JUMP = "Show a letter on each panel and field; type one to go there"


class Place(NamedTuple):
    """One tab. ``screen`` is ``module:Class`` under ``screens``."""

    name: str
    key: str
    title: str
    about: str
    screen: str

    def make(self, app_state: AppState) -> Screen[None]:
        """Make its screen. The import happens here."""
        module, _, name = self.screen.partition(":")
        made = getattr(import_module(f".screens.{module}", __package__), name)(app_state)
        return cast("Screen[None]", made)


PLACES: dict[str, Place] = {
    place.name: place
    for place in (
        Place("library", "f2", "Library", "Your modules and their cards", "library.library:LibraryScreen"),
        Place("bench", "f3", "Bench", "Write with the stack", "writing.bench:BenchScreen"),
        Place("train", "f4", "Train", "Make a module from your pages", "training.train:TrainScreen"),
        Place("models", "f5", "Models", "What is on this disk, and what runs", "models.models:ModelsScreen"),
    )
}


@runtime_checkable
class Working(Protocol):
    """A screen with work that quitting should ask about first."""

    @property
    def unfinished_work(self) -> str:
        """A sentence about the work under way and what becomes of it; empty while there is none.

        As ``The training goes on without this window.``
        """
        ...

    def keep_work(self) -> None:
        """Keep what there is to keep, as the app is closing."""
        ...
