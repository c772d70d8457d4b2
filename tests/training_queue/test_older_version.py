"""A queue that the version before wrote: its trainings are listed, followed and taken up as if they were of today."""

from __future__ import annotations

import math

from kobold_modules.records import Loss, Note, Progress, Sample
from kobold_modules.training_queue.queue import TrainingQueue


REQUEST = (
    b'{"submitted": 1795708091.623, "request": {"files": ["/pages/b\\udcff.txt"], "name": "Noir Rain",'
    b' "model": "starter", "kind": "style", "description": "", "author": "",'
    b' "tokens": 100, "dial": "normal", "minutes": 3, "steps": 10,'
    b' "seed": 1, "device": "auto", "method": "prompt", "optimiser": "muon", "start": "text", "start_with": "",'
    b' "row": 512, "batch": 2, "rate": null, "patience": 0.35, "compile": false, "weights": "auto", "recompute": false,'
    b' "out": null, "library": true, "replace": false, "resume": false}}'
)
STATUS = b'{"state": "failed", "message": "No room.", "hint": "Free some.", "code": 6, "attempts": 1, "died": [-9, -9]}'
RECORDS = (
    b'{"record": "note", "v": 1, "text": "Taken up.", "at": 1795708091.667}\n'
    b'{"record": "progress", "v": 1, "stage": "training", "done": 3, "total": 10, "seconds_left": 1.5, "at": 1.6}\n'
    b'{"record": "loss", "v": 1, "step": 3, "train": NaN, "held_out": 2.5, "bits_per_byte": 1.1, "at": 1.667}\n'
    b'{"record": "sample", "v": 1, "step": 3, "text": "Rain \xed\xa0\xbd", "at": 1795708091.667}\n'
    b'{"record": "spell", "v": 9, "words": 3}\n'
    b"not a record at all\n"
)


def written_before(queue: TrainingQueue) -> str:
    folder = queue.folder / "noir-rain-1"
    folder.mkdir(parents=True)
    for name, data in (
        ("request.json", REQUEST),
        ("status.json", STATUS),
        ("records.jsonl", RECORDS),
        ("place", b"1.0"),
    ):
        (folder / name).write_bytes(data)
    return folder.name


def test_its_trainings_are_listed(queue: TrainingQueue) -> None:
    training = queue.get(written_before(queue))

    assert (training.request.name, training.request.steps, training.request.minutes) == ("Noir Rain", 10, 3)
    assert training.request.files == ("/pages/b\udcff.txt",)
    assert (training.state, training.started, training.attempts, training.died) == ("failed", True, 1, (-9, -9))
    assert (training.message, training.hint, training.code) == ("No room.", "Free some.", 6)
    assert queue.unreadable() == []


def test_its_records_are_read_but_for_what_is_none(queue: TrainingQueue) -> None:
    found, offset = queue.records(written_before(queue))

    assert offset == len(RECORDS)
    note, progress, loss, sample = found
    assert (note, progress) == (Note("Taken up."), Progress("training", 3, 10, 1.5))
    assert sample == Sample(3, "Rain \ud83d")
    assert isinstance(loss, Loss)
    assert loss.held_out == 2.5
    assert loss.train is not None
    assert math.isnan(loss.train)


def test_its_trainings_are_taken_up_again(queue: TrainingQueue) -> None:
    id = written_before(queue)
    queue.resume(id)

    following = queue.next()
    assert following is not None
    assert (following.id, following.state) == (id, "waiting")
