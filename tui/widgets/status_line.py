"""One line that says what is going on, and what to do when something went wrong.

It stays where it is instead of popping up: nothing covers the prose. A sentence belongs to its screen and its moment:
it goes after its time, when its screen is left, and when what it says about something is no longer so.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import ClassVar, Literal, NamedTuple

from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget

from kobold_modules.errors import KoboldModulesError


Mood = Literal["calm", "busy", "good", "warning", "error"]
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
MARKS: dict[Mood, str] = {"calm": "·", "busy": SPINNER[0], "good": "✓", "warning": "!", "error": "✗"}
STYLES: dict[Mood, str] = {
    "calm": "$foreground-muted",
    "busy": "$text-accent",
    "good": "$text-success",
    "warning": "$text-warning",
    "error": "$text-error",
}


class Status(NamedTuple):
    """``text`` is a sentence, ``hint`` the next step, ``aside`` stands at the right edge where there is room.

    ``about`` names what the sentence depends on; :meth:`StatusLine.settle` takes it away.
    """

    text: str = ""
    mood: Mood = "calm"
    hint: str = ""
    aside: str = ""
    about: str = ""


class StatusLine(Widget):
    """The current :class:`Status`. Errors wrap over up to three lines, everything else keeps to one.

    Args:
        aside: returns what stands at the right edge; asked with every sentence and by :meth:`refresh_aside`.
    """

    DEFAULT_CSS = """
    StatusLine {
        height: auto;
        min-height: 1;
        max-height: 3;
        padding: 0 1;
    }
    """

    READ: ClassVar[float] = 2.0  # seconds that a sentence stands before the progress of a job takes its place
    LIFE: ClassVar[dict[Mood, float]] = {"calm": 30.0, "good": 30.0, "warning": 90.0, "error": 600.0}  # seconds

    status: reactive[Status] = reactive(Status())
    _turn: reactive[int] = reactive(0)
    _timer: Timer | None = None
    _end: Timer | None = None
    _said_at: float = 0.0  # seconds, of time.monotonic

    def __init__(self, aside: Callable[[], str] | None = None) -> None:
        super().__init__()
        self._aside = aside or (lambda: "")

    def on_mount(self) -> None:
        self._timer = self.set_interval(0.1, self._spin, pause=True)

    def validate_status(self, status: Status) -> Status:
        if not (status.text or status.hint):
            return status
        from ..state.hints import here

        return status._replace(text=here(status.text), hint=here(status.hint))

    def say(self, text: str, mood: Mood = "calm", hint: str = "", about: str = "") -> None:
        """Show a sentence instead of the one that is there; see :class:`Status`."""
        self._said_at = monotonic()
        self.status = Status(text, mood, hint, self._aside(), about)

    def progress(self, text: str, hint: str = "") -> None:
        """Say how far the job is that goes on.

        It comes many times a second, so it gives way to a sentence that came meanwhile, as the answer to a key or a
        warning of the job itself, until that could be read.
        """
        if not self.status.text or self.status.mood == "busy" or monotonic() - self._said_at > self.READ:
            self.say(text, "busy", hint)

    def say_error(self, error: Exception) -> None:
        """Show what went wrong, and what to do about it where that is known."""
        if isinstance(error, KoboldModulesError):
            self.say(error.message, "error", error.hint)
        elif isinstance(error, OSError) and error.filename:
            self.say(f"{error.strerror or error}: {error.filename}", "error")
        else:
            self.say(f"{error}.", "error")

    def refresh_aside(self) -> None:
        """Bring what stands at the right edge up to date."""
        self.status = self.status._replace(aside=self._aside())

    def settle(self, about: str) -> None:
        """Take the sentence away if it is about ``about``, which has changed."""
        if self.status.about == about:
            self._clear()

    def leave(self) -> None:
        """Drop passing messages when the screen is left: they are not news any more when somebody comes back."""
        if self.status.mood not in ("busy", "error"):
            self._clear()

    def _clear(self) -> None:
        self.status = Status(aside=self.status.aside)

    def watch_status(self, before: Status, status: Status) -> None:
        if before._replace(aside="") != status._replace(aside=""):
            if self._end is not None:
                self._end.stop()
            life = self.LIFE.get(status.mood) if status.text else None
            self._end = self.set_timer(life, self._clear) if life is not None and self.is_attached else None
        if len(before.text + before.hint) != len(status.text + status.hint):
            self.refresh(layout=max(len(s.text + s.hint) for s in (before, status)) > self.size.width - 4)
        if self._timer is not None:
            (self._timer.resume if status.mood == "busy" else self._timer.pause)()

    def _spin(self) -> None:
        self._turn += 1

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the height of what is said, for other lines make room. It asks for no size, so layout runs once."""
        return self._said().get_height(self.styles.get_rules(), width) if width else 0

    def render(self) -> Content:
        said, aside = self._said(), self.status.aside
        room = self.size.width - said.cell_length - len(aside)
        if aside and room > 1:
            said = Content.assemble(said, " " * room, (aside, "$foreground-muted"))
        return said

    def _said(self) -> Content:
        status = self.status
        if not status.text:
            return Content()  # what stands aside needs no mark
        mark = SPINNER[self._turn % len(SPINNER)] if status.mood == "busy" else MARKS[status.mood]
        style = STYLES[status.mood]
        return Content.assemble(
            (f"{mark} ", style),
            (status.text, style if status.mood in ("warning", "error") else "$foreground"),
            (f" {status.hint}" if status.hint else "", "$foreground-muted"),
        )
