"""One line about a download, shown while there is one."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from ...state.disk_models import downloading
from ...state.phrases import shortened


class DownloadLine(Static):
    """``⇣ owner/name ████░░ 45 % 1.2 of 2.6 GB``. A click stops it."""

    DEFAULT_CSS = """
    DownloadLine { height: 1; padding: 0 1; display: none; text-wrap: nowrap; text-overflow: ellipsis; }
    """
    ALLOW_SELECT = False
    what = ""

    def begin(self, name: str, kept: bool = True) -> None:
        """Begin a download; ``kept``: what has arrived stays when it is stopped."""
        self.what = name
        self.update(self._line("asking for it …"))
        self.display = True
        self.tooltip = "Click to stop. What has arrived is kept." if kept else "Click to stop."

    def progress(self, stage: str, done: int, total: int, seconds_left: float | None) -> None:
        share = done / total if total else 0.0
        bar = 10 if self.screen.has_class("-narrow") else 20
        filled = round(bar * share)
        said = downloading(done, total, seconds_left) if stage == "downloading" else "checking the file"
        self.update(self._line(f"{'█' * filled}{'░' * (bar - filled)} {share:4.0%}  {said}"))

    def end(self) -> None:
        self.display = False

    def _line(self, said: str) -> Content:
        room = max(12, self.screen.size.width - 64)
        name = shortened(self.what, room)
        return Content.assemble(
            ("⇣ ", "$text-accent"), (name, "bold"), f"  {said}", ("  x stops it", "$foreground-muted")
        )

    async def on_click(self) -> None:
        await self.run_action("screen.stop_download")
