"""``generate --story``: a saved story goes on, in its own format, and loses nothing."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from kobold_modules.cli import main
from kobold_modules.generation.log import entries
from kobold_modules.stories.autosave import Autosave, journal_of
from kobold_modules.stories.file import backup_of, format_of, load, save
from kobold_modules.stories.story import Story
from tests.cli.commands.test_generate import ENDLESS, start, wait_for


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["generate", "--max-tokens", "6", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def story(tmp_path: Path) -> Path:
    save(Story("Rain", "It had rained for a week.", memory="Nora waits.", note="Sad."), tmp_path / "rain.json")
    return tmp_path / "rain.json"


def test_a_story_of_ours_grows_by_a_take(capsys: pytest.CaptureFixture[str], starter: Path, story: Path) -> None:
    code, out, err = run(capsys, "--story", str(story), "--seed", "3")

    again = load(story)
    assert code == 0
    assert again.text == "It had rained for a week." + out.removesuffix("\n")
    assert (again.takes[-1].label, again.takes[-1].seed) == ("no module", 3)
    assert load(backup_of(story)).text == "It had rained for a week."
    assert "seed 3" in err
    assert again.undo()
    assert again.text == "It had rained for a week."
    entry = entries()[-1]
    assert (entry["memory"], entry["note"]) == ("Nora waits.", "[Author's note: Sad.]")
    assert not journal_of(story).exists()


def test_a_prompt_is_added_as_the_writers_own(capsys: pytest.CaptureFixture[str], starter: Path, story: Path) -> None:
    run(capsys, "--story", str(story), "--prompt", "Then", "--memory", "Nora sings.")

    again = load(story)
    assert again.text.startswith("It had rained for a week. Then")
    assert [span.by_model for span in again.spans] == [False, True]
    assert again.memory == "Nora sings."


def test_the_last_take_is_written_again(capsys: pytest.CaptureFixture[str], starter: Path, story: Path) -> None:
    assert run(capsys, "--story", str(story), "--retry")[0] == 2
    run(capsys, "--story", str(story), "--seed", "1")
    first = load(story)
    run(capsys, "--story", str(story), "--seed", "2", "--retry")

    second = load(story)
    assert second.text.startswith("It had rained for a week.")
    assert second.text != first.text
    assert len(second.takes) == 1
    assert second.undo()
    assert second.undo()
    assert second.text == first.text


@pytest.mark.parametrize("name", ["new.json", "new.lite.json", "new.txt", "new.md"])
def test_a_story_begins_with_a_prompt(
    capsys: pytest.CaptureFixture[str], starter: Path, tmp_path: Path, name: str
) -> None:
    assert run(capsys, "--story", str(tmp_path / name))[0] == 3
    assert run(capsys, "--story", str(tmp_path / name), "--prompt", "It began")[0] == 0

    assert load(tmp_path / name).text.startswith("It began")
    assert len(load(tmp_path / name).text) > len("It began")


def test_a_lite_story_is_continued_and_stays_lites(
    capsys: pytest.CaptureFixture[str], starter: Path, tmp_path: Path
) -> None:
    lite = {"gamestarted": True, "prompt": "It had rained", "actions": [" for a week."], "worldinfo": [7], "new": {}}
    (tmp_path / "s.json").write_text(json.dumps(lite))
    assert run(capsys, "--story", str(tmp_path / "s.json"))[0] == 0

    data = json.loads((tmp_path / "s.json").read_text())
    assert (data["prompt"], data["actions"][0], data["worldinfo"], data["new"]) == (
        "It had rained",
        " for a week.",
        [7],
        {},
    )
    assert len(data["actions"]) == 2


def test_a_story_is_saved_elsewhere_in_another_shape_without_a_model(
    capsys: pytest.CaptureFixture[str], story: Path
) -> None:
    for name, format in (("b.lite.json", "lite"), ("b.txt", "text"), ("b.md", "text"), ("b.json", "ours")):
        target = story.parent / name
        code, _, _ = run(capsys, "--story", str(story), "--save-as", str(target), "--max-tokens", "0")
        assert code == 0
        assert format_of(target) == format
        assert load(target).text == "It had rained for a week."


def test_what_a_killed_interface_left_is_taken_in_first(
    capsys: pytest.CaptureFixture[str], starter: Path, story: Path
) -> None:
    autosave = Autosave(story)
    autosave.begin(load(story), "noir", 1)
    autosave.feed(" She left.")
    _, _, err = run(capsys, "--story", str(story))

    assert "2 words" in err
    assert load(story).text.startswith("It had rained for a week. She left.")


def test_kill_9_in_a_story_loses_nothing(starter: Path, story: Path, home: Path) -> None:
    process = start(home, "--story", str(story), *ENDLESS)
    assert process.stdout is not None
    shown = process.stdout.read(200)
    process.send_signal(signal.SIGKILL)
    shown += process.stdout.read()
    process.communicate()

    assert load(story, recovering=False).text == "It had rained for a week."
    assert load(story).text.startswith("It had rained for a week." + shown.decode(errors="ignore"))


def test_ctrl_c_in_a_story_saves_it(starter: Path, story: Path, home: Path) -> None:
    process = start(home, "--story", str(story), *ENDLESS)
    assert process.stdout is not None
    shown = process.stdout.read(100)
    process.send_signal(signal.SIGINT)
    shown += process.communicate()[0]

    assert process.returncode == 130
    assert load(story).text == "It had rained for a week." + shown.decode().removesuffix("\n")
    assert load(story).can_retry


def test_a_story_changed_by_another_program_meanwhile_is_not_overwritten(
    starter: Path, story: Path, home: Path
) -> None:
    process = start(home, "--story", str(story), *ENDLESS)
    wait_for(process, lambda: journal_of(story).exists())
    assert process.stdout is not None
    process.stdout.read(50)
    save(Story("Rain", "Another text."), story.with_name("other.json"))
    story.write_bytes(story.with_name("other.json").read_bytes())
    process.send_signal(signal.SIGINT)
    process.communicate()

    assert load(story).text == "Another text."
    assert load(story.with_name("rain.continued-1.json")).text.startswith("It had rained for a week.")


def lite_save(path: Path, **members: object) -> Path:
    path.write_text(json.dumps({"gamestarted": True, "prompt": "It rained.", "actions": [" On."], **members}))
    return path


def test_a_save_says_what_of_it_is_used(capsys: pytest.CaptureFixture[str], starter: Path, tmp_path: Path) -> None:
    """S09: its stop strings and bans hold for the take, and its world info is not passed over in silence."""
    path = lite_save(
        tmp_path / "s.json", worldinfo=[{"key": "rained", "content": "Wet."}], extrastopseq="e", tokenbans="o"
    )
    code, out, err = run(capsys, "--story", str(path), "--max-tokens", "40", "--seed", "1")

    assert code == 0
    assert "Used from this save: 1 stop string, 1 banned phrase and world info (1 entry)." in err
    assert "Lore: 1 of 1 entries are in, " in err
    assert "e" not in out
    assert "o" not in out.lower()


def test_a_picture_of_todays_lite_is_not_read_by_the_model(
    capsys: pytest.CaptureFixture[str], starter: Path, tmp_path: Path
) -> None:
    """S01."""
    path = lite_save(tmp_path / "s.json", actions=[" On.[<|h|a41f|h|>]"], completed_imgs_meta={"a41f": {}})
    assert run(capsys, "--story", str(path), "--max-tokens", "0", "--save-as", str(tmp_path / "out.txt"))[0] == 0
    assert (tmp_path / "out.txt").read_text() == "It rained. On.\n"
    assert run(capsys, "--story", str(path))[0] == 0
    assert "[<|h|a41f|h|>]" in path.read_text()


def test_a_story_that_is_only_read_asks_for_another_place_before_a_word_is_written(
    capsys: pytest.CaptureFixture[str], starter: Path, tmp_path: Path
) -> None:
    """S05, S06: nothing is generated that could not be kept."""
    path = tmp_path / "pier.scenario"
    path.write_text(json.dumps({"scenarioVersion": 3, "prompt": "The tide turned."}))
    code, out, err = run(capsys, "--story", str(path))
    assert (code, out) == (2, "")
    assert "--save-as pier.json" in err

    code, out, _ = run(capsys, "--story", str(path), "--save-as", str(tmp_path / "pier.json"))
    assert code == 0
    assert load(tmp_path / "pier.json").text == "The tide turned." + out.removesuffix("\n")


def test_a_story_is_not_saved_over_another_file_without_being_told(
    capsys: pytest.CaptureFixture[str], story: Path, tmp_path: Path
) -> None:
    """F2, for --save-as."""
    (tmp_path / "chapter.md").write_text("Mine.\n")
    arguments = ("--story", str(story), "--max-tokens", "0", "--save-as", str(tmp_path / "chapter.md"))
    assert run(capsys, *arguments)[0] == 2
    assert (tmp_path / "chapter.md").read_text() == "Mine.\n"
    assert run(capsys, *arguments, "--replace")[0] == 0
    assert (tmp_path / "chapter.md").read_text() == "It had rained for a week.\n"
