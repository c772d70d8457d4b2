"""What stands beside the story, in a few lines: the beginning of memory and author's note."""

from __future__ import annotations

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
        super().__init__("Memory and note", "notes")
        self.body = Static(markup=False)
        self._shown: tuple[str, str] | None = None

    def compose(self) -> ComposeResult:
        yield self.body

    def show(self, story: Story) -> None:
        """Show those of ``story``."""
        if self._shown == (story.memory, story.note):
            return
        self._shown = (story.memory, story.note)
        if not (story.memory.strip() or story.note.strip()):
            hint = "F6 edits memory and author's note."
            self.body.update(Content.styled(hint, "$foreground-muted"))
            self.set_titles(note="")
            return
        room = LINES * max(20, self.content_size.width or 44)
        parts: list[Content] = []
        for name, text in (("memory ", story.memory), ("note ", story.note)):
            words = " ".join(text.split())
            if words:
                cut = words if len(words) <= room else words[:room].rpartition(" ")[0] + " …"
                parts.append(Content.assemble((name, "$foreground-muted"), cut))
        self.body.update(Content("\n").join(parts))
        self.set_titles(note=counted(len(f"{story.memory} {story.note}".split()), "word"))

    async def on_click(self, event: events.Click) -> None:
        event.stop()
        await self.run_action("screen.notes")
