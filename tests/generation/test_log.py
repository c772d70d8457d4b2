"""The log of everything written: whole, bounded, its owner's, and as silent as its owner wants it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from kobold_modules import paths
from kobold_modules.generation import log as generation_log
from kobold_modules.generation.log import entries, journal_file, keeping, logged, seeded
from kobold_modules.generation.protocol import Request
from kobold_modules.records import Finished, TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack
from kobold_modules.testing.fake_engine import FakeEngine


def written(request: Request | None = None, engine: FakeEngine | None = None) -> tuple[str, Finished]:
    engine = engine or FakeEngine()
    request = seeded(request or Request(text="It rained.", max_tokens=5))
    *pieces, end = logged(engine.generate(request), engine.info, [request], "generate", [["a.zip"]])
    assert isinstance(end, Finished)
    return "".join(piece.text for piece in pieces if isinstance(piece, TextChunk)), end


def configure(text: str) -> None:
    paths.made(paths.config_file().parent)
    paths.config_file().write_text(text)


def test_an_entry_holds_all_that_it_takes_to_write_the_text_again() -> None:
    vectors = np.ones((2, 8), np.float32)
    stack = Stack((Layer(Module(vectors, Card("noir")), 0.5),))
    request = Request(
        text="It rained.",
        stack=stack,
        max_tokens=5,
        sampler=Sampler(top_k=3, banned=("very",)),
        stop=("***",),
        memory="Nora.",
        note="Sad.",
        note_depth=2,
    )
    text, end = written(request)

    (entry,) = entries()
    assert entry["prompt"]["text"] == "It rained."
    assert entry["sampler"]["top_k"] == 3
    assert entry["sampler"]["banned"] == ["very"]
    assert entry["sampler"]["seed"] == end.seed
    assert (entry["max_tokens"], entry["stop"]) == (5, ["***"])
    assert (entry["memory"], entry["note"], entry["note_depth"]) == ("Nora.", "Sad.", 2)
    assert entry["stack"]["digest"] == stack.digest
    (module,) = entry["stack"]["modules"]
    assert (module["name"], module["strength"], module["source"]) == ("noir", 0.5, "a.zip")
    assert module["digest"] == stack.layers[0].module.digest
    assert entry["ended"]["text"] == text
    assert (entry["ended"]["tokens"], entry["ended"]["reason"]) == (5, "length")
    assert {"id", "when", "version", "engine", "door"} <= set(entry)


def test_takes_side_by_side_are_one_entry_each() -> None:
    requests = [seeded(Request(text="It", max_tokens=1, sampler=Sampler(seed=seed))) for seed in (1, 2)]
    records: list[TextChunk | Finished] = [
        TextChunk("a", 1),
        TextChunk("b", 0),
        Finished("length", 1, 0.1, 2, sequence=1),
        TextChunk("c", 0),
        Finished("length", 2, 0.1, 1, sequence=0),
    ]
    assert list(logged(records, FakeEngine().info, requests, "compare")) == records

    assert [(entry["sampler"]["seed"], entry["ended"]["text"]) for entry in entries()] == [(1, "bc"), (2, "a")]


def test_a_listener_who_leaves_and_an_engine_that_breaks_leave_their_text() -> None:
    request = seeded(Request(text="It", max_tokens=5))

    def breaking() -> Iterator[TextChunk | Finished]:
        yield TextChunk(" broke")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        list(logged(breaking(), FakeEngine().info, [request], "bench"))
    leaving = logged(iter([TextChunk(" left"), TextChunk(" unread")]), FakeEngine().info, [request], "bench")
    next(leaving)
    leaving.close()  # type: ignore[attr-defined]

    assert [(entry["ended"]["text"], entry["ended"]["reason"]) for entry in entries()] == [
        (" broke", "broken off"),
        (" left", "broken off"),
    ]


def test_a_killed_program_leaves_the_beginning() -> None:
    request = seeded(Request(text="It rained.", max_tokens=5))
    records = logged(iter([TextChunk("a")]), FakeEngine().info, [request], "generate")
    next(records)

    (entry,) = entries()
    assert entry["prompt"]["text"] == "It rained."
    assert "ended" not in entry
    records.close()  # type: ignore[attr-defined]


def test_of_a_novel_the_end_is_kept_that_the_model_can_read() -> None:
    novel = "It rained. " * 20_000
    written(Request(text=novel, max_tokens=2))

    prompt = entries()[0]["prompt"]
    assert prompt["characters"] == prompt["skipped"] + len(prompt["text"]) == len(novel)
    assert len(prompt["text"]) == generation_log.WHOLE_PROMPT
    assert novel.endswith(prompt["text"])


@pytest.mark.parametrize(("setting", "keep"), [("all", "all"), ("settings", "settings"), ("nothing", "nothing")])
def test_what_is_kept_is_for_the_writer_to_say(setting: str, keep: str) -> None:
    configure(f'[journal]\nkeep = "{setting}"\n')
    assert keeping() == keep


@pytest.mark.parametrize("config", ['journal = "no"', '[journal]\nkeep = "off"', "[journal]\nkeep = false"])
def test_a_setting_that_makes_no_sense_keeps_nothing(config: str) -> None:
    configure(config)
    assert keeping() == "nothing"


def test_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    configure('[journal]\nkeep = "all"\n')
    monkeypatch.setenv("KOBOLD_MODULES_JOURNAL", "nothing")
    assert keeping() == "nothing"
    monkeypatch.setenv("KOBOLD_MODULES_JOURNAL", "off")
    assert keeping() == "nothing"
    monkeypatch.setenv("KOBOLD_MODULES_JOURNAL", "all")
    configure('[journal]\nkeep = "nothing"\n')
    assert keeping() == "all"


def test_settings_alone_hold_no_word_of_the_text() -> None:
    configure('[journal]\nkeep = "settings"\n')
    text, _ = written(Request(text="It rained.", max_tokens=5, memory="Nora.", note="Sad."))

    raw = journal_file().read_text()
    for word in ("rained", "Nora", "Sad", text.strip()):
        assert word not in raw
    assert entries()[0]["ended"]["characters"] == len(text)


def test_nothing_is_nothing() -> None:
    configure('[journal]\nkeep = "nothing"\n')
    written()
    assert not journal_file().parent.exists()


@pytest.mark.skipif(os.name == "nt", reason="rights are POSIX's")
def test_the_log_is_its_owners() -> None:
    written()
    assert stat.S_IMODE(journal_file().stat().st_mode) == 0o600
    assert stat.S_IMODE(journal_file().parent.stat().st_mode) == 0o700


def test_the_log_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation_log, "MOST_BYTES", 20_000)
    ids = []
    for _ in range(100):
        written(Request(text="It rained.", max_tokens=5))
        ids.append(entries(1)[0]["id"])

    files = [file for file in journal_file().parent.iterdir() if file.name != ".lock"]
    assert len(files) == generation_log.MOST_FILES
    assert all(file.stat().st_size <= 20_000 for file in files)
    kept = [entry["id"] for entry in entries()]
    assert kept == ids[-len(kept) :]
    assert len(kept) > 20
    if os.name != "nt":
        assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)


def test_a_line_cut_short_and_rubbish_are_passed_over() -> None:
    written()
    with journal_file().open("ab") as file:
        file.write(b'{"what": "begun", "id": 7}\nnull\n\xff\n' + b"[" * 9999 + b'\n{"what": "begun", "id": "cut')
    written()

    assert len(entries()) == 2
    assert all("ended" in entry for entry in entries())


def test_a_log_that_cannot_be_written_never_stops_the_writing(home: Path) -> None:
    paths.made(home)
    (home / "state").write_text("in the way")
    assert written()[0]


def test_two_programs_may_write_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation_log, "PATIENCE", 300.0)  # a log is not worth a long wait to a writer; here it is
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: written(Request(text=f"Story {number}.", max_tokens=3)), range(40)))

    assert sum(1 for line in journal_file().read_bytes().splitlines() if json.loads(line)) == 80
    assert all("ended" in entry for entry in entries())
