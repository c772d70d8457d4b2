"""One line about the server, shown while there is one."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from kobold_modules.records import Serving

from ...state.phrases import counted, shortened


class ServingLine(Static):
    """``⇆ http://127.0.0.1:5001  2 clients, 31 tokens per second  v stops it  starter``. A click stops the server."""

    DEFAULT_CSS = """
    ServingLine { height: 1; padding: 0 1; display: none; text-wrap: nowrap; text-overflow: ellipsis; }
    """
    ALLOW_SELECT = False

    def begin(self, model: str) -> None:
        """Show that a server for ``model`` is on its way."""
        self.update(self._line(f"loading {model} to serve it …"))
        self.display = True
        self.tooltip = "Click to stop serving."

    def show(self, now: Serving) -> None:
        """Show what the server does."""
        with_stack = f" with {shortened(now.stack, 24)}" if now.stack else ""
        waiting = f", {now.waiting:,} waiting" if now.waiting else ""
        does = f"{counted(now.clients, 'client')}{waiting}, {now.tokens_per_second:.0f} tokens per second"
        self.update(self._line(Content.assemble((now.address, "bold"), f"  {does}"), f"{now.model}{with_stack}"))

    def end(self) -> None:
        """Show nothing."""
        self.display = False

    def _line(self, said: str | Content, what: str = "") -> Content:
        """Say first what changes, for a narrow screen cuts the end off."""
        return Content.assemble(("⇆ ", "$text-accent"), said, (f"  v stops it  {what}".rstrip(), "$foreground-muted"))

    async def on_click(self) -> None:
        await self.run_action("screen.stop_serving")
