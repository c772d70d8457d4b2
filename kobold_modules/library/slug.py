"""Names that a person gives to modules, stacks, stories and trainings, and the names of files and folders made of them.

A name is what a person typed, in any script; two names are the same if they differ in case, width or spaces only. A
slug is what every file system takes.
"""

from __future__ import annotations

import re
import unicodedata


LONGEST_SLUG = 60
_NO_LETTERS = re.compile(r"[\W_]+")
_RESERVED = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]")  # Windows keeps these names for itself


def slug_of(name: str, kind: str = "module", *, any_script: bool = False, longest: int = LONGEST_SLUG) -> str:
    """Return a file or folder name for ``name`` that every file system takes: letters, digits and hyphens.

    Args:
        name: what a person called it.
        kind: what it is called where nothing of its name is left, or where Windows keeps that name for itself.
        any_script: whether letters of every script stay. Without it they are small ASCII letters, and a name that has
            none becomes ``kind`` with a few digits of its hash.
        longest: characters.
    """
    key = key_of(name)
    plain = key if any_script else unicodedata.normalize("NFKD", key).encode("ascii", "ignore").decode()
    slug = _NO_LETTERS.sub("-", plain).strip("-")[:longest].strip("-")
    if not slug and not any_script:
        import hashlib  # with OpenSSL behind it, for names in other scripts

        return f"{kind}-{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:8]}"
    return f"{slug}-{kind}" if _RESERVED.fullmatch(slug) else slug or kind


def key_of(name: str) -> str:
    """Return what makes two names the same name."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
