"""Downloads of models, one after another, in a worker of their own: they go on wherever one is in the program."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from textual.screen import Screen

from kobold_modules.errors import BadUsage
from kobold_modules.models.hub.repo_id import HubId, parse_hub_id
from kobold_modules.models.smollm2 import NAME as SMOLLM2
from kobold_modules.records import Done, Failed, Note, Progress, Saved
from kobold_modules.worker.client import Client
from kobold_modules.worker.messages import Download

from ...dialogs.ask import Ask
from ...state.background import run_in_background
from ...widgets.models.download_line import DownloadLine
from ...widgets.status_line import StatusLine


EXAMPLES = "owner/name, owner/name:Q4_K_M or owner/name/file.gguf"


class Downloads:
    """What is being fetched, and what is fetched after it.

    Args:
        screen: runs the downloads beside itself, and asks what to fetch.
        client: the worker that fetches, and nothing else.
        status, line: where it is said how that goes.
        changed: called when something begins or ends.
        fetched: called with the path of a model that is there.
    """

    def __init__(
        self,
        screen: Screen[None],
        client: Client,
        status: StatusLine,
        line: DownloadLine,
        changed: Callable[[], None],
        fetched: Callable[[str], None],
    ) -> None:
        self.screen, self.client, self.status, self.line = screen, client, status, line
        self.changed, self.fetched = changed, fetched
        self.current: str | None = None
        self._queue: deque[str] = deque()

    def coming(self, model: str) -> bool:
        """Return whether ``model`` is being fetched, or will be."""
        return self.current == model or model in self._queue

    @property
    def unfinished_work(self) -> str:
        """Return a sentence about the download that is under way, or nothing."""
        if self.current is None:
            return ""
        kept = "" if self.current == SMOLLM2 else " What has arrived is kept, and the same download resumes from there."
        return f"{self.current} is being downloaded.{kept}"

    def ask(self) -> None:
        """Ask for a name on Hugging Face, and fetch that."""

        def parse(answer: str) -> HubId:
            hub = parse_hub_id(answer)
            if hub is None:
                raise BadUsage(f"{answer} is not the name of a model on Hugging Face.", f"Write it like {EXAMPLES}.")
            return hub

        def done(hub: object) -> None:
            if isinstance(hub, HubId):
                self.add(str(hub))

        about = f"Name on huggingface.co: {EXAMPLES}. You can also paste its address."
        self.screen.app.push_screen(Ask("Download model", about, parse, placeholder="owner/name:Q4_K_M"), done)

    def add(self, model: str) -> None:
        """Fetch ``model`` after those that are being fetched."""
        self._queue.append(model)
        if self.current is None:
            run_in_background(self.screen, self._fetch, "fetch")
        else:
            self.status.say(f"{model} is fetched after {self.current}.")
        self.changed()

    async def _fetch(self) -> None:
        while self._queue:
            self.current = hub = self._queue.popleft()
            self.changed()
            self.line.begin(hub, kept=hub != SMOLLM2)
            self.status.say(f"Downloading {hub}.", "calm", "You can write meanwhile.")
            saved = ""
            async for record in self.client.run(Download(hub)):
                match record:
                    case Progress():
                        self.line.progress(record.stage, record.done, record.total, record.seconds_left)
                    case Note():
                        self.status.say(record.text, "calm")
                    case Saved():
                        saved = record.path
                    case Failed():
                        self.status.say(record.message, "error", record.hint)
                    case Done() if saved:
                        self.status.say(f"{hub} was downloaded.", "good", "enter loads it.")
            self.current = None
            self.line.end()
            self.changed()
            if saved:
                self.fetched(saved)

    def stop(self) -> None:
        """Stop the download and forget those behind it; what has arrived is kept."""
        self.cancel()
        self.status.say("Stopping the download …", "busy")

    def cancel(self) -> None:
        """Stop without a word, for the program ends."""
        self._queue.clear()
        self.client.cancel()
