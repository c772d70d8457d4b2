"""Reading texts for the preview, in a process of its own: cleaning a long novel must not hold up a key."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from kobold_modules.corpus.preview import Preview, Problem
from kobold_modules.worker.client import child_environment, default_command


MODULE = "kobold_modules.corpus.previewing"
LONGEST = 64 * 2**20


async def read_preview(files: Sequence[str], speakers: Sequence[str] = (), keep: Sequence[str] = ()) -> Preview:
    """Return what a training on ``files`` would read, of chats the lines of ``speakers`` only, the rules ``keep`` off.

    Cancelling ends the process; no text makes it raise.
    """
    if not files:
        return Preview()
    chosen = [*(f"--speaker={name}" for name in speakers), *(f"--keep={name}" for name in keep)]
    command = [*default_command()[:-1], MODULE, *chosen, *files]
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=child_environment(),
            limit=LONGEST,
            start_new_session=True,
        )
    except OSError as error:
        return Preview(problems=(Problem(files[0], f"The texts cannot be read now: {error}.", "Try again."),))
    try:
        output, _ = await process.communicate()
        return Preview.from_json(output)
    except ValueError:
        sentence = "The process that reads texts ended without an answer."
        return Preview(problems=(Problem(files[0], sentence, "Choose fewer or smaller files, or try again."),))
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
