"""Output that any terminal or pipe can take, whatever its encoding: a Windows code page, Latin-1, the C locale.

A character that the encoding lacks is written as the nearest plain one ("..." for an ellipsis, e for é), else as a
question mark; a byte of a file name that is no text as its hexadecimal escape. Nothing that a person or a model writes
may end the program.
"""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata


_NAME = "kobold_modules.plain"
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‘’‚‛‹›′", "'"),
        **dict.fromkeys("–‐‑‒−─━┄", "-"),
        **dict.fromkeys("│┃", "|"),
        **dict.fromkeys("┼╋├┤┬┴┌┐└┘", "+"),
        **dict.fromkeys("█▉▊▋▌▓", "#"),
        **dict.fromkeys("▍▎▏░·•∙", "."),
        "—": "--",
        "…": "...",
        "→": "->",
        "←": "<-",
        "×": "x",
        "␣": "_",
        "␤": "\\n",
        "\u00a0": " ",
        "ß": "ss",
        "æ": "ae",
        "Æ": "AE",
        "œ": "oe",
        "Œ": "OE",
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "ı": "i",
        "✓": "+",
        "✗": "x",
    }
)


_CONTROLS = {code: "·" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


def plain(text: str) -> str:
    """Return ``text`` in ASCII, as near to it as can be."""
    found = []
    for character in text.translate(_PLAIN):
        if 0xDC80 <= ord(character) <= 0xDCFF:  # a byte of a file name that is no text
            found.append(f"\\x{ord(character) - 0xDC00:02x}")
        else:
            bare = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
            found.append(bare or ("" if unicodedata.category(character) == "Mn" else "?"))
    return "".join(found)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return plain(error.object[error.start : error.end]), error.end


def take_any_text() -> None:
    """Let stdout and stderr take any text from now on."""
    codecs.register_error(_NAME, _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_NAME)


def shown(text: str) -> str:
    """Return ``text`` as it may go to stdout: on a terminal without control characters, which could do anything."""
    if not sys.stdout.isatty():
        return text
    return text.translate(_CONTROLS)


def json_line(text: str) -> str:
    """Return ``text``, one JSON object, as stdout is to have it: unchanged in UTF-8, ASCII in any other encoding."""
    try:
        if codecs.lookup(getattr(sys.stdout, "encoding", None) or "utf-8").name == "utf-8":
            text.encode("utf-8")
            return text
    except (UnicodeEncodeError, LookupError):
        pass
    import json

    return json.dumps(json.loads(text))
