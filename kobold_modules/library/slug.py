"""Names of modules, and the folder names made of them.

A name is what a person typed, in any script; two names are the same if they differ in case, width or spaces only. A
slug is what every file system takes.
"""

from __future__ import annotations

import re
import unicodedata


LONGEST_SLUG = 60
_RESERVED = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]")  # Windows keeps these names for itself


def slug_of(name: str) -> str:
    """Return a folder name for ``name`` that every file system takes: small ASCII letters, digits and hyphens."""
    key = key_of(name)
    plain = unicodedata.normalize("NFKD", key).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_SLUG].strip("-")
    if not slug:
        import hashlib  # with OpenSSL behind it, for names in other scripts

        return f"module-{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:8]}"
    return f"{slug}-module" if _RESERVED.fullmatch(slug) else slug


def key_of(name: str) -> str:
    """Return what makes two names the same name."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
