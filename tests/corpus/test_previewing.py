"""The preview: pages as they will be trained on, and each change with its reason and an example."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kobold_modules.corpus.preview import Preview
from kobold_modules.corpus.previewing import example, preview


LINES = "\u201cYou could have asked,\u201d said Marta.  She waited.\r\n\r\n\r\n\r\nNobody came -- nobody at all.\t\r\n"
MESSY = "\ufeff" + LINES * 20


@pytest.fixture
def pages(tmp_path: Path, prose: str) -> Path:
    (tmp_path / "clean.txt").write_text(prose, encoding="utf-8")
    (tmp_path / "messy.txt").write_bytes(MESSY.encode())
    (tmp_path / "notes.pdb").write_bytes(bytes(60) + b"BOOKMOBI" + bytes(100))
    return tmp_path


def test_each_change_has_its_reason_and_an_example(pages: Path) -> None:
    seen = preview([pages])

    clean, messy = seen.pages
    assert (clean.name, clean.changes) == ("clean.txt", ())
    assert clean.text.startswith("The ferry did not run on Sundays")
    assert messy.words
    quoted = next(change for change in messy.changes if "quot" in change.what)
    assert quoted.count >= 40
    assert quoted.why
    assert "\u201cYou" in quoted.before
    assert '"You' in quoted.after
    assert all(change.before != change.after for change in messy.changes if change.before)
    assert sum(bool(change.before) for change in messy.changes) >= len(messy.changes) - 1
    assert seen.words == clean.words + messy.words
    assert seen.passed_over == ("notes.pdb",)
    assert any("words are little" in warning for warning in seen.warnings)


def test_a_bad_file_is_told_and_the_others_are_shown(pages: Path) -> None:
    seen = preview([pages / "notes.pdb", pages / "clean.txt", pages / "missing.txt"])

    assert [page.name for page in seen.pages] == ["clean.txt"]
    assert [Path(problem.path).name for problem in seen.problems] == ["notes.pdb", "missing.txt"]
    assert "looks like a Kindle book" in seen.problems[0].message
    assert seen.problems[0].hint


def test_nothing_chosen_is_nothing_to_show() -> None:
    assert preview([]) == Preview()


def test_a_file_that_is_not_used_says_so(pages: Path) -> None:
    (pages / "twin.txt").write_bytes((pages / "clean.txt").read_bytes())

    twin = next(page for page in preview([pages]).pages if page.name == "twin.txt")

    assert twin.words == 0
    assert "same text as clean.txt" in twin.warnings[0]
    assert twin.text == ""


def test_a_process_of_its_own_says_the_same_and_loads_nothing_heavy(pages: Path) -> None:
    command = [sys.executable, "-m", "kobold_modules.corpus.previewing", str(pages)]
    done = subprocess.run(command, capture_output=True, check=True)
    assert Preview.from_json(done.stdout) == preview([pages])
    heavy = "[m for m in ('torch', 'numpy', 'textual') if m in sys.modules]"
    probe = f"import sys, kobold_modules.corpus.previewing; print({heavy})"
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("nonsense", ["", "{}", "[]", '{"pages": [{}], "words": 1}'])
def test_nonsense_is_no_preview(nonsense: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Preview.from_json(nonsense)


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        ("a — b", "a - b", "a — b", "a - b"),
        ("one [gone] two three four", "one two three four", "one [gone] two three fou", "one two three fou"),
        ("end. \nNext", "end.\nNext", "end.·↵Next", "end.↵Next"),
        ("x\x07y", "xy", "x▯y", "xy"),
    ],
)
def test_examples_show_the_place(old: str, new: str, before: str, after: str) -> None:
    shown = example(old, new)
    assert shown[0].startswith(before[:8])
    assert shown[1].startswith(after[:5])
    assert shown[0] != shown[1]


def test_a_rule_that_is_kept_off_changes_nothing_and_each_change_names_its_rule(tmp_path: Path, prose: str) -> None:
    (tmp_path / "stars.txt").write_text(f'{prose}\n\nMara: *steps back* "No."', encoding="utf-8")
    (page,) = preview([tmp_path]).pages
    assert [change.rule for change in page.changes] == ["emphasis"]
    (kept,) = preview([tmp_path], ["stars"]).pages
    assert kept.changes == ()
