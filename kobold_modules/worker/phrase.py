"""Search readable text that does what a module does, for somebody who watches."""

from __future__ import annotations

from collections.abc import Generator

from ..answers import PhraseFound, PhraseFront
from ..phrases.phrase import Phrase
from ..records import Record
from . import messages
from .context import JobContext


def find(job: messages.Phrase, context: JobContext) -> None:
    """Send the records of a search as they come; a cancelled one ends with what was found so far."""
    from ..training.methods.phrase import search_phrase

    def followed() -> Generator[Record, None, None]:
        found = yield from search_phrase(job.request, context.cancel.is_set)
        yield answer(job.request.of or job.request.module, found)

    for record in followed():
        context.emit(record)


def answer(module: str, found: Phrase) -> PhraseFound:
    """Return what a search came to, as it travels."""
    fronts = tuple(
        PhraseFront(one.name, one.tokens, one.bits_per_byte, None if one.gain is None else one.gain.share, one.effect)
        for one in found.fronts
    )
    return PhraseFound(
        module=module, text=found.text, fronts=fronts, measured_on=found.measured_on, stopped=found.stopped
    )
