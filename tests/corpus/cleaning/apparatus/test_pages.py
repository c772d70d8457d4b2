import textwrap

from kobold_modules.corpus.cleaning.apparatus.pages import page_furniture
from kobold_modules.corpus.cleaning.clean import clean
from kobold_modules.corpus.cleaning.layout.breaks import tidy_breaks


def pages(paragraphs: list[str], top: str, bottom: str, length: int = 7) -> str:
    """Lay the paragraphs out on small pages, a running head above and a number below each."""
    lines = "\n\n".join(textwrap.fill(paragraph, 66) for paragraph in paragraphs).split("\n")
    out = []
    for number, start in enumerate(range(0, len(lines), length), 41):
        out += [top.format(number), "", *lines[start : start + length], "", bottom.format(number), "\f"]
    return "\n".join(out)


def test_page_numbers_and_running_heads_go(paragraphs: list[str]) -> None:
    text, changes = clean(pages(paragraphs * 3, "A Sound of Boats {}", "{}"))
    assert "Sound of Boats" not in text
    assert not any(paragraph.strip().isdigit() for paragraph in text.split("\n\n"))
    assert text.split() == " ".join(paragraphs * 3).split()
    assert any("page numbers" in change.what for change in changes)


def test_most_sentences_cut_by_a_page_are_closed(paragraphs: list[str]) -> None:
    text, _ = clean(pages(paragraphs * 3, "A SOUND OF BOATS", "- {} -"))
    whole = [paragraph for paragraph in text.split("\n\n") if paragraph in paragraphs]
    assert len(whole) >= 0.8 * 3 * len(paragraphs)


def test_chapter_numbers_are_no_page_numbers(prose: str) -> None:
    text = "\n\n".join(f"{number}\n\n{prose}" for number in range(1, 8))
    assert page_furniture(text)[0] == text


def test_refrain_is_no_running_head(paragraphs: list[str]) -> None:
    text = "\n\n".join(f"{paragraph}\n\nNever again" for paragraph in paragraphs)
    assert page_furniture(text)[0] == text


def test_marked_page_numbers_go_anywhere() -> None:
    text = "The boat [Pg 12] was late.\n\nPage 13 of 20\n\nIt came.\n\n[14]\n\nThey went."
    assert tidy_breaks(page_furniture(text)[0])[0] == "The boat was late.\n\nIt came.\n\nThey went."


def test_prose_that_comes_back_is_no_running_head() -> None:
    """T24: pages that stand several times in a file keep their lines, however much like titles these are set."""
    page = (
        "Chapter Five\n\nSaint Wenna's Is at the Top of Nine Steps. There Are a Hundred\nand forty of them, and nobody "
        "remembers why.\n\nThe Captain of the Second Boat Said to the Mate of the Third Boat\nthat it would rain.\n\n"
    )
    text, change = page_furniture(page * 6)
    assert change.count == 0
    assert text == page * 6
