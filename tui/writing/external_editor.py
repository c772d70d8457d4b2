"""A text in the writer's own editor: $VISUAL or $EDITOR on the same terminal, while ours steps back."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from kobold_modules.errors import BadUsage


USUAL = ("nano", "vim", "vi", "micro", "emacs")


def editor_command() -> list[str]:
    """Return the command to run. Raises BadUsage if there is no editor here."""
    said = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        command = shlex.split(said)
    except ValueError as error:
        raise BadUsage(f"$EDITOR is not a valid command: {said}.", "Set it to a command, such as nano.") from error
    if not command:
        command = [found for name in USUAL if (found := shutil.which(name))][:1]
    if not command or shutil.which(command[0]) is None:
        named = f"The editor {command[0]} was not found." if command else "No text editor was found."
        raise BadUsage(named, "Set $EDITOR to an editor that is installed.")
    return command


def edited(text: str, name: str = "story") -> str:
    """Return ``text`` as it comes back from the editor. The terminal must be free. Raises BadUsage, OSError.

    An editor that ends with an error gives the text back as it was, as vim's ``:cq`` is meant to.
    """
    command = editor_command()
    with tempfile.TemporaryDirectory(prefix="kobold-modules-") as folder:
        file = Path(folder) / f"{name}.txt"
        # What a UTF-8 file cannot hold (half a surrogate pair) would be lost to the editor, not to the story.
        file.write_text(text, encoding="utf-8", errors="replace", newline="\n")
        before = file.read_bytes()
        if subprocess.run([*command, str(file)], check=False).returncode != 0:
            return text
        after = file.read_bytes()
    if after == before:
        return text
    back = after.decode("utf-8", "replace").replace("\r\n", "\n")
    # Editors end the last line whether it was ended or not; a story goes on in the middle of one.
    return back[:-1] if back.endswith("\n") and not text.endswith("\n") else back
