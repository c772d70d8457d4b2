"""HOUSE: one limit of texts written side by side, the same at every door."""

from __future__ import annotations

from threading import Event

import pytest

from kobold_modules.cli.parser import build_parser
from kobold_modules.errors import BadUsage
from kobold_modules.generation.limits import MOST_TOGETHER
from kobold_modules.records import Record
from kobold_modules.sampling.settings import Sampler
from kobold_modules.testing.fake_engine import FakeEngine
from kobold_modules.tui.screens.writing.takes import TakesScreen
from kobold_modules.tui.state.entry_stack import EntryStack
from kobold_modules.tui.writing.comparison import set_out
from kobold_modules.worker.context import JobContext
from kobold_modules.worker.messages import Compare
from kobold_modules.worker.writing import compare


def test_the_worker_compares_as_many_and_no_more() -> None:
    records: list[Record] = []

    def ask(count: int) -> None:
        job = Compare("Once", ((),) * count, 3, Sampler(seed=1))
        context = JobContext(
            records.append, Event(), FakeEngine(), lambda path: pytest.fail(path), lambda sentence: True
        )
        compare(job, context)

    ask(MOST_TOGETHER)
    assert records
    with pytest.raises(BadUsage, match=f"1 to {MOST_TOGETHER} can"):
        ask(MOST_TOGETHER + 1)


def test_the_screen_sets_out_no_more_and_has_a_key_for_each() -> None:
    columns = set_out("Once", EntryStack(), "dice", 1, takes=99).columns
    assert len(columns) == MOST_TOGETHER
    keys = {binding.action for binding in TakesScreen.BINDINGS if binding.action.startswith("choose(")}
    assert keys == {f"choose({number})" for number in range(MOST_TOGETHER)}


def test_help_tells_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["compare", "--help"])
    assert f"({MOST_TOGETHER} in all)" in " ".join(capsys.readouterr().out.split())
