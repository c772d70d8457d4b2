"""What the model wrote is on disk, whole lines only, and a killed study goes on where it was."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.errors import BadUsage
from kobold_modules.self_study import Example, StudySettings
from kobold_modules.self_study.store import Call, ExampleStore, digest_of, read_calls
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from tests.self_study.worlds import JOSS, MIRREN


def example(text: str = "Who?") -> Example:
    return Example("question", ("Mirren",), "Mirren\nShe.\n\n", text, " Mirren\n", "teacher")


@given(st.lists(st.text(max_size=40), min_size=1, max_size=6), st.data())
def test_a_file_cut_off_anywhere_keeps_every_whole_call_and_goes_on_behind_it(
    texts: list[str], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with ExampleStore("torn", Path(folder)) as store:
            for number, text in enumerate(texts):
                store.add(Call(number, (example(text),), {"a name": number}))
        path = Path(folder) / "torn.jsonl"
        whole = path.read_bytes()
        at = data.draw(st.integers(0, len(whole)))
        path.write_bytes(whole[:at])

        with ExampleStore("torn", Path(folder)) as store:
            left = store.next_number
            assert left == whole[:at].count(b"\n")
            for number, text in enumerate(texts[left:], left):
                store.add(Call(number, (example(text),), {"a name": number}))

        assert path.read_bytes() == whole


@given(st.binary(max_size=200))
def test_bytes_that_are_no_calls_are_passed_over(junk: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "junk.jsonl"
        path.write_bytes(junk.replace(b"\n", b"") + b"\n")
        with ExampleStore("junk", Path(folder)) as store:
            before = len(store.calls)
            store.add(Call(before, (example(),)))

        assert read_calls(path)[-1].examples == (example(),)


def test_a_damaged_call_is_made_again_in_its_place(tmp_path: Path) -> None:
    with ExampleStore("hole", tmp_path) as store:
        for number in range(3):
            store.add(Call(number, (example(str(number)),)))
    path = tmp_path / "hole.jsonl"
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], lines[1][:20], *lines[2:]]))

    with ExampleStore("hole", tmp_path) as store:
        assert store.next_number == 1
        store.add(Call(1, (example("1"),)))
        assert [kept.prompt for kept in store.examples] == ["0", "1", "2"]
        assert store.next_number == 3


def test_one_program_at_a_time_writes(tmp_path: Path) -> None:
    with ExampleStore("one", tmp_path), pytest.raises(BadUsage, match="right now"):
        ExampleStore("one", tmp_path)
    ExampleStore("one", tmp_path).close()


def test_lore_model_and_form_name_the_file_and_its_length_does_not() -> None:
    model, settings = Fingerprint(100, 8, (0.1,)), StudySettings()
    name = digest_of([MIRREN], model, settings)

    assert digest_of([MIRREN], model, StudySettings(seconds=60, coverage=40)) == name
    assert digest_of([JOSS], model, settings) != name
    assert digest_of([MIRREN], Fingerprint(100, 8, (0.2,)), settings) != name
    assert digest_of([MIRREN], model, StudySettings(seed=1)) != name
