import pytest

from kobold_modules.corpus.cleaning.layout.breaks import is_break, scene_breaks, tidy_breaks


HABITS = ["***", "* * *", "*", "---", "- - -", "—", "___", "#", "###", "# # #", "~~~", "~", "⁂", "• • •", "§", "====="]
HABITS += ["~*~*~", "-=-=-=-", "<hr>", "<hr />", "oOo", "o0o", "xxx", "x x x", "[scene break]", "-o0o-", "❦", "*****"]


@pytest.mark.parametrize("habit", HABITS)
def test_every_habit_of_scene_break_is_known(habit: str) -> None:
    assert is_break(habit)
    text, _ = scene_breaks(f"One.\n\n   {habit}\n\nTwo.")
    assert text == "One.\n\n* * *\n\nTwo."


@pytest.mark.parametrize(
    "line",
    ["", "-", "...", ". . .", '"..."', "- item", "* item", "O", "Ox", "|", "1", "No", "?!", "***Stop***", "> > said"],
)
def test_other_lines_are_no_breaks(line: str) -> None:
    assert not is_break(line)


def test_break_without_blank_lines_gets_them() -> None:
    assert scene_breaks("One.\n***\nTwo.")[0] == "One.\n\n* * *\n\nTwo."


def test_breaks_at_the_ends_go_and_neighbours_merge() -> None:
    text, _ = tidy_breaks("\n* * *\n\nOne.\n\n\n* * *\n\n* * *\n\nTwo.\n\n* * *\n")
    assert text == "One.\n\n* * *\n\nTwo."


def test_break_already_right_is_not_reported() -> None:
    assert scene_breaks("One.\n\n* * *\n\nTwo.")[1].count == 0
