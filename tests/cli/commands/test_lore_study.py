"""``lore --study``: what would be asked about a lore, before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kobold_modules.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main([*arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def bible(tmp_path: Path) -> Path:
    path = tmp_path / "bible.md"
    path.write_text(
        "# Tamsin Hale\nA woman of the marsh. She has buried three husbands in Port Alder.\n\n"
        "# Port Alder\nA harbour town, known for its swans. It has one bridge.\n\n# Dust\nGrey.\n"
    )
    return path


def test_what_would_be_asked_is_shown_by_entry_with_its_coverage(
    capsys: pytest.CaptureFixture[str], starter: Path, bible: Path
) -> None:
    code, out, _ = run(capsys, "lore", str(bible), "--study", "--show", "60")

    assert code == 0
    assert "buried three husbands" in out
    assert "-> Tamsin Hale" in " ".join(out.split())
    assert "Each part of the lore is in view" in out
    assert "Little can be asked about Dust" in out


def test_as_json_everything_is_in_the_last_line(capsys: pytest.CaptureFixture[str], starter: Path, bible: Path) -> None:
    code, out, err = run(capsys, "lore", str(bible), "--study", "--show", "1", "--json")
    told: dict[str, Any] = json.loads(out.splitlines()[-1])

    assert code == 0
    assert err == ""
    assert [entry["title"] for entry in told["entries"]] == ["Tamsin Hale", "Port Alder", "Dust"]
    assert all(len(entry["asked"]) == 1 for entry in told["entries"])
    assert told["examples"] == sum(entry["examples"] for entry in told["entries"])
    assert told["asked_little"] == ["Dust"]
    assert told["coverage"] > 5


def test_a_plain_text_is_lore_too(capsys: pytest.CaptureFixture[str], starter: Path, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Joss, the toll at the Salt Gate has been three pence since 412. Come soon. " * 8)

    code, out, _ = run(capsys, "lore", str(path), "--study")

    assert code == 0
    assert "letter" in out


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("--show", "-1"), 2, "--show takes"),
        (("--minutes", "-1"), 2, "The model can write for"),
        (("--minutes", "nan"), 2, "The model can write for"),
        (("--to", "a.json"), 2, "Give one of the two"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    capsys: pytest.CaptureFixture[str], starter: Path, bible: Path, more: tuple[str, ...], code: int, said: str
) -> None:
    answer, out, err = run(capsys, "lore", str(bible), "--study", *more)

    assert (answer, out) == (code, "")
    assert said in err


def test_a_lorebook_without_entries_is_exit_code_3(
    capsys: pytest.CaptureFixture[str], starter: Path, tmp_path: Path
) -> None:
    path = tmp_path / "book.json"
    path.write_text('{"entries": {"0": {"uid": 0, "key": ["a"], "content": "b", "disable": true}}}')

    code, _, err = run(capsys, "lore", str(path), "--study")

    assert code == 3
    assert "nothing to learn (one entry is switched off)." in err


def test_the_model_writes_some_itself(capsys: pytest.CaptureFixture[str], stories: Path, bible: Path) -> None:
    model = str(stories / "stories260K-F16.gguf")
    code, out, err = run(capsys, "lore", str(bible), "--study", "--model", model, "--minutes", "0.02", "--json")
    told = json.loads(out.splitlines()[-1])

    assert (code, err) == (0, "")
    assert told["dropped"] or any(one["source"] == "teacher" for entry in told["entries"] for one in entry["asked"])


def test_one_entry_is_not_entries(capsys: pytest.CaptureFixture[str], starter: Path, tmp_path: Path) -> None:
    book = tmp_path / "lore.md"
    book.write_text("# Orr\n\nOrr is a town on a rock.\n")
    assert " about 1 entry: " in run(capsys, "lore", "--study", str(book), "--model", str(starter))[1]
