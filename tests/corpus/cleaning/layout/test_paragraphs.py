import textwrap

import pytest

from kobold_modules.corpus.cleaning.layout.breaks import tidy_breaks
from kobold_modules.corpus.cleaning.layout.paragraphs import paragraphs as rejoin_paragraphs
from kobold_modules.corpus.cleaning.layout.wrapping import measure


def wrap(paragraph: str, width: int, first: str = "") -> str:
    return textwrap.fill(paragraph, width, initial_indent=first, break_on_hyphens=False)


def cleaned(text: str) -> str:
    return tidy_breaks(rejoin_paragraphs(text)[0])[0]


@pytest.mark.parametrize("width", [50, 60, 72, 80, 90])
def test_broken_lines_are_rejoined(paragraphs: list[str], prose: str, width: int) -> None:
    broken = "\n\n".join(wrap(paragraph, width) for paragraph in paragraphs)
    assert cleaned(broken) == prose


def test_indented_broken_lines_are_rejoined_and_parted(paragraphs: list[str], prose: str) -> None:
    broken = "\n".join(wrap(paragraph, 66, "    ") for paragraph in paragraphs)
    assert cleaned(broken) == prose


def test_one_line_a_paragraph_gets_blank_lines(paragraphs: list[str], prose: str) -> None:
    assert cleaned("\n".join(paragraphs)) == prose
    assert cleaned("\n".join(f"   {paragraph}" for paragraph in paragraphs)) == prose


def test_broken_lines_without_any_gap_part_at_short_lines(paragraphs: list[str]) -> None:
    text = cleaned("\n".join(wrap(paragraph, 66) for paragraph in paragraphs))
    found = text.split("\n\n")
    assert len(set(found) & set(paragraphs)) >= 0.6 * len(paragraphs)
    assert text.split() == " ".join(paragraphs).split()


def test_blank_line_among_undivided_paragraphs_is_a_scene_break(paragraphs: list[str]) -> None:
    text = "\n".join(paragraphs * 2) + "\n\n" + "\n".join(paragraphs)
    assert cleaned(text).count("* * *") == 1


def test_clean_prose_stays_as_it_is(prose: str) -> None:
    assert rejoin_paragraphs(prose) == (prose, rejoin_paragraphs(prose)[1])
    assert rejoin_paragraphs(prose)[1].count == 0


VERSE = (
    "I saw a ship of sable hull\nCome slowly up the sound,\nAnd every gull that cried above\nFell silent, and was gone."
)


def test_verse_among_broken_lines_keeps_its_lines(paragraphs: list[str]) -> None:
    pieces = [wrap(paragraph, 72) for paragraph in paragraphs]
    text = "\n\n".join([*pieces[:4], VERSE, *pieces[4:]])
    assert cleaned(text) == "\n\n".join([*paragraphs[:4], VERSE, *paragraphs[4:]])


def test_verse_among_clean_paragraphs_keeps_its_lines(paragraphs: list[str]) -> None:
    text = "\n\n".join([*paragraphs[:4], VERSE, *paragraphs[4:]])
    assert cleaned(text) == text


def test_a_file_of_verse_keeps_its_lines() -> None:
    text = "\n\n".join([VERSE] * 6)
    assert cleaned(text) == text


def test_list_keeps_its_lines(prose: str) -> None:
    text = f"{prose}\n\n- a rope\n- two lamps, both full.\n- the bread\n\n{prose}"
    assert cleaned(text) == text


def test_heading_above_broken_lines_stays_apart(paragraphs: list[str]) -> None:
    broken = "\n\n".join(wrap(paragraph, 70) for paragraph in paragraphs)
    assert cleaned(f"Chapter One\n{broken}") == "\n\n".join(["Chapter One", *paragraphs])


def test_layout_of_broken_lines_is_measured(paragraphs: list[str]) -> None:
    layout = measure([wrap(paragraph, 72).split("\n") for paragraph in paragraphs])
    assert 65 <= layout.width <= 72
    assert not layout.tight
    assert not layout.line_each
