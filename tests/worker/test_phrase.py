"""A worker searches the phrase of a module, says how far it is, and sends what it is worth with it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from kobold_modules.answers import PhraseFound
from kobold_modules.backends.tokenizer import load_vocabulary
from kobold_modules.evaluation.own_words import words_as_rows
from kobold_modules.library.library import Library
from kobold_modules.models.reference import ModelFile
from kobold_modules.phrases.settings import PhraseRequest
from kobold_modules.records import Progress, Record
from kobold_modules.worker import messages
from kobold_modules.worker.context import JobContext
from kobold_modules.worker.phrase import find


def context(records: list[Record], cancel: threading.Event) -> JobContext:
    def no_module(path: str) -> None:
        raise AssertionError(path)

    return JobContext(records.append, cancel, None, no_module, lambda sentence: True)  # type: ignore[arg-type]


@pytest.fixture
def job(stories: Path) -> messages.Phrase:
    file = ModelFile.at(stories / "stories260K-F16.gguf")
    ids = load_vocabulary(file).tokenize("Once upon a time there was a little dog named Tim. ")
    Library().add(words_as_rows(file, ids, "dog"))
    return messages.Phrase(PhraseRequest(files=(), of="dog", model=str(file.path), words=60, passages=1, candidates=3))


def test_what_is_found_travels_with_what_it_is_worth(job: messages.Phrase) -> None:
    records: list[Record] = []
    find(job, context(records, threading.Event()))
    found = records[-1]

    assert isinstance(found, PhraseFound)
    assert (found.module, found.measured_on, found.stopped) == ("dog", "what the module writes", False)
    assert [front.front for front in found.fronts][-1] == "module"
    assert found.fronts[0].gain is None
    assert found.fronts[-1].effect == 1
    assert {record.stage for record in records if isinstance(record, Progress)} >= {"letting the module write"}


def test_a_stopped_search_says_so(job: messages.Phrase) -> None:
    records: list[Record] = []
    cancel = threading.Event()
    cancel.set()
    find(job, context(records, cancel))

    assert isinstance(records[-1], PhraseFound)
    assert records[-1].stopped
    assert records[-1].fronts == ()
