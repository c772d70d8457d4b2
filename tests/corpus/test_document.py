from pathlib import Path

import pytest

from kobold_modules.corpus import Change, Corpus, Document, FileReport, require_enough
from kobold_modules.corpus.readers import LeftOut
from kobold_modules.corpus.words import count_words
from kobold_modules.errors import BadText


def corpus(*texts: str) -> Corpus:
    documents = tuple(Document(f"{at}.txt", text, count_words(text), "") for at, text in enumerate(texts))
    return Corpus(documents, ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("One two.", 2),
        ("One — two\n\n* * *\n\nthree", 3),
        ('"Don\'t," he said.', 3),
        ("昔々ある所に", 4),
        ("--- " * 9, 0),
    ],
)
def test_words_are_counted_without_marks(text: str, words: int) -> None:
    assert count_words(text) == words


def test_corpus_text_has_scene_breaks_between_documents() -> None:
    both = corpus("One.", "Two.")
    assert both.text == "One.\n\n* * *\n\nTwo."
    assert both.words == 2


def test_too_little_text_is_refused_with_both_numbers() -> None:
    with pytest.raises(BadText, match=r"0\.txt has only 2 words: too little to train on\. At least 300"):
        require_enough(corpus("One two."))
    with pytest.raises(BadText, match="The texts together have only 2 words"):
        require_enough(corpus("One.", "Two."))
    require_enough(corpus("word " * 300))
    require_enough(corpus("word " * 10), least=10)


def test_description_is_sentences_for_a_person() -> None:
    reports = (
        FileReport(Path("a.txt"), "UTF-8", (Change("chapter titles removed", 1200, "why"),), ("It is odd.",), 900),
        FileReport(Path("b.txt"), "", (), ("Not used. b.txt is empty.",), 0),
    )
    many = Corpus((Document("a.txt", "x", 900, ""),), reports, ("Too short.",), (Path("cover.png"),))
    assert many.describe() == [
        "Read 1 text: 900 words of prose.",
        "a.txt (UTF-8): 900 words kept. Chapter titles removed (1,200).",
        "a.txt: It is odd.",
        "b.txt: Not used. b.txt is empty.",
        "Passed over, of no kind that can be read: cover.png.",
        "Too short.",
    ]


def test_description_of_many_files_is_short() -> None:
    change = Change("chapter titles removed", 2, "why")
    reports = tuple(FileReport(Path(f"{at}.txt"), "UTF-8", (change,), (), 900) for at in range(40))
    documents = tuple(Document(f"{at}.txt", "x", 900, "") for at in range(40))
    assert Corpus(documents, reports).describe() == [
        "Read 40 texts: 36,000 words of prose.",
        "In all files: chapter titles removed (80).",
    ]


def test_what_many_files_leave_out_is_added_up() -> None:
    left = (LeftOut("comments", 2), LeftOut("footnotes", 1000))
    reports = tuple(FileReport(Path(f"{n}.docx"), "Word document", (), (), 9, left, 1, 0) for n in range(10))
    document = Document("0.docx", "x", 9, "0")
    told = Corpus((document,) * 10, reports).describe()
    assert "Left out: comments (20 words), footnotes (10,000 words)." in told
    alone = Corpus((document,), reports[:1]).describe()[1]
    assert alone == (
        "0.docx (Word document): 9 words kept. It has 1 chapter. "
        "Left out: comments (2 words), footnotes (1,000 words). Nothing needed cleaning."
    )
