"""``lore``, and ``--lore`` of the verbs that write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kobold_modules.cli import main
from kobold_modules.generation.log import entries
from kobold_modules.stories.file import load
from tests.lorebook import cards, examples


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main([*arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "skerry.json"
    path.write_bytes(examples.FILES["SillyTavern"])
    return path


def test_a_lorebook_is_shown_with_what_each_entry_costs(
    capsys: pytest.CaptureFixture[str], starter: Path, book: Path
) -> None:
    code, out, _ = run(capsys, "lore", str(book))
    told = lines(run(capsys, "lore", str(book), "--json")[1])[0]

    assert code == 0
    assert "skerry: SillyTavern world info, 3 entries" in out
    assert "Orla, the keeper" in out
    assert "always in" in out
    assert out.index("Switched off, not used and not trained:") < out.index("Rumour")
    costs = [entry["tokens"] for entry in told["entries"]]
    assert all(5 < cost < 60 for cost in costs)
    assert told["tokens"] == costs[0] + costs[1]
    assert f"{told['tokens']} tokens of starter in 2 entries, and {costs[2]} in 1 entry switched off." in out


def test_several_are_shown_each_by_itself(capsys: pytest.CaptureFixture[str], starter: Path, tmp_path: Path) -> None:
    for name in ("card V2 PNG", "Markdown"):
        (tmp_path / name).write_bytes(examples.FILES[name])

    told = lines(run(capsys, "lore", str(tmp_path / "card V2 PNG"), str(tmp_path / "Markdown"), "--json")[1])

    assert [one["format"] for one in told] == ["character card", "Markdown world bible"]


def test_any_is_written_as_sillytaverns(capsys: pytest.CaptureFixture[str], starter: Path, tmp_path: Path) -> None:
    (tmp_path / "a.lorebook").write_bytes(examples.FILES["NovelAI 6"])
    target = tmp_path / "a.json"

    assert run(capsys, "lore", str(tmp_path / "a.lorebook"), "--to", str(target))[0] == 0
    assert json.loads(target.read_text())["entries"]["0"]["key"] == ["Orla", "the keeper"]
    code, _, err = run(capsys, "lore", str(tmp_path / "a.lorebook"), "--to", str(target))
    assert code == 2
    assert "--replace" in err


def test_what_is_none_is_one_sentence_and_exit_code_3(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, starter: Path
) -> None:
    (tmp_path / "a.json").write_text('{"half": ')

    for arguments in (
        ("lore", str(tmp_path / "a.json")),
        ("generate", "--prompt", "x", "--lore", str(tmp_path / "no.json")),
    ):
        code, out, err = run(capsys, *arguments)
        assert code == 3
        assert out == ""
        assert err.startswith("error: ")


def test_names_of_strangers_do_nothing_to_the_terminal(
    capsys: pytest.CaptureFixture[str], starter: Path, tmp_path: Path
) -> None:
    entry = {"title": "\x1b[2JOrla\r\n", "keys": ["\x07a"], "content": "\x1b]0;x\x07y"}
    (tmp_path / "a.json").write_text(json.dumps({"entries": [entry]}))

    for more in ((), ("--json",)):
        _, out, err = run(capsys, "lore", str(tmp_path / "a.json"), *more)
        assert (out + err).replace("\n", "").isprintable()


def test_entries_come_in_by_their_keys_and_change_what_is_written(
    capsys: pytest.CaptureFixture[str], starter: Path, book: Path
) -> None:
    start = ("generate", "--max-tokens", "20", "--seed", "4", "--prompt")
    _, plain, _ = run(capsys, *start, "Orla woke.")
    _, out, err = run(capsys, *start, "Orla woke.", "--lore", str(book))

    assert "Lore: 2 of 2 entries are in" in err
    assert "Orla, The light." in err
    assert out.startswith("Orla woke.")  # the entries are for the model alone
    assert out != plain
    _, _, other = run(capsys, *start, "The sea.", "--lore", str(book))
    assert "Lore: 1 of 2 entries are in" in other


def test_what_came_in_is_in_the_log_and_a_replay_needs_no_lorebook(
    capsys: pytest.CaptureFixture[str], starter: Path, book: Path
) -> None:
    run(capsys, "generate", "--max-tokens", "20", "--prompt", "Orla woke.", "--lore", str(book))
    book.unlink()

    assert entries()[-1]["lore"] == [cards.KEEPER + "\n", cards.LIGHT + "\n"]
    code, out, err = run(capsys, "generate", "--replay", "last", "--json")
    assert code == 0, err
    assert lines(out)[-1]["identical"] is True


def test_a_log_without_texts_says_that_it_cannot_be_replayed(
    capsys: pytest.CaptureFixture[str], starter: Path, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOBOLD_MODULES_JOURNAL", "settings")
    run(capsys, "generate", "--max-tokens", "5", "--prompt", "Orla woke.", "--lore", str(book))

    assert cards.KEEPER not in json.dumps(entries()[-1])
    code, _, err = run(capsys, "generate", "--replay", "last", "--prompt", "Orla woke.")
    assert code == 2
    assert "written with a lorebook" in err


def test_how_far_and_how_much_is_looked_for_can_be_said(
    capsys: pytest.CaptureFixture[str], starter: Path, book: Path
) -> None:
    far = "Orla woke.\n" + "It was grey.\n" * 12
    start = ("generate", "--max-tokens", "1", "--lore", str(book), "--json", "--prompt")

    def titles(*more: str) -> list[str]:
        told = next(line["lore"] for line in lines(run(capsys, *start, *more)[1]) if "lore" in line)
        return [entry["title"] for entry in told["entries"]]

    assert titles(far) == ["The light"]
    assert titles(far, "--lore-depth", "13") == ["Orla", "The light"]
    assert titles("Orla woke.", "--lore-budget", "30") == ["The light"]
    assert titles("Orla woke.", "--lore-budget", "0") == []


def test_every_way_of_writing_takes_lore(
    capsys: pytest.CaptureFixture[str], starter: Path, book: Path, tmp_path: Path
) -> None:
    batch = tmp_path / "batch.jsonl"
    batch.write_text('{"prompt": "Orla woke."}\n{"prompt": "The sea."}\n')
    more = ("--lore", str(book), "--max-tokens", "3")
    one = ("--prompt", "Orla woke.")

    assert run(capsys, "generate", "--batch", str(batch), *more)[0] == 0
    assert [len(entry["lore"]) for entry in entries()] == [2, 1]
    assert run(capsys, "compare", "--stack", "none", "--takes", "2", *one, *more)[0] == 0
    assert [len(entry["lore"]) for entry in entries()[2:]] == [2, 2]
    for way in (("--peek", "3"), ("--best", "2")):
        code, _, err = run(capsys, "generate", *way, *one, *more)
        assert code == 0, err
        assert "Lore: 2 of 2 entries are in" in err


def test_a_lorebook_given_to_a_story_stays_with_it(
    capsys: pytest.CaptureFixture[str], starter: Path, book: Path, tmp_path: Path
) -> None:
    path = tmp_path / "tale.json"
    start = ("generate", "--story", str(path), "--max-tokens", "5")

    assert run(capsys, *start, "--prompt", "Orla woke.", "--lore", str(book))[0] == 0
    assert load(path).lorebooks == (str(book),)
    _, _, err = run(capsys, *start)
    assert "Lore: 2 of 2 entries are in" in err
    book.unlink()
    code, _, err = run(capsys, *start)
    assert code == 0
    assert "warning: A lorebook of this story is left out. There is no file" in err
