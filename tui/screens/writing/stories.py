"""The stories there are: open one, begin one, throw one away and think better of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from kobold_modules.errors import KoboldModulesError
from kobold_modules.stories.shelf import Shelved, remove, stories

from ...dialogs.dialog import Dialog
from ...state.hints import here
from ...state.phrases import counted, shortened
from ...widgets.plain_list import moving
from ...writing.manuscript import NAME


NEW = Path()
WORDS, WHEN = 14, 18
MOST_ROWS = 16


class StoryList(OptionList, inherit_bindings=False):
    """The stories, the latest first."""

    HELP = """\
    ## Stories

    **enter** opens the one under the cursor; the story on the bench is saved first. **n** starts a new one, **del**
    moves one to the trash and **u** restores it.
    """
    BINDINGS: ClassVar[list[BindingType]] = moving()
    DEFAULT_CSS = """
    StoryList {
        border: none;
        padding: 0;
        height: auto;
        max-height: 16;
        background: transparent;
        &:focus { border: none; background-tint: $foreground 0%; }
        &:ansi:focus > .option-list--option-highlighted { text-style: reverse; }
    }
    """


class StoriesScreen(Dialog[Path | None]):
    """Dismisses with the story to open, NEW for a new one, or None. ``here`` is the one on the bench."""

    AUTO_FOCUS = "StoryList"
    BINDING_GROUP_TITLE = "Stories"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="stories.leave", tooltip="Go back to the bench"),
        Binding("n", "new", "New story", id="stories.new", tooltip="Start a new story"),
        Binding(
            "delete,d",
            "remove",
            "Delete",
            id="stories.delete",
            tooltip="Move the story to the trash",
            key_display="del",
        ),
        Binding("u", "bring_back", "Restore", id="stories.undo", tooltip="Restore the story deleted last"),
    ]

    def __init__(self, here: Path, list_stories: Callable[[], list[Shelved]] = stories) -> None:
        super().__init__()
        self.here = here
        self._list = list_stories
        self.found: list[Shelved] = []
        self._removed: list[tuple[Path, Path]] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="question") as box:
            box.border_title = "Stories"
            box.border_subtitle = "enter opens  n new  del deletes  esc closes"
            yield StoryList()
            yield Static(classes="problem")

    def on_mount(self) -> None:
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        self.found = self._list()
        rows = self.query_one(StoryList)
        width = max(30, self.query_one(".question").content_region.width - 1)
        at = rows.highlighted or 0
        rows.set_options([Option(self._row(story, width)) for story in self.found])
        rows.highlighted = min(at, len(self.found) - 1) if self.found else None
        rows.styles.height = min(MOST_ROWS, max(1, len(self.found)))
        if not self.found:
            self._say("There are no other stories yet.")

    def _row(self, story: Shelved, width: int) -> Content:
        room = width - WORDS - WHEN - 2
        mark = "●" if story.path == self.here else "✗" if story.problem else " "
        about = "cannot be read" if story.problem else counted(story.words, "word")
        when = f"{datetime.fromtimestamp(story.modified):%d %b %Y %H:%M}"
        title = "Untitled" if story.title == Path(NAME).stem else story.title
        return Content.assemble(
            f"{mark} {shortened(title, room - 1):{room}}",
            (f"{about:>{WORDS}}{when:>{WHEN}}", "$foreground-muted"),
        )

    def _say(self, text: str) -> None:
        self.query_one(".problem", Static).update(Content(text))

    @property
    def _chosen(self) -> Shelved | None:
        at = self.query_one(StoryList).highlighted
        return self.found[at] if at is not None and at < len(self.found) else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        story = self._chosen
        if story is not None and story.problem:
            self._say(f"✗ {story.problem}")
        elif story is not None:
            self.dismiss(story.path)

    def action_new(self) -> None:
        self.dismiss(NEW)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_remove(self) -> None:
        story = self._chosen
        if story is None:
            return
        if story.path == self.here:
            self._say("✗ This story is open on the bench. Open another one first.")
            return
        try:
            self._removed.append((story.path, remove(story.path)))
        except KoboldModulesError as error:
            self._say(here(f"✗ {error.message} {error.hint}".rstrip()))
            return
        self._show()
        self._say(f"{story.title} was moved to the trash; u restores it.")

    def action_bring_back(self) -> None:
        if not self._removed:
            self._say("Nothing has been deleted since the program started.")
            return
        before, now = self._removed.pop()
        try:
            now.replace(before)
        except OSError as error:
            self._say(f"✗ {error.strerror}: {before.name}")
            return
        self._show()
        self._say(f"{before.stem} was restored.")
