"""Reading texts for the preview, in a process of its own: cleaning a long novel must not hold up a key."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Sequence

from kobold_modules.corpus.lore_preview import LorePreview
from kobold_modules.corpus.preview import Preview, Problem
from kobold_modules.worker.client import child_environment, default_command


MODULE = "kobold_modules.corpus.previewing"
LORE_MODULE = "kobold_modules.self_study.previewing"


async def read_preview(files: Sequence[str], speakers: Sequence[str] = (), keep: Sequence[str] = ()) -> Preview:
    """Return what a training on ``files`` would read, of chats the lines of ``speakers`` only, the rules ``keep`` off.

    Cancelling ends the process; no text makes it raise.
    """
    if not files:
        return Preview()
    chosen = [*(f"--speaker={name}" for name in speakers), *(f"--keep={name}" for name in keep)]
    try:
        return Preview.from_json(await _output(MODULE, [*chosen, *files]))
    except OSError as error:
        return Preview(problems=(Problem(files[0], f"The texts cannot be read now: {error}.", "Try again."),))
    except ValueError:
        sentence = "The process that reads texts ended without an answer."
        return Preview(problems=(Problem(files[0], sentence, "Choose fewer or smaller files, or try again."),))


async def read_lore_preview(files: Sequence[str]) -> LorePreview:
    """Return the entries of lore in ``files`` and a few of the questions a world module would be asked.

    Cancelling ends the process; no file makes it raise.
    """
    if not files:
        return LorePreview()
    try:
        return LorePreview.from_json(await _output(LORE_MODULE, files))
    except OSError as error:
        return LorePreview(problem=f"The lore cannot be read now: {error}.")
    except ValueError:
        return LorePreview(problem="The process that reads lore ended without an answer.")


async def _output(module: str, arguments: Sequence[str]) -> bytes:
    """Return what ``python -m module`` prints. Raises OSError where it cannot be started.

    A thread waits for the process, and not this loop: a program that quits cancels what it runs twice, the second time
    while the first is being heeded, and ends its loop before a process that was killed is known to be gone.
    """
    process = subprocess.Popen(
        [*default_command()[:-1], module, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
        start_new_session=True,
    )
    try:
        output, _ = await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, process.communicate))
        return output
    finally:
        process.kill()  # nothing, where it has ended
