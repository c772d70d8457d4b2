"""A phrase from end to end: the model opened, pages or a module read, text searched and measured.

``--method phrase`` of the field's names: what comes out is text, so it has a verb of its own and no place in the
library.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

from ...backends.open import open_engine
from ...errors import BadModule
from ...evaluation.made_for import model_for
from ...library import evidence
from ...library.library import Library
from ...models.find import resolve
from ...models.reference import ModelFile
from ...phrases.of_module import phrase_of_module
from ...phrases.phrase import Phrase, WordSearch, find_phrase
from ...phrases.settings import PhraseRequest
from ...records import Note, Progress
from ...soft_prompt.stack import Stack
from .words import search_words


STARTER = "starter"


def search_phrase(
    request: PhraseRequest, cancelled: Callable[[], bool] = lambda: False, module: Stack | None = None
) -> Generator[Progress | Note, None, Phrase]:
    """Search the phrase that ``request`` asks for.

    Args:
        cancelled: is asked between two texts; what was found so far is returned.
        module: what to compare with, instead of the one that ``request.module`` names.

    Raises:
        BadModule, BadText: the module or the pages cannot be read, or there is too little of them.
        BadUsage, NoModel: the model is not named or not found, or has no room for a phrase.
        WrongModel: the module does not fit the model.
        EngineFailed, OutOfMemory: the model does not load or breaks.
    """
    library = Library()
    of = library.find(request.of) if request.of else None
    file = resolve(request.model or STARTER) if of is None else model_for(request.model, of.card)
    if module is None and request.module:
        module = Stack().add(library.find(request.module))
    yield Progress(f"loading {file.name}", 0, 1)
    with open_engine(file) as engine:
        if engine.notice:
            yield Note(engine.notice)
        words = _word_search(request, file, cancelled)
        if of is not None:
            return (yield from phrase_of_module(request, engine, of, _noted(library, request.of), cancelled, words))
        if module is not None:
            for warning in module.check(engine.info.fingerprint, engine.info.name):
                yield Note(f"warning: {warning}")
        return (yield from find_phrase(request, engine, module, cancelled, words))


def _noted(library: Library, name: str) -> dict[str, list[str]]:
    """Return where the sources of the module called ``name`` lay; nothing where it is not in the library."""
    try:
        return evidence.read_sources(library.entry(name).path.parent)
    except BadModule:
        return {}


def _word_search(request: PhraseRequest, file: ModelFile, cancelled: Callable[[], bool]) -> WordSearch | None:
    """Return what searches words by gradient, where that was asked for."""
    if request.search == "passages":
        return None
    return lambda pages, start: search_words(
        request.search, file, pages, request.tokens, request.steps, request.seed, cancelled, start
    )
