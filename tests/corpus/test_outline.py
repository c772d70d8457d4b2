"""The parts of a story, as its writer sees them."""

from __future__ import annotations

from kobold_modules.corpus.outline import outline


def titles(text: str) -> list[tuple[str, int]]:
    return [(part.title, part.level) for part in outline(text)]


def test_headings_scenes_and_what_stands_before_them() -> None:
    text = "A word before.\n\nChapter One\n\nIt rained.\n\n* * *\n\nIt stopped.\n\n## Later\n\nPrologue to nothing."
    assert titles(text) == [("Beginning", 0), ("Chapter One", 0), ("It stopped.", 2), ("Later", 1)]
    parts = outline(text)
    assert [text[part.start :].partition("\n")[0] for part in parts[1:]] == ["Chapter One", "It stopped.", "## Later"]
    assert sum(part.words for part in parts) == len(text.split())


def test_numbers_and_markdown_titles() -> None:
    assert titles("IV\n\nText.\n\n# The Sea #\n\nText.\n\nPART TWO: The Shore\n\nText.") == [
        ("IV", 0),
        ("The Sea", 0),
        ("PART TWO: The Shore", 0),
    ]


def test_prose_has_one_part_and_nothing_has_none() -> None:
    assert titles("She counted: one,\ntwo. Chapter and verse.") == [("Beginning", 0)]
    assert outline("  \n") == []
