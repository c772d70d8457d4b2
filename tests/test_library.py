"""The shelf: names and folders, listing, undo, and what a kill at any moment leaves behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules import paths
from kobold_modules.errors import BadModule, BadUsage, OutOfRoom
from kobold_modules.fingerprint import Fingerprint
from kobold_modules.formats import kobold, write
from kobold_modules.library import Library, slug_of
from kobold_modules.module import Card, Module


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "modules")


def module(name: str = "Noir in the Rain", fill: float = 1.0, **card: object) -> Module:
    fingerprint = Fingerprint(4096, 3, (0.1, -0.25, 1e-7))
    return Module(np.full((2, 3), fill, np.float32), Card(name, fingerprint=fingerprint, **card))  # type: ignore[arg-type]


def names(library: Library) -> list[str]:
    return [entry.name for entry in library.entries()]


# -- putting in and looking up


def test_the_default_place_is_the_modules_folder() -> None:
    assert Library().root == paths.modules_dir()


def test_a_library_that_is_not_there_yet_is_empty(library: Library) -> None:
    assert library.entries() == []
    assert library.trash() == []
    assert not library.root.exists()


def test_a_module_is_a_folder_with_the_koboldai_zip(library: Library) -> None:
    entry = library.add(module())
    folder = library.root / "noir-in-the-rain"
    assert entry.path == folder / "noir-in-the-rain.zip"
    assert sorted(os.listdir(folder)) == ["card.json", "noir-in-the-rain.zip"]
    assert entry.path.read_bytes() == kobold.pack(module())
    assert os.listdir(library.root) == ["noir-in-the-rain"]


def test_an_entry_says_what_a_list_shows(library: Library) -> None:
    added = library.add(module(kind="world", description="wet"))
    (entry,) = library.entries()
    assert entry == added
    assert (entry.name, entry.slug, entry.tokens, entry.width) == ("Noir in the Rain", "noir-in-the-rain", 2, 3)
    assert entry.card == module(kind="world", description="wet").card
    assert entry.size == entry.path.stat().st_size
    assert entry.problem == ""


@pytest.mark.parametrize(
    "text", ["Noir in the Rain", "NOIR IN THE RAIN", "  noir  in the rain ", "noir-in-the-rain", "Ｎoir in the Rain"]
)
def test_a_module_is_found_by_name_in_any_case_and_by_slug(text: str, library: Library) -> None:
    library.add(module())
    found = library.find(text)
    assert found.card == module().card
    assert found.digest == module().digest


@pytest.mark.parametrize("format", ["kobold", "peft", "safetensors"])
def test_a_module_is_found_by_path_in_any_readable_format(format: str, library: Library, tmp_path: Path) -> None:
    write(module(), tmp_path / "given", format)
    assert library.find(str(tmp_path / "given")).digest == module().digest
    assert library.import_file(tmp_path / "given").name == "Noir in the Rain"


def test_an_unknown_module_is_one_sentence_with_close_names(library: Library) -> None:
    library.add(module())
    library.add(module("Gothic"))
    with pytest.raises(BadModule, match="no module, and no file, called Gotic") as caught:
        library.find("Gotic")
    assert caught.value.hint == "Did you mean Gothic?"
    with pytest.raises(BadModule) as caught:
        library.find("zzzz")
    assert "kobold-modules list" in caught.value.hint


@pytest.mark.parametrize(
    "text", ["", " ", "..", ".", "../modules", ".trash", "a\0b", "x" * 5000, "noir/../gothic", "~nobody/x"]
)
def test_no_text_reaches_outside_the_library(text: str, library: Library) -> None:
    library.add(module("Gothic"))
    with pytest.raises(BadModule):
        library.find(text)
    with pytest.raises(BadModule):
        library.remove(text)
    assert names(library) == ["Gothic"]


def test_a_file_that_is_no_module_says_what_it_is(library: Library, tmp_path: Path) -> None:
    (tmp_path / "novel.pdf").write_bytes(b"%PDF-1.4")
    with pytest.raises(BadModule, match="PDF"):
        library.find(str(tmp_path / "novel.pdf"))


# -- names


def test_a_name_that_is_taken_is_bad_usage(library: Library) -> None:
    library.add(module())
    with pytest.raises(BadUsage, match="already a module called Noir in the Rain"):
        library.add(module("NOIR in the rain", 2))
    assert library.find("noir in the rain").digest == module().digest


def test_replacing_puts_the_new_one_in_the_place_of_the_old(library: Library) -> None:
    library.add(module())
    entry = library.add(module("noir IN the rain", 2), replace=True)
    assert names(library) == ["noir IN the rain"]
    assert library.load(entry).digest == module(fill=2).digest


def test_unique_names_count_up(library: Library) -> None:
    assert [library.add(module("Noir"), unique=True).name for _ in range(3)] == ["Noir", "Noir 2", "Noir 3"]
    assert [entry.slug for entry in library.entries()] == ["noir", "noir-2", "noir-3"]


@pytest.mark.parametrize("name", ["", "   ", "\n", "\x1b"])
def test_a_module_needs_a_name(name: str, library: Library) -> None:
    with pytest.raises(BadUsage, match="needs a name"):
        library.add(module(name))


def test_names_of_one_slug_live_side_by_side(library: Library) -> None:
    for name in ("Noir!", "Noir?", "Nöir"):
        library.add(module(name))
    assert sorted(entry.slug for entry in library.entries()) == ["noir", "noir-2", "noir-3"]
    assert library.find("noir?").card.name == "Noir?"
    assert library.find("NÖIR").card.name == "Nöir"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Noir in the Rain", "noir-in-the-rain"),
        ("Élan vital: Œuvre", "elan-vital-uvre"),
        ("CON", "con-module"),
        ("lpt1", "lpt1-module"),
        ("../../etc/passwd", "etc-passwd"),
        ("a" * 100, "a" * 60),
        (".hidden.", "hidden"),
    ],
)
def test_slugs_are_small_ascii(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_names_without_a_letter_of_ascii_have_slugs_of_their_own() -> None:
    slugs = {slug_of("夜想曲"), slug_of("黒い雨"), slug_of("Ночь")}
    assert len(slugs) == 3
    assert all(re.fullmatch(r"module-[0-9a-f]{8}", slug) for slug in slugs)


@given(st.text())
def test_every_name_has_a_slug_that_every_file_system_takes(name: str) -> None:
    slug = slug_of(name)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,68}[a-z0-9])?", slug)
    assert slug not in {"con", "prn", "aux", "nul", "com1", "lpt9"}


def test_a_unicode_name_is_kept_in_the_card(library: Library) -> None:
    library.add(module("夜想曲 “Nocturne” 🌙"))
    assert names(library) == ["夜想曲 “Nocturne” 🌙"]
    assert library.find("夜想曲 “nocturne” 🌙").card.name == "夜想曲 “Nocturne” 🌙"


# -- changing


def test_renaming_moves_the_folder_and_the_zip(library: Library) -> None:
    library.add(module())
    entry = library.rename("noir in the rain", "Gothic")
    assert (entry.name, entry.slug) == ("Gothic", "gothic")
    assert sorted(os.listdir(library.root / "gothic")) == ["card.json", "gothic.zip"]
    assert os.listdir(library.root) == ["gothic"]
    assert library.find("Gothic").digest == module().digest
    with pytest.raises(BadModule):
        library.entry("Noir in the Rain")


def test_renaming_to_a_taken_name_changes_nothing(library: Library) -> None:
    library.add(module())
    library.add(module("Gothic", 2))
    with pytest.raises(BadUsage, match="already"):
        library.rename("Gothic", "NOIR in the rain")
    assert names(library) == ["Gothic", "Noir in the Rain"]


def test_a_name_may_change_its_case(library: Library) -> None:
    library.add(module("noir"))
    assert library.rename("noir", "NOIR").name == "NOIR"
    assert os.listdir(library.root) == ["noir"]


def test_renaming_to_another_name_of_the_same_slug(library: Library) -> None:
    library.add(module("Noir"))
    assert library.rename("Noir", "Noir!").name == "Noir!"
    assert names(library) == ["Noir!"]


def test_updating_the_card_leaves_the_rows(library: Library) -> None:
    library.add(module())
    entry = library.update_card("noir in the rain", description="new", tags=("a",))
    assert (entry.card.description, entry.card.tags) == ("new", ("a",))
    assert library.find("noir in the rain").card.description == "new"
    assert library.find("noir in the rain").digest == module().digest


# -- removing and bringing back


def test_removing_is_undone_by_restoring(library: Library) -> None:
    library.add(module())
    removed = library.remove("noir IN the rain")
    assert removed.name == "Noir in the Rain"
    assert library.entries() == []
    assert [entry.name for entry in library.trash()] == ["Noir in the Rain"]
    assert library.restore("Noir in the rain").name == "Noir in the Rain"
    assert library.find("noir in the rain").digest == module().digest
    assert library.trash() == []


def test_the_last_one_removed_comes_back_first(library: Library) -> None:
    for fill in (1, 2):
        library.add(module(fill=fill))
        library.remove("noir in the rain")
    assert library.load(library.restore("noir in the rain")).vectors[0, 0] == 2
    with pytest.raises(BadUsage, match="already"):
        library.restore("noir in the rain")
    library.rename("noir in the rain", "Other")
    assert library.load(library.restore("noir in the rain")).vectors[0, 0] == 1


def test_restoring_where_another_module_took_the_folder(library: Library) -> None:
    library.add(module("Noir"))
    library.remove("Noir")
    library.add(module("Noir!", 2))
    assert library.restore("Noir").slug == "noir-2"
    assert library.find("Noir").vectors[0, 0] == 1
    assert names(library) == ["Noir", "Noir!"]


def test_restoring_what_was_never_removed_is_one_sentence(library: Library) -> None:
    with pytest.raises(BadModule, match="no removed module"):
        library.restore("Noir")


def test_the_trash_can_be_emptied(library: Library) -> None:
    library.add(module())
    library.remove("noir in the rain")
    library.empty_trash()
    assert library.trash() == []


# -- what hands and accidents do to the files


def test_broken_folders_are_listed_with_their_problem(library: Library) -> None:
    library.add(module())
    (library.root / "empty").mkdir()
    (library.root / "half").mkdir()
    (library.root / "half" / "half.zip").write_bytes(library.entry("noir in the rain").path.read_bytes()[:100])
    problems = {entry.slug: entry.problem for entry in library.entries()}
    assert problems == {
        "noir-in-the-rain": "",
        "empty": "The folder empty holds no module.",
        "half": "half.zip is cut short: the end of the zip is missing.",
    }
    with pytest.raises(BadModule, match="cut short"):
        library.find("half")


def test_a_broken_module_can_be_removed_and_restored(library: Library) -> None:
    (library.root / "half").mkdir(parents=True)
    (library.root / "half" / "half.zip").write_bytes(b"PK\x03\x04")
    library.remove("half")
    assert library.entries() == []
    assert library.restore("half").problem


def test_a_zip_replaced_by_hand_is_read_again(library: Library) -> None:
    entry = library.add(module())
    library.entries()
    kobold.write(module("By Hand", 5), entry.path)
    assert names(library) == ["By Hand"]
    assert names(Library(library.root)) == ["By Hand"]
    assert json.loads((entry.path.parent / "card.json").read_text())["card"]["name"] == "By Hand"


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"size": 1}', '{"size": -1, "card": {"name": 4}}'])
def test_a_lost_or_broken_card_is_made_anew_from_the_zip(text: str | None, library: Library) -> None:
    entry = library.add(module())
    card = entry.path.parent / "card.json"
    card.unlink()
    if text is not None:
        card.write_text(text)
    assert Library(library.root).entries() == [entry]
    assert json.loads(card.read_text())["card"]["name"] == "Noir in the Rain"


def test_a_folder_dropped_in_by_hand_is_a_module(library: Library) -> None:
    kobold.write(module(), library.root / "My Stuff" / "from a friend.zip")
    (entry,) = library.entries()
    assert (entry.name, entry.slug) == ("Noir in the Rain", "My Stuff")
    assert library.find("noir in the rain").digest == module().digest
    assert library.find("My Stuff").digest == module().digest
    renamed = library.rename("noir in the rain", "Gothic")
    assert sorted(os.listdir(renamed.path.parent)) == ["card.json", "gothic.zip"]


def test_a_whole_library_copied_elsewhere_still_lists(library: Library, tmp_path: Path) -> None:
    library.add(module())
    shutil.copytree(library.root, tmp_path / "copy", copy_function=shutil.copyfile)
    assert names(Library(tmp_path / "copy")) == ["Noir in the Rain"]


def test_files_and_hidden_folders_in_the_library_are_left_alone(library: Library) -> None:
    library.add(module())
    (library.root / "notes.txt").write_text("mine")
    (library.root / ".git").mkdir()
    assert names(library) == ["Noir in the Rain"]
    assert (library.root / ".git").exists()


def test_what_a_killed_writer_left_is_ignored_and_swept_when_old(library: Library) -> None:
    library.add(module())
    left = library.root / ".new-abc"
    left.mkdir()
    assert names(library) == ["Noir in the Rain"]
    assert left.exists(), "another process may be writing there now"
    os.utime(left, (time.time() - 7200,) * 2)
    assert names(library) == ["Noir in the Rain"]
    assert not left.exists()


# -- a kill at any moment


class Killed(BaseException):
    """Stands for SIGKILL: no handler of ours may tidy up after it."""


CALLS = ("os.replace", "os.rename", "shutil.rmtree", "pathlib.Path.unlink")


def kill_at(moment: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the ``moment``-th call that changes names on disk, and all after it, not happen."""
    count = [0]
    for name in CALLS:
        owner, _, attribute = name.rpartition(".")
        where = Path if owner == "pathlib.Path" else {"os": os, "shutil": shutil}[owner]
        real = getattr(where, attribute)

        def call(*arguments: object, real: object = real, **options: object) -> object:
            count[0] += 1
            if count[0] >= moment:
                raise Killed
            return real(*arguments, **options)  # type: ignore[operator]

        monkeypatch.setattr(where, attribute, call)


DEEDS = {
    "add": lambda library: library.add(module("Gothic", 2)),
    "replace": lambda library: library.add(module(fill=2), replace=True),
    "update": lambda library: library.update_card("noir in the rain", description="new"),
    "rename": lambda library: library.rename("noir in the rain", "Gothic"),
    "remove": lambda library: library.remove("noir in the rain"),
}


def state(library: Library) -> dict[str, tuple[float, str]]:
    fresh = Library(library.root)
    listed = {entry.name: entry for entry in fresh.entries()}
    assert all(not entry.problem for entry in listed.values())
    assert len(listed) == len(fresh.entries())
    return {
        name: (float(fresh.find(name).vectors[0, 0]), fresh.load(entry).card.description)
        for name, entry in listed.items()
    }


@pytest.mark.parametrize("deed", DEEDS)
def test_a_kill_at_any_moment_leaves_the_old_or_the_new(deed: str, tmp_path: Path) -> None:
    act = DEEDS[deed]
    whole = Library(tmp_path / "whole")
    whole.add(module())
    before = state(whole)
    act(whole)
    after = state(whole)
    for moment in range(1, 100):
        library = Library(tmp_path / f"killed-{moment}")
        library.add(module())
        with pytest.MonkeyPatch.context() as patch:
            kill_at(moment, patch)
            try:
                act(library)
            except Killed:
                finished = False
            else:
                finished = True
        assert state(library) in (before, after)
        if finished:
            assert moment > 1
            assert state(library) == after
            return
        if state(library) == before:
            act(library)
            assert state(library) == after, "the deed can be done again"
    raise AssertionError("never finished")


def test_a_full_disk_is_out_of_room_and_leaves_the_old(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.add(module())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(paths, "write_atomically", full)
    with pytest.raises(OutOfRoom, match="no room"):
        library.add(module("Gothic"))
    with pytest.raises(OutOfRoom):
        library.update_card("noir in the rain", description="x")
    assert names(library) == ["Noir in the Rain"]
    assert os.listdir(library.root) == ["noir-in-the-rain"]


def test_two_processes_adding_at_once_lose_nothing(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Library(library.root)
    real, raced = os.rename, []

    def rename(source: object, target: object) -> None:
        if not raced:
            raced.append(target)
            other.add(module("Noir", 2))
        real(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "rename", rename)
    library.add(module("Noir", 1))
    assert sorted(float(library.load(entry).vectors[0, 0]) for entry in library.entries()) == [1, 2]


# -- speed


def test_listing_again_reads_no_file_of_an_unchanged_module(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    for count in range(3):
        library.add(module(f"Noir {count}"))
    first = library.entries()

    def read(*_: object) -> bytes:
        raise AssertionError("a file was read")

    monkeypatch.setattr(Path, "read_bytes", read)
    monkeypatch.setattr(Path, "open", read)
    assert library.entries() == first


def test_listing_opens_no_zip(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.add(module())
    monkeypatch.setattr(kobold, "read", lambda _: pytest.fail("a zip was opened"))
    assert len(Library(library.root).entries()) == 1


@pytest.mark.slow
def test_a_thousand_modules_list_in_seconds(library: Library) -> None:
    sketch = tuple(round(value / 1024, 4) for value in range(1024))
    crowd = Module(np.ones((2, 3), np.float32), Card("x", fingerprint=Fingerprint(4096, 3, sketch)))
    one = library.add(crowd)
    for count in range(1000):
        folder = library.root / f"m{count}"
        folder.mkdir()
        shutil.copy2(one.path, folder / f"m{count}.zip")
        shutil.copy2(one.path.parent / "card.json", folder)
    started = time.process_time()
    assert len(library.entries()) == 1001
    assert time.process_time() - started < 5
