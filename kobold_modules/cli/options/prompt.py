"""The text to continue, as a command gets it: typed, in a file of any old encoding, or through a pipe."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ...errors import BadText, BadUsage
from ...stories.file import without_last_break


MOST_BYTES = 1 << 26


def prompted(arguments: argparse.Namespace) -> bool:
    """Return whether any of the prompt's options was given."""
    return arguments.prompt is not None or arguments.prompt_file is not None or arguments.stdin == "-"


def read_prompt(arguments: argparse.Namespace) -> str:
    """Return the text to continue, from --prompt, a file or stdin.

    The line break at the end of a file is its end and no new paragraph, so it is left away; an empty line stays. Raises
    BadText if it cannot be read, BadUsage if there is none.
    """
    if arguments.prompt is not None:
        return str(arguments.prompt)
    if arguments.stdin == "-" or arguments.prompt_file == "-":
        stream = getattr(sys.stdin, "buffer", None)
        data = stream.read(MOST_BYTES + 1) if stream is not None else sys.stdin.read().encode()
        return _text(data, "The prompt on stdin")
    if arguments.prompt_file is not None:
        path = Path(arguments.prompt_file)
        try:
            with path.open("rb") as file:
                return _text(file.read(MOST_BYTES + 1), path.name)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise BadText(f"The prompt {path} cannot be read: {reason}.") from error
    raise BadUsage(
        "There is nothing to continue.", "Give --prompt TEXT, --prompt-file FILE, or - and pipe the text in."
    )


def _text(data: bytes, name: str) -> str:
    from ...corpus.decode import decode

    if len(data) > MOST_BYTES:
        raise BadText(f"{name} is larger than any text ({MOST_BYTES // 2**20} MB are the most).")
    return without_last_break(decode(data, name).text)
