"""A worker evaluates a module for a screen."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from kobold_modules.evaluation import evaluate as evaluating
from kobold_modules.evaluation.settings import EvaluationRequest
from kobold_modules.evaluation.work import Budget
from kobold_modules.evidence import Evaluated
from kobold_modules.models.starter import starter_path
from kobold_modules.records import Done, Progress, Record
from kobold_modules.worker import messages
from kobold_modules.worker.context import JobContext
from kobold_modules.worker.evaluate import evaluate_module
from tests.last import last


DEMO = starter_path().with_name("demo-noir.zip")


def context(records: list[Record], cancel: threading.Event) -> JobContext:
    def no_module(path: str) -> None:
        raise AssertionError("an evaluation reads its module itself")

    return JobContext(records.append, cancel, None, no_module, lambda sentence: True)  # type: ignore[arg-type]


def test_the_result_comes_last_and_no_model_need_be_loaded(
    starter: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluating, "QUICK", Budget(120, 40, 60, 1, 16, 24, 8, 2, 4, 1))
    records: list[Record] = []
    evaluate_module(messages.Evaluate(EvaluationRequest(str(DEMO), quick=True)), context(records, threading.Event()))

    assert isinstance(records[-1], Evaluated)
    assert any(isinstance(record, Progress) for record in records)


def test_a_cancel_ends_it_without_a_result(starter: Path, home: Path) -> None:
    records: list[Record] = []
    cancel = threading.Event()
    cancel.set()
    evaluate_module(messages.Evaluate(EvaluationRequest(str(DEMO))), context(records, cancel))

    assert last(records, Done).what == "stopped"
    assert not any(isinstance(record, Evaluated) for record in records)
