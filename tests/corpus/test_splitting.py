from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.corpus import Corpus, Document, split
from kobold_modules.corpus.words import count_words


def corpus(*texts: str) -> Corpus:
    documents = tuple(Document(f"{at}.txt", text, count_words(text), "") for at, text in enumerate(texts))
    return Corpus(documents, ())


def numbered(paragraphs: int, words: int = 40, name: str = "p") -> str:
    return "\n\n".join(f"{name}{at} " + "word " * (words - 2) + "end." for at in range(paragraphs))


def size(parts: tuple[str, ...]) -> int:
    return sum(map(count_words, parts))


def test_a_tenth_is_kept_back_in_one_piece() -> None:
    text = numbered(200)
    parts = split(corpus(text))
    assert len(parts.held_out) == 1
    assert parts.held_out[0] in text
    assert size(parts.held_out) == pytest.approx(0.1 * count_words(text), rel=0.05)
    assert "\n\n".join([parts.train[0], parts.held_out[0], parts.train[1]]) == text
    assert count_words(parts.train[0]) == pytest.approx(0.6 * count_words(text), rel=0.05)


def test_each_long_text_gives_a_block_and_short_ones_stay_whole() -> None:
    texts = [numbered(100, name="a"), numbered(5, name="b"), numbered(60, name="c")]
    parts = split(corpus(*texts))
    assert [part[0] for part in parts.held_out] == ["a", "c"]
    assert texts[1] in parts.train


def test_a_small_corpus_keeps_back_enough_to_measure() -> None:
    parts = split(corpus(numbered(15)))
    assert 120 <= size(parts.held_out) <= 200


def test_many_short_texts_keep_back_whole_ones() -> None:
    texts = [numbered(2, name=f"t{at}x") for at in range(20)]
    parts = split(corpus(*texts))
    assert set(parts.train) | set(parts.held_out) == set(texts)
    assert 120 <= size(parts.held_out) <= 260


def test_one_giant_paragraph_is_cut_between_sentences() -> None:
    text = " ".join(f"Sentence {at} goes on for a while." for at in range(300))
    parts = split(corpus(text))
    assert " ".join([parts.train[0], parts.held_out[0], parts.train[1]]) == text


def test_nothing_to_cut_is_not_cut() -> None:
    assert split(corpus("One.")).held_out == ()
    assert split(corpus()).train == ()
    assert split(corpus(numbered(100)), share=0).held_out == ()
    with pytest.raises(ValueError, match="share"):
        split(corpus("x"), share=0.9)


texts = st.lists(st.tuples(st.integers(1, 60), st.integers(3, 80)), min_size=1, max_size=6)


@given(texts, st.floats(0.01, 0.5))
def test_nothing_is_lost_and_nothing_is_in_both(shapes: list[tuple[int, int]], share: float) -> None:
    whole = corpus(*(numbered(count, words, name=f"d{at}p") for at, (count, words) in enumerate(shapes)))
    parts = split(whole, share)
    assert split(whole, share) == parts

    def words(pieces: tuple[str, ...]) -> Counter[str]:
        return Counter(word for piece in pieces for word in piece.split())

    assert words(parts.train) + words(parts.held_out) == words(tuple(document.text for document in whole.documents))
    if min(count for count, _ in shapes) >= 4:
        paragraphs = [set("\n\n".join(pieces).split("\n\n")) for pieces in (parts.train, parts.held_out)]
        assert not paragraphs[0] & paragraphs[1]
    assert parts.train
    assert size(parts.held_out) <= 0.75 * whole.words
