"""What an owner notes beside a module stays beside it, and out of its file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.errors import BadModule
from kobold_modules.library import notes
from kobold_modules.library.library import Library
from kobold_modules.library.notes import MOST_TAGS, Notes, tidy
from tests.library.conftest import module


def test_tags_and_star_are_kept_and_the_zip_is_not_touched(library: Library) -> None:
    entry = library.add(module(tags=("wet",)))
    before = entry.path.read_bytes()
    noted = library.note("noir in the rain", tags=["dark", "Wet", "#rain"], favourite=True)
    assert noted.tags == ("wet", "dark", "rain")
    assert noted.notes == Notes(("dark", "Wet", "rain"), True)
    assert Library(library.root).entries()[0] == noted
    assert entry.path.read_bytes() == before


def test_what_is_not_named_stays(library: Library) -> None:
    library.add(module())
    library.note("noir in the rain", tags=["dark"])
    assert library.note("noir in the rain", favourite=True).notes == Notes(("dark",), True)


def test_blind_tests_are_counted(library: Library) -> None:
    library.add(module())
    for chosen in (True, False, True):
        entry = library.count_blind_test("noir in the rain", chosen)
    assert (entry.notes.chosen, entry.notes.tried) == (2, 3)


def test_notes_follow_a_rename_and_a_removal(library: Library) -> None:
    library.add(module())
    library.note("noir in the rain", favourite=True)
    assert library.rename("noir in the rain", "Gothic").notes.favourite
    library.remove("Gothic")
    assert library.restore("Gothic").notes.favourite


def test_a_module_trained_anew_has_its_blind_tests_before_it(library: Library) -> None:
    library.add(module())
    library.note("noir in the rain", favourite=True)
    library.count_blind_test("noir in the rain", True)
    again = library.add(module(fill=2), replace=True)
    assert (again.notes.favourite, again.notes.tried) == (True, 0)


def test_a_copy_has_the_rows_and_the_tags_but_not_the_votes(library: Library) -> None:
    library.add(module())
    library.note("noir in the rain", tags=["dark"], favourite=True)
    library.count_blind_test("noir in the rain", True)
    copy = library.duplicate("noir in the rain")
    assert copy.name == "Noir in the Rain 2"
    assert library.load(copy).digest == module().digest
    assert copy.notes == Notes(("dark",))


def test_an_entry_does_where_a_name_does(library: Library) -> None:
    entry = library.add(module())
    assert library.note(entry, favourite=True).notes.favourite
    library.remove(entry)
    with pytest.raises(BadModule, match="Noir in the Rain"):
        library.remove(entry)


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b'{"tags": 4}', b'{"tried": "x"}', b'{"tags": [null]}', b"\xff"])
def test_malformed_notes_are_no_notes_and_no_accident(text: bytes, library: Library) -> None:
    entry = library.add(module())
    (entry.path.parent / "notes.json").write_bytes(text)
    (listed,) = library.entries()
    assert not listed.problem
    assert not listed.notes.favourite


@given(st.builds(Notes, st.lists(st.text(max_size=30), max_size=5).map(tidy), st.booleans(), st.just(2), st.just(7)))
def test_notes_read_back(tmp_path_factory: pytest.TempPathFactory, noted: Notes) -> None:
    folder = Path(tmp_path_factory.mktemp("notes"))
    notes.write(folder, noted)
    assert notes.read(folder) == noted
    assert notes.changed_ns(str(folder)) > 0


@given(st.lists(st.text(max_size=300), max_size=60))
def test_tags_are_few_short_lines_each_once(tags: list[str]) -> None:
    kept = tidy(tags)
    assert len(kept) <= MOST_TAGS
    assert all(tag and "\n" not in tag and "," not in tag[:1] and len(tag) <= 200 for tag in kept)
    assert len({tag.casefold() for tag in kept}) == len(kept)
    assert tidy(kept) == kept
