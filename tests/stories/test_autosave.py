"""An unfinished take survives whatever kills the program, once and not twice."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kobold_modules.stories.autosave import Autosave, in_use, journal_of, recover
from kobold_modules.stories.file import load, save
from kobold_modules.stories.story import Story


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "stories" / "rain.json"
    save(Story("Rain", "It rained."), path)
    return path


def begun(path: Path, *pieces: str, story: Story | None = None) -> Autosave:
    autosave = Autosave(path)
    autosave.begin(story or load(path), "noir", 7)
    for piece in pieces:
        autosave.feed(piece)
    return autosave


def test_what_was_written_before_the_kill_comes_back_as_a_take(path: Path) -> None:
    begun(path, " She", " left")

    story, recovered = recover(path, load(path, recovering=False))
    assert story.text == "It rained. She left"
    assert recovered is not None
    assert recovered.take is not None
    assert (recovered.take.text, recovered.take.label, recovered.take.seed) == (" She left", "noir", 7)
    assert story.dirty
    assert load(path).text == "It rained. She left"  # and again, until it is saved

    save(story, path)
    assert not journal_of(path).exists()
    assert load(path).text == "It rained. She left"
    assert load(path).can_retry


def test_a_finished_take_leaves_nothing_behind(path: Path) -> None:
    autosave = begun(path, " She left.")
    story = load(path, recovering=False)
    story.append_take(" She left.", "noir", 7)
    save(story, path)
    autosave.end()

    assert list(path.parent.iterdir()) == [path]
    assert load(path).text == "It rained. She left."


def test_killed_between_saving_and_forgetting_the_take_is_there_once(path: Path) -> None:
    begun(path, " She left.")
    kept = journal_of(path).read_bytes()
    story = load(path)
    save(story, path)
    journal_of(path).write_bytes(kept)

    assert load(path).text == "It rained. She left."
    assert not journal_of(path).exists()


def test_what_was_typed_and_not_yet_saved_comes_back_too(path: Path) -> None:
    story = load(path)
    story.edit("It rained. Then,")
    story.note = "Sad."
    begun(path, " snow.", story=story)

    again = load(path)
    assert (again.text, again.note) == ("It rained. Then, snow.", "Sad.")
    assert again.undo()
    assert again.undo()
    assert again.text == "It rained."


def test_a_story_that_has_no_file_yet_comes_back(tmp_path: Path) -> None:
    story = Story()
    story.edit("It began")
    begun(tmp_path / "new.json", " to rain.", story=story)

    again, recovered = recover(tmp_path / "new.json", Story())
    assert again.text == "It began to rain."
    assert recovered is not None


def test_a_line_cut_short_by_the_kill_ends_the_take(path: Path) -> None:
    begun(path, " She", " left")
    journal_of(path).write_bytes(journal_of(path).read_bytes()[:-4])

    assert load(path).text == "It rained. She"


def test_a_take_behind_a_story_that_was_changed_elsewhere_becomes_a_file_of_its_own(path: Path) -> None:
    begun(path, " She left.")
    path.write_text('{"text": "Another story."}')

    story, recovered = recover(path, load(path, recovering=False))
    assert story.text == "Another story."
    assert recovered is not None
    assert recovered.aside is not None
    assert recovered.aside.read_text() == " She left."
    assert not journal_of(path).exists()


def test_a_new_take_does_not_destroy_one_that_nobody_has_folded_in(path: Path) -> None:
    begun(path, " She left.")
    begun(path, " He slept.", story=load(path, recovering=False))

    assert load(path).text == "It rained. He slept."
    assert (path.parent / "rain.unsaved-take-1.txt").read_text() == " She left."


@pytest.mark.parametrize("content", [b"", b"x", b"[]\n", b'{"v": 99}\n" a"\n', b"\xff\n", b'{"v":1,"file":3}\n5\n[]\n'])
def test_a_journal_that_makes_no_sense_changes_nothing(path: Path, content: bytes) -> None:
    journal_of(path).write_bytes(content)
    assert load(path).text == "It rained."


@pytest.mark.skipif(os.name == "nt", reason="rights are POSIX's")
def test_the_journal_is_its_owners(path: Path) -> None:
    begun(path, " She left.")
    assert stat.S_IMODE(journal_of(path).stat().st_mode) == 0o600


def test_a_plain_text_file_has_its_takes_kept_as_well(tmp_path: Path) -> None:
    path = tmp_path / "s.txt"
    path.write_text("It rained.\n")
    begun(path, " She left.")

    assert load(path).text == "It rained. She left."


def test_saving_in_the_middle_of_a_take_does_not_end_it(path: Path) -> None:
    story = load(path)
    autosave = begun(path, " She", story=story)
    story.note = "Sad."
    save(story, path)
    autosave.feed(" left.")
    del autosave

    again, recovered = recover(path, load(path, recovering=False))
    assert again.text == "It rained."
    assert recovered is not None
    assert recovered.aside is not None  # the note has made another story of it
    assert recovered.aside.read_text() == " She left."


def test_a_take_that_another_program_is_writing_is_left_to_it(path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    next(process.stdout)

    assert in_use(path)
    assert load(path).text == "It rained."
    with pytest.raises(BlockingIOError):
        Autosave(path).begin(load(path))
    save(load(path), path)
    assert journal_of(path).exists()
    process.kill()
    process.communicate()
    assert not in_use(path)
    assert load(path).text.startswith("It rained. 0")


KILLED = """
import sys
import threading
from pathlib import Path
from kobold_modules.stories.file import Autosave, load
autosave = Autosave(Path(sys.argv[1]))
autosave.begin(load(Path(sys.argv[1])), "noir", 7)
for number in range(10**9):
    autosave.feed(f" {number}")
    print(number, flush=True)
"""


def test_kill_9_costs_no_character_that_was_shown(path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    shown = [next(process.stdout).strip() for _ in range(50)]
    process.send_signal(signal.SIGKILL)
    shown += process.stdout.read().split()
    process.communicate()

    text = load(path).text
    assert text.startswith("It rained. " + " ".join(shown))


def test_nobody_waits_for_a_slow_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, let_go, found = threading.Event(), threading.Event(), []

    def slow(handle: int) -> None:
        found.append(os.pread(handle, 1 << 20, 0))
        asked.set()
        let_go.wait(300)

    monkeypatch.setattr(os, "fsync", slow)
    monkeypatch.setattr("kobold_modules.stories.autosave.SYNC_SECONDS", 0.0)
    autosave = begun(path, " She", " left", ".")  # each of which would wait
    assert asked.wait(300)
    assert journal_of(path).read_bytes().startswith(found[0])
    assert load(path).text == "It rained. She left."
    autosave.end()
    let_go.set()
    assert not journal_of(path).exists()
