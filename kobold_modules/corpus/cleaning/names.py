"""The names of the rules that a writer may switch off, for ``--keep`` and the switches of the preview."""

from __future__ import annotations

from collections.abc import Iterable

from ...errors import BadUsage


# Each with what stays in a text when it is kept.
KEEPABLE: dict[str, str] = {
    "gutenberg": "Project Gutenberg's header and licence",
    "transcribers": "transcribers' notes and credits",
    "imprints": "copyright notices, imprints and disclaimers",
    "author-notes": "archive prefaces, notes to readers (A/N) and pleas for comments",
    "first-page": "the name and address on a manuscript's first page",
    "pictures": "pictures and files pasted as letters (base64)",
    "notes": "footnotes, their marks and [Illustration]",
    "markup": "tags, comments, character codes and the signs of Markdown",
    "emphasis": "_words_ and **words** with their marks, stars included",
    "stars": "*actions* between stars, as role-play has them",
    "page-numbers": "page numbers and running heads",
    "contents": "tables of contents",
    "titles": "chapter titles",
    "scene-breaks": "scene breaks as the file has them",
    "verse": "lines as they are broken in the file: verse, lists, letters",
    "dialect": "spelling as it is: torn initials, ligatures, accents for apostrophes (don´t)",
    "quotes": "curly and typewriter quotes",
    "ellipses": "... in the file's own way",
    "dashes": "double hyphens",
    "spaces": "double spaces",
}


def check_keep(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of rules, sorted and each once; ``a,b`` counts as two.

    Raises:
        BadUsage: if one is unknown; the hint lists them all.
    """
    given = {part.strip().lower() for name in names for part in name.split(",") if part.strip()}
    unknown = sorted(given - KEEPABLE.keys())
    if unknown:
        raise BadUsage(f'There is no cleaning rule "{unknown[0]}".', "The rules are: " + ", ".join(KEEPABLE) + ".")
    return tuple(name for name in KEEPABLE if name in given)
