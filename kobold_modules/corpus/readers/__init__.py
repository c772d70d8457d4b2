"""Readers of a writer's own files: books and manuscripts in, paragraphs with their structure out.

:func:`recognise` is the door. Each format has a file; ``structure`` is what all of them give, ``limits`` what all of
them keep to.
"""

from .registry import READERS, SUFFIXES, Reader, recognise
from .scrivener import is_project
from .source import Source
from .structure import Block, Builder, LeftOut, Speaker, Structured


__all__ = [
    "READERS",
    "SUFFIXES",
    "Block",
    "Builder",
    "LeftOut",
    "Reader",
    "Source",
    "Speaker",
    "Structured",
    "is_project",
    "recognise",
]
