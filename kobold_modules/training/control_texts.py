"""Pages that are not the writer's: what a module does to them says whether it learnt a voice or only a language.

The sample fiction in the package serves: three voices, none of them the writer's (one that a module was trained on is
left out).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path

from ..corpus import Corpus
from ..corpus import read as read_corpus
from ..evaluation.bits import HeldOut


VOICES = ("noir", "gothic", "farce")
TOKENS = 500  # of each voice


def samples_folder() -> Path:
    """Return the folder of sample fiction, in a checkout as in an installed wheel."""
    return Path(str(resources.files("kobold_modules.sample_texts").joinpath("README.md"))).parent


def other_pages(own: Corpus, encode: Callable[[str], list[int]]) -> HeldOut:
    """Return pages of other voices than ``own``."""
    mine = {document.sha256 for document in own.documents}
    read = [read_corpus([samples_folder() / voice]) for voice in VOICES]
    texts = [corpus.text for corpus in read if not mine & {document.sha256 for document in corpus.documents}]
    return HeldOut.of(tuple(texts), encode, TOKENS * len(texts))
