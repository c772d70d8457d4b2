from kobold_modules.corpus.document import Document
from kobold_modules.corpus.warnings import corpus_warnings, file_warnings
from kobold_modules.corpus.words import count_words


def document(name: str, text: str) -> Document:
    return Document(name, text, count_words(text), name)


SENTENCE = "the boat went out and the boat came back again with nobody in it at all "


def test_little_text_is_said_to_be_little() -> None:
    assert "words are little" in corpus_warnings([document("a", SENTENCE * 10)])[0]
    assert corpus_warnings([document("a", SENTENCE * 200)]) == ()


def test_one_file_that_dominates_is_named() -> None:
    many = [document("big.txt", SENTENCE * 300), document("b", SENTENCE * 40), document("c", SENTENCE * 40)]
    assert any("big.txt makes up 79 %" in warning for warning in corpus_warnings(many))
    assert corpus_warnings(many[:2]) == ()


def test_overused_name_is_named() -> None:
    text = (SENTENCE + "and Anselm laughed ") * 200
    assert any('"Anselm"' in warning for warning in corpus_warnings([document("a", text)]))


def test_words_that_are_only_sentence_starts_are_no_names() -> None:
    text = ("The boat went out. The rain came. And the boat came back with the old man and the girl in it. ") * 150
    assert corpus_warnings([document("a", text)]) == ()


def test_tables_and_code_are_noticed() -> None:
    assert file_warnings("12, 44; 18.5 | 77 {} = 4 [3] 55 66 \n" * 50)
    assert file_warnings("for (i = 0; i < n; i++) { a[i] += b[i]; }\n" * 50)


def test_prose_in_any_script_is_prose(prose: str) -> None:
    for text in (
        prose,
        "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता प्राप्त है।" * 5,
        "昔々、ある所に、お爺さんとお婆さんがいました。" * 10,
    ):
        assert file_warnings(text) == ()


def test_a_name_with_an_accent_is_a_name() -> None:
    text = (SENTENCE + "and Élodie laughed ") * 200
    assert any('"Élodie"' in warning for warning in corpus_warnings([document("a", text)]))


def test_pages_that_are_no_prose_are_found_by_their_cost(prose: str) -> None:
    """T37: a table in the middle of a novel is said, with where it stands."""
    table = "\n".join(f"{{id: {n}, x: {n * 37 % 101}.{n * 7 % 10}, y: {n * 53 % 97}}}," for n in range(150))
    (warning,) = file_warnings("\n\n".join([*[prose] * 20, table, *[prose] * 20]))
    assert "no prose" in warning
    assert file_warnings("\n\n".join([prose] * 40)) == ()
