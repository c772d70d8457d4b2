import textwrap

from kobold_modules.corpus.cleaning.apparatus.gutenberg import gutenberg
from kobold_modules.corpus.cleaning.apparatus.notes import notes as editors_marks
from kobold_modules.corpus.cleaning.apparatus.notices import notices
from kobold_modules.corpus.cleaning.clean import clean


HEADER = """The Project Gutenberg eBook of A Sound of Boats, by Nobody

This eBook is for the use of anyone anywhere in the United States and
most other parts of the world at no cost and with almost no restrictions
whatsoever.

Title: A Sound of Boats

Author: Nobody

Language: English

Produced by: Some Volunteer

*** START OF THE PROJECT GUTENBERG EBOOK A SOUND OF BOATS ***

Produced by Some Volunteer and the Online Distributed Proofreading
Team at https://www.pgdp.net

"""
FOOTER = """

*** END OF THE PROJECT GUTENBERG EBOOK A SOUND OF BOATS ***

Updated editions will replace the previous one--the old editions will
be renamed.

START: FULL LICENSE

Section 1. General Terms of Use and Redistributing Project Gutenberg™
electronic works
"""


def test_gutenberg_frame_goes(prose: str) -> None:
    text, change = gutenberg(HEADER + prose + FOOTER)
    assert text.strip() == prose
    assert change.count == 2


def test_whole_gutenberg_book_comes_out_as_prose(paragraphs: list[str], prose: str) -> None:
    broken = "\n\n".join(textwrap.fill(paragraph, 72) for paragraph in paragraphs)
    book = "A SOUND OF BOATS\n\nBy Nobody\n\n\nCONTENTS\n\n"
    book += "  CHAPTER I. The Shore\n  CHAPTER II. The Song\n  CHAPTER III. The Sound\n\n\n"
    book += f"CHAPTER I. The Shore\n\n{broken}\n\n\n\nCHAPTER II.\nThe Song\n\n{broken}\n\nTHE END\n"
    text, _ = clean((HEADER + book + FOOTER).replace("\n", "\r\n"))
    assert text == f"{prose}\n\n* * *\n\n{prose}"


def test_two_books_in_one_file_are_both_kept(prose: str) -> None:
    text, _ = clean(HEADER + "First. " + prose + FOOTER + HEADER + "Second. " + prose + FOOTER)
    assert text.count("Marta put down") == 2
    assert "Gutenberg" not in text
    assert "General Terms" not in text


def test_own_pages_before_a_header_are_kept(prose: str) -> None:
    text, _ = gutenberg("My own page.\n\n" + HEADER + prose + FOOTER)
    assert text.startswith("My own page.")


def test_a_story_that_names_the_archive_stays(prose: str) -> None:
    text = f"She had read it on Project Gutenberg, at the end of a long night.\n\n{prose}"
    assert gutenberg(text)[0] == text


def test_imprint_at_the_front_goes(prose: str) -> None:
    front = "Copyright © 2019 by Somebody\n\nAll rights reserved.\n\nISBN 978-3-16-148410-0\n\n"
    assert notices(front + prose)[0].strip() == prose


def test_imprint_words_deep_in_a_story_stay(prose: str) -> None:
    text = "\n\n".join([prose] * 5 + ["All rights reserved, said the sign."] + [prose] * 5)
    assert notices(text)[0] == text


def test_illustrations_and_footnotes_go() -> None:
    text = "The boat.[3] [Illustration: A boat,\nwith a sail] It came.\n\n[Footnote 3: A small one.]"
    assert editors_marks(text)[0] == "The boat.  It came.\n\n"
