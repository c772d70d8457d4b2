from __future__ import annotations

from pathlib import Path

from kobold_modules.disk.free_name import free_name, free_path


def test_a_name_nobody_has_stays_as_it_is() -> None:
    assert free_name("rain", lambda name: False) == "rain"


def test_a_name_somebody_has_gets_the_first_free_number() -> None:
    have = {"rain", "rain 2", "rain 4"}

    assert free_name("rain", have.__contains__) == "rain 3"
    assert free_name("rain", have.__contains__, "-") == "rain-2"


def test_one_that_always_has_a_number_begins_with_one() -> None:
    assert free_name("rain", lambda name: False, "-", always_number=True) == "rain-1"
    assert free_name("rain", {"rain-1"}.__contains__, "-", always_number=True) == "rain-2"


def test_a_file_gets_its_number_before_the_suffix(tmp_path: Path) -> None:
    path = tmp_path / "my.rain.json"
    assert free_path(path) == path

    path.write_text("{}")
    assert free_path(path).name == "my.rain-2.json"
    assert free_path(path, always_number=True).name == "my.rain-1.json"


def test_a_link_that_leads_nowhere_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "rain.txt").symlink_to(tmp_path / "gone")

    assert free_path(tmp_path / "rain.txt").name == "rain-2.txt"


def test_what_counts_as_taken_may_be_more_than_the_file(tmp_path: Path) -> None:
    (tmp_path / ".rain.json.take").write_text("")

    free = free_path(tmp_path / "rain.json", lambda path: path.with_name(f".{path.name}.take").exists())

    assert free.name == "rain-2.json"
