"""Hints of the layers below, in the interface's own terms.

A sentence that fits the command line (``Leave out --weights 4-bit``, ``kobold-modules models lists those``) does not
help somebody who sits before a form. What it names is named here by its key or its field.
"""

from __future__ import annotations

import re
from collections.abc import Callable


FORM = "under More settings"
FIELDS = "tokens|minutes|steps|seed|rate|row|batch|start|method|weights|device"
VALUE = r"[\w.-]*[\w]|'[^']*'"
Change = str | Callable[[re.Match[str]], str]


def _set(match: re.Match[str]) -> str:
    verb = "Set" if match[1][:1].isupper() else "set"
    return f"{verb} {match[2]} to {match[3]}{match[4] or ''} {FORM}"


CHANGES: tuple[tuple[str, Change], ...] = (
    (r"Models are given with --model;", "Models are loaded on F5;"),
    (r"`?kobold-modules models --get smollm2`?", "g on F5"),
    (r"`kobold-modules models --(?:download|get) ([^`]+)` [^.;]*", r"to download it, press F5, then d, and type \1"),
    (r"`kobold-modules models( --all)?`", "F5"),
    (r"`kobold-modules list`", "F2"),
    (r"bring it in with `kobold-modules import`", "import it with i on F2"),
    (r"`?kobold-modules import .*", "i on F2 imports it."),
    (r"--lore FILE with `kobold-modules generate`, or f6 in the interface", "f6 on the bench"),
    (r"Choose another --name, add --replace, or remove it with `kobold-modules remove`",
     "Choose another name, or delete that module on F2"),
    (r"`kobold-modules train --continue [^`]+`", "On F4, c"),
    (r"`kobold-modules serve`", "v on F5"),
    (r"`kobold-modules (doctor|where|export|distil)(?: [^`]*)?`", r"`kobold-modules \1`, run in a terminal,"),
    (r"Repeat the original command with --resume, or start again without it", "Start a new training"),
    (r"`--resume` added to the same command continues from its last checkpoint", "c resumes it"),
    (r"Start again without --resume", "Start a new training"),
    (r"Add --name NAME", "Type a name into the form"),
    (r"Write it elsewhere: --save-as .*", "Export it as .txt, .md or .json instead."),
    (r"(Add|add) --start-with('?)(?= |\.|$)( '[^']*')?", rf"Fill in the field “with” {FORM}"),
    (rf"([Ll])eave out --({FIELDS})(?: (?:{VALUE}))?", rf"\1eave \2 empty {FORM}"),
    (rf"\b(Use|use|Add|add|Try|try|Set|set) `?--({FIELDS}) ({VALUE})`?( or more)?", _set),
    (rf"`?--({FIELDS})\b`?", r"\1"),
    (r"(?<![\w-])--([a-z][a-z-]*)", r"\1"),
)  # fmt: skip


def here(text: str) -> str:
    """Return ``text`` with what belongs to the command line replaced by what the interface has instead."""
    if "--" not in text and "kobold-modules " not in text:
        return text
    for pattern, change in CHANGES:
        text = re.sub(pattern, change, text)
    said = text.replace(f"{FORM}, or set", "or set")
    return said[:1].upper() + said[1:]
