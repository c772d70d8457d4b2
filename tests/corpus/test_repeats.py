"""T50: a novel and its chapters, two exports of one chapter: no page on both sides of the split, and it is said."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from kobold_modules.corpus import Split, read, split
from kobold_modules.corpus.previewing import preview


WORDS = tuple(
    word
    for line in (
        "harbour lamp letter stairs window coat winter ferry clerk garden bell paper ink brother kettle salt rope",
        "chair morning voice door road candle hand story river glass kitchen uncle market",
    )
    for word in line.split()
)


def paragraph(dice: random.Random, words: int = 30) -> str:
    """Return prose of a kind, different each time: ``The lamp and the ferry went, and ...``."""
    found = [dice.choice(WORDS) for _ in range(words)]
    return "The " + " and the ".join(found[: words // 3]) + ", " + " ".join(found[words // 3 :]) + "."


def chapter(seed: int, paragraphs: int = 30) -> list[str]:
    dice = random.Random(seed)
    text = [paragraph(dice) for _ in range(paragraphs)]
    text[4] = text[11] = '"Yes," he said.'  # stands in every book
    return text


def write(folder: Path, **files: list[str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, paragraphs in files.items():
        (folder / f"{name}.txt").write_text("\n\n".join(paragraphs) + "\n", encoding="utf-8")
    return folder


def letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def shared(parts: Split) -> set[str]:
    """Return the paragraphs on both sides, as letters; ``"Yes," he said.`` may be."""
    sides = [{letters(p) for text in texts for p in text.split("\n\n")} for texts in (parts.train, parts.held_out)]
    return {each for each in sides[0] & sides[1] if len(each) > 20}


CHAPTERS = [chapter(seed) for seed in range(9)]
NOVEL = [each for chapter in CHAPTERS for each in chapter]


def test_a_novel_and_its_chapters_are_read_once(tmp_path: Path) -> None:
    files = {f"chapter-{at}": paragraphs for at, paragraphs in enumerate(CHAPTERS)}
    corpus = read([write(tmp_path / "book", novel=NOVEL, **files)])
    alone = read([write(tmp_path / "alone", novel=NOVEL)])

    assert [document.name for document in corpus.documents] == ["novel.txt"]
    assert corpus.words == alone.words
    assert "9 of 10 files hold pages that stand in another file, too; each page is counted once." in corpus.describe()
    assert sum("Not used: its pages also stand in novel.txt." in line for line in corpus.describe()) == 9
    assert not shared(split(corpus))
    assert split(corpus) == split(alone)


def test_a_chapter_with_pages_of_its_own_keeps_those(tmp_path: Path) -> None:
    extra = chapter(99, 12)
    corpus = read([write(tmp_path / "book", novel=NOVEL, chapter=[*CHAPTERS[2], *extra])])

    kept = next(document for document in corpus.documents if document.name == "chapter.txt")
    assert letters(extra[0]) in letters(kept.text)
    assert letters(CHAPTERS[2][0]) not in letters(kept.text)
    assert any("paragraphs also stand in novel.txt; they are counted once." in line for line in corpus.describe())


def test_two_exports_that_differ_in_typography_are_one(tmp_path: Path) -> None:
    plain = [each.replace("The ", '"The').replace(".", '."') for each in CHAPTERS[0]]
    curly = [each.replace("The ", "“The").replace(" and ", "  AND ").replace(".", "…”") for each in CHAPTERS[0]]
    corpus = read([write(tmp_path / "book", one=plain * 1, two=curly)])

    assert len(corpus.documents) == 1
    assert not shared(split(corpus))


def test_pages_broken_in_other_places_do_not_stand_on_both_sides(tmp_path: Path) -> None:
    """Another export: all of a chapter in one paragraph."""
    sentences = [sentence for each in CHAPTERS for sentence in each]
    corpus = read([write(tmp_path / "book", a=sentences, b=[" ".join(each) for each in CHAPTERS])])
    parts = split(corpus)

    trained = letters(" ".join(parts.train))
    held_out = [p for text in parts.held_out for p in text.split("\n\n") if len(p) > 60]
    assert held_out
    assert not [p for p in held_out if letters(p) in trained]
    assert "were left out of training." in parts.describe()[0]


def test_a_revised_draft_is_the_same_page(tmp_path: Path) -> None:
    def revised(text: str) -> str:
        words = text.split(" ")
        words[len(words) // 2] = "unexpectedly"
        return " ".join(words)

    corpus = read([write(tmp_path / "book", draft=NOVEL, final=[revised(each) for each in NOVEL])])
    parts = split(corpus)

    held_out = {p for text in parts.held_out for p in text.split("\n\n") if len(p) > 60}
    trained = {p for text in parts.train for p in text.split("\n\n")}
    assert held_out
    assert not {revised(p) for p in held_out} & trained
    assert not held_out & trained
    count, of = parts.repeated, parts.of
    assert count == of > 0
    assert parts.describe() == [
        f"{count} of {of} held-out paragraphs also stood elsewhere in these texts; "
        "those pages were left out of training."
    ]


def test_different_books_lose_nothing(tmp_path: Path) -> None:
    files = {f"chapter-{at}": paragraphs for at, paragraphs in enumerate(CHAPTERS)}
    corpus = read([write(tmp_path / "book", **files)])
    parts = split(corpus)

    assert len(corpus.documents) == 9
    assert parts.repeated == 0
    assert parts.describe() == []
    assert sum(len(text.split("\n\n")) for text in (*parts.train, *parts.held_out)) == len(NOVEL)


def test_a_motto_in_every_story_is_no_page_that_stands_twice(tmp_path: Path) -> None:
    motto = "Who walks by night along the quay shall never find the harbour again, they say in Saltmere."
    corpus = read([write(tmp_path / "book", one=[motto, *chapter(1)], two=[motto, *chapter(2)])])

    assert all(document.text.startswith(motto) for document in corpus.documents)


def test_a_text_that_only_repeats_itself_is_kept_and_it_is_said(tmp_path: Path) -> None:
    corpus = read([write(tmp_path / "book", mantra=chapter(1, 12) * 20)])
    parts = split(corpus)

    assert parts.train
    assert "says little" in parts.describe()[0]


@pytest.mark.parametrize("of", ["preview", "dry run"])
def test_it_is_said_before_a_training(
    of: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], starter: Path
) -> None:
    files = {f"chapter-{at}": paragraphs for at, paragraphs in enumerate(CHAPTERS)}
    folder = write(tmp_path / "book", novel=NOVEL, **files)
    if of == "preview":
        shown = preview([folder])
        text = "\n".join(shown.warnings)
        assert [page.words > 0 for page in shown.pages] == [False] * 9 + [True]
    else:
        from kobold_modules.cli import main

        assert main(["train", str(folder), "--name", "x", "--dry-run", "--tokens", "4"]) == 0
        text = capsys.readouterr().err
    assert "9 of 10 files hold pages that stand in another file, too; each page is counted once." in text
