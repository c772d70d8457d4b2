from kobold_modules.corpus.cleaning.apparatus.contents import contents


PROSE = "It was the first day of the fair, and nobody had thought to bring the horses."


def test_contents_go() -> None:
    table = "CONTENTS\n\nI. The Fair\nII. The Horses\nIII. What the Priest Said\n\n"
    assert contents(f"The Fair\n\n{table}\n{PROSE}")[0] == f"The Fair\n\n\n\n{PROSE}"


def test_contents_stop_where_the_first_chapter_begins() -> None:
    text = f"Contents\n\nThe Fair\nThe Horses\nThe Priest\n\nThe Fair\n\n{PROSE}"
    assert contents(text)[0] == f"\nThe Fair\n\n{PROSE}"


def test_contents_without_blank_lines_stop_at_prose() -> None:
    text = f"Contents\nThe Fair 1\nThe Horses 12\nThe Priest 40\n{PROSE}\n{PROSE}"
    assert contents(text)[0] == f"{PROSE}\n{PROSE}"


def test_lines_with_ascending_page_numbers_go_without_a_heading() -> None:
    text = f"The Fair ........ 1\nThe Horses ...... 12\nThe Priest      40\n\n{PROSE}"
    assert contents(text)[0] == f"\n{PROSE}"


def test_broken_prose_after_a_heading_contents_stays() -> None:
    text = "Contents\n\nIt was the first day of the fair and nobody\nhad thought to bring the horses or the rope"
    assert contents(text)[0] == text


def test_numbers_in_prose_stay() -> None:
    text = "In all there were  12\nand then there were  3\nand at last  1"
    assert contents(text)[0] == text


def test_the_word_contents_late_in_a_book_stays() -> None:
    text = "\n".join([PROSE] * 700 + ["Contents", "One Rope", "Two Lamps", "Three Loaves"])
    assert contents(text)[0] == text
