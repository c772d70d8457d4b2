"""What stands beside the story, in a few lines: the beginning of memory and author's note, and its lorebooks."""

from __future__ import annotations

from pathlib import Path

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from kobold_modules.stories.story import Story

from ...state.phrases import counted
from ..panel import Panel


LINES = 3


class NotesPanel(Panel):
    """Shows, changes nothing: a click opens both for writing."""

    DEFAULT_CSS = """
    NotesPanel { height: auto; }
    NotesPanel > Static { height: auto; }
    """

    def __init__(self) -> None:
        super().__init__("Memory, note, lore", "notes")
        self.body = Static(markup=False)
        self._shown: tuple[str, ...] | None = None

    def compose(self) -> ComposeResult:
        yield self.body

    def show(self, story: Story) -> None:
        """Show those of ``story``."""
        shown = (story.memory, story.note, *story.lorebooks)
        if self._shown == shown:
            return
        self._shown = shown
        lore = ", ".join(Path(name).name for name in story.lorebooks)
        if not (story.memory.strip() or story.note.strip() or lore):
            hint = "F6 edits memory, note and lorebooks."
            self.body.update(Content.styled(hint, "$foreground-muted"))
            self.set_titles(note="")
            return
        room = LINES * max(20, self.content_size.width or 44)
        parts: list[Content] = []
        for name, text in (("memory ", story.memory), ("note ", story.note), ("lore ", lore)):
            words = " ".join(text.split())
            if words:
                cut = words if len(words) <= room else words[:room].rpartition(" ")[0] + " …"
                parts.append(Content.assemble((name, "$foreground-muted"), cut))
        self.body.update(Content("\n").join(parts))
        count = len(f"{story.memory} {story.note}".split())
        self.set_titles(note=counted(count, "word") if count else "")

    async def on_click(self, event: events.Click) -> None:
        event.stop()
        await self.run_action("screen.notes")
