"""Serving: ``kobold-modules serve`` as a child process, so that other programs write with a model of this list.

The server has a model of its own in memory, beside the one of the bench. It says once a second what it does; what
becomes of it is said here, and it ends with this program.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from textual.screen import Screen

from kobold_modules import records
from kobold_modules.byte_size import byte_size
from kobold_modules.errors import BadUsage
from kobold_modules.exit_status import explain
from kobold_modules.records import Failed
from kobold_modules.worker.client import child_environment, default_command
from kobold_modules.worker.log import open_log

from ...dialogs.ask import Ask
from ...state.app_state import AppState
from ...state.background import run_in_background
from ...state.disk_models import DiskModel
from ...widgets.models.serving_line import ServingLine
from ...widgets.status_line import StatusLine


PORT = 5001  # koboldcpp's
PATIENCE = 3.0  # seconds that a server may take to end in order


def server_command() -> list[str]:
    """Return the command line of this Python's own server, without its options."""
    return [*default_command()[:-1], "kobold_modules", "serve", "--json"]


class ModelServer:
    """The server, if there is one.

    Args:
        screen: runs it beside itself, and asks for the port.
        app_state: whose stack is served to who names none.
        status, line: where it is said how that goes.
    """

    def __init__(self, screen: Screen[None], app_state: AppState, status: StatusLine, line: ServingLine) -> None:
        self.screen, self.app_state, self.status, self.line = screen, app_state, status, line
        self.command = server_command()
        self.now: records.Serving | None = None  # what it said last
        self._process: asyncio.subprocess.Process | None = None
        self._starting = self._ending = False

    @property
    def running(self) -> bool:
        """Whether there is a server, or one on its way."""
        return self._starting or self._process is not None

    def switch(self, model: DiskModel | None) -> None:
        """Stop the server; without one, ask for the port and serve ``model``."""
        if self.running:
            self.stop()
        elif model is not None:
            self._ask(model)

    def _ask(self, model: DiskModel) -> None:
        if model.problem or Path(model.path).suffix.lower() != ".gguf":
            why = model.problem or "Serving takes a GGUF file."
            self.status.say(f"{model.name} cannot be served. {why}", "error")
            return
        if model.write is not None and model.write.can == "no":
            self.status.say(f"{model.name} cannot be served. {model.write.sentence}", "error")
            return
        needs = f" It takes {byte_size(model.write.needs)} of memory of its own." if model.write is not None else ""
        label = f"with {self.app_state.stack.label}" if self.app_state.stack.active else "without a module"
        explanation = (
            f"KoboldAI Lite, SillyTavern and other programs on this machine can then write with {model.name}, {label} "
            f"unless they ask for another stack.{needs} The port to listen at:"
        )
        ask = Ask(f"Serve {model.name}", explanation, _port, value=str(PORT))
        self.screen.app.push_screen(ask, lambda port: self._begin(model, port) if isinstance(port, int) else None)

    def _begin(self, model: DiskModel, port: int) -> None:
        self._starting, self._ending = True, False
        self.line.begin(model.name)
        self.status.say(f"Loading {model.name} to serve it …", "busy")
        options = ["--model", model.model, "--port", str(port)]
        for layer in self.app_state.stack.active:
            options += ["--module", f"{layer.module.path}:{layer.strength:g}"]
        run_in_background(self.screen, partial(self._serve, model.name, options), "serve", exclusive=True)

    async def _serve(self, name: str, options: Sequence[str]) -> None:
        failed: Failed | None = None
        log = open_log()
        try:
            process = self._process = await asyncio.create_subprocess_exec(
                *self.command,
                *options,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=child_environment(),
                start_new_session=True,
            )
        except OSError as error:
            failed = Failed(f"The server could not be started: {error}.", "", 5)
        finally:
            os.close(log)
            self._starting = False
        if failed is None:
            try:
                failed = await self._listen(process)
                await process.wait()
            finally:
                self._process, status = None, process.returncode
            failed = failed or (explain(status, "model", again="v serves it again.") if status else None)
        self.now = None
        if not self.screen.is_attached:
            return
        self.line.end()
        if self._ending:
            self.status.say(f"{name} is no longer served.", "good")
        elif failed is not None:
            self.status.say(f"The server ended. {failed.message}", "error", failed.hint)
        else:
            self.status.say("The server ended.", "warning", "v serves it again.")

    async def _listen(self, process: asyncio.subprocess.Process) -> Failed | None:
        """Show what the server says until it says no more. Return what it failed with, where it says so."""
        assert process.stdout is not None
        failed: Failed | None = None
        while line := await process.stdout.readline():
            try:
                record = records.from_json(line)
            except ValueError:  # a newer version's record
                continue
            if isinstance(record, records.Serving):
                if self.now is None and not self._ending:
                    said = f"{record.model} is served at {record.address}."
                    self.status.say(said, "good", "Open it in a browser to see how programs connect.")
                self.now = record
                self.line.show(record)
            elif isinstance(record, Failed):
                failed = record
        return failed

    def stop(self) -> None:
        """Stop the server in order."""
        if self.running:
            self.status.say("Stopping the server …", "busy")
            self.end()
            run_in_background(self.screen, self.close, "serve-stop")

    def end(self) -> None:
        """Ask the server to end, and do not wait."""
        self._ending = True
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    async def close(self) -> None:
        """End the server, politely then firmly."""
        self.end()
        process = self._process
        if process is None:
            return
        try:
            await asyncio.wait_for(process.wait(), PATIENCE)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    @property
    def unfinished_work(self) -> str:
        """Return what quitting should ask about first: somebody writes through the server."""
        if self.now is None or not (self.now.clients or self.now.writing):
            return ""
        return f"Another program writes through {self.now.address}; it is cut off if you quit."


def _port(answer: str) -> int:
    if not answer.isdecimal() or not 1 <= int(answer) <= 65535:
        raise BadUsage(f"{answer} is no port.", "Give a number from 1 to 65,535; 5001 is koboldcpp's.")
    return int(answer)
