"""What a training says, on disk: torn lines, and progress that comes too fast."""

from __future__ import annotations

from pathlib import Path

from kobold_modules.records import Loss, Note, Progress
from kobold_modules.training_queue import records_file
from kobold_modules.training_queue.records_file import Journal


def test_a_torn_line_is_waited_for_and_cut_off_by_the_next_writer(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    writing = Journal(file)
    writing.write(Note("one"))
    writing.close()
    with file.open("ab") as torn:
        torn.write(b'{"record": "note", "v": 1, "te')

    found, offset = records_file.read(file)
    assert found == [Note("one")]
    assert records_file.read(file, offset) == ([], offset)
    again = Journal(file)
    again.write(Note("two"))
    again.close()

    assert records_file.read(file, offset)[0] == [Note("two")]


def test_fast_progress_is_thinned_and_its_last_word_kept(tmp_path: Path) -> None:
    writing = Journal(tmp_path / "r")
    for step in range(500):
        writing.write(Progress("training", step, 500))
    writing.write(Loss(500, 1.0))
    writing.close()

    found, _ = records_file.read(tmp_path / "r")
    assert len(found) < 100
    assert found[-2:] == [Progress("training", 499, 500), Loss(500, 1.0)]
