"""Pages that are not the writer's: what a module does to them says whether it learnt a voice or only a language.

The sample fiction in the package serves: three voices, none of them the writer's (one that a module was trained on is
left out).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from ..corpus import Corpus
from ..corpus import read as read_corpus


if TYPE_CHECKING:
    from .bits import HeldOut

VOICES = ("noir", "gothic", "farce")
TOKENS = 500  # of each voice


def samples_folder() -> Path:
    """Return the folder of sample fiction, in a checkout as in an installed wheel."""
    return Path(str(resources.files("kobold_modules.sample_texts").joinpath("README.md"))).parent


def other_texts(own: Collection[str]) -> dict[str, str]:
    """Return the sample fiction by voice, but for a voice of which a file's SHA-256 is among ``own``."""
    read = {voice: read_corpus([samples_folder() / voice]) for voice in VOICES}
    return {
        voice: corpus.text
        for voice, corpus in read.items()
        if not set(own) & {document.sha256 for document in corpus.documents}
    }


def other_pages(own: Corpus, encode: Callable[[str], list[int]]) -> HeldOut:
    """Return pages of other voices than ``own``."""
    from .bits import HeldOut  # which loads torch

    texts = tuple(other_texts({document.sha256 for document in own.documents}).values())
    return HeldOut.of(texts, encode, TOKENS * len(texts))
