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


ENGLISH = (
    "The boat went out in the morning and the boat came back in the evening, but there was nobody in it, and nobody on "
    "the shore could say what had become of the two men who had sailed in her with the nets and the bread.\n\n"
)
GERMAN = (
    "Das Boot fuhr am Morgen hinaus und kam am Abend zurück, aber es war niemand darin, und niemand am Ufer konnte "
    "sagen, was aus den beiden Männern geworden war, die mit den Netzen und dem Brot hinausgefahren waren.\n\n"
)
FRENCH = (
    "Le bateau partit le matin et revint le soir, mais il n'y avait personne dedans, et personne sur la rive ne "
    "pouvait dire ce que les deux hommes étaient devenus, qui avaient pris la mer avec les filets et le pain.\n\n"
)
SPANISH = (
    "El barco salió por la mañana y volvió por la noche, pero no había nadie en él, y nadie en la orilla podía decir "
    "qué había sido de los dos hombres que se habían hecho a la mar con las redes y el pan para el día.\n\n"
)
PORTUGUESE = (
    "O barco saiu de manhã e voltou à noite, mas não havia ninguém nele, e ninguém na margem podia dizer o que tinha "
    "sido feito dos dois homens que se fizeram ao mar com as redes e o pão para o dia.\n\n"
)
RUSSIAN = (
    "Лодка вышла утром и вернулась вечером, но в ней никого не было, и никто на берегу не мог сказать, где они.\n\n"
)


def mixed(*documents: Document) -> list[str]:
    return [warning for warning in corpus_warnings(documents) if "languages" in warning]


def test_two_languages_are_named_with_the_file_of_the_smaller() -> None:
    (warning,) = mixed(document("novel.txt", ENGLISH * 60), document("brief.txt", GERMAN * 15))
    assert warning.startswith("Most words are English, but about ")
    assert "German (brief.txt)" in warning
    (warning,) = mixed(document("both.txt", (SPANISH * 20 + PORTUGUESE * 20)))
    assert "Spanish" in warning
    assert "Portuguese" in warning
    (warning,) = mixed(document("a", ENGLISH * 60), document("b", RUSSIAN * 30))
    assert "Cyrillic" in warning


def test_one_language_is_no_mixture_whichever_it_is() -> None:
    for text in (ENGLISH, GERMAN, FRENCH, SPANISH, PORTUGUESE, RUSSIAN):
        assert mixed(document("a", text * 60)) == []


def test_a_letter_in_another_language_belongs_to_a_novel() -> None:
    assert mixed(document("novel.txt", ENGLISH * 100 + FRENCH * 3 + ENGLISH * 100)) == []
    spoken = ENGLISH.replace("nobody in it", '"personne, monsieur, mais non, pas du tout"')
    assert mixed(document("novel.txt", spoken * 80)) == []


def test_what_cannot_be_told_is_not_guessed() -> None:
    names = "Maskull Nightspore Krag Panawe Joiwind Oceaxe Crimtyphon Tydomin Digrung Spadevil Catice Maulger\n\n"
    thee = "Thou hast thy hand upon mine, and thine eyes say nay. O sweet my lord, whither goest thou ere day?\n\n"
    assert mixed(document("a", ENGLISH * 60 + names * 60 + thee * 60)) == []


def test_a_name_with_an_accent_is_a_name() -> None:
    text = (SENTENCE + "and Élodie laughed ") * 200
    assert any('"Élodie"' in warning for warning in corpus_warnings([document("a", text)]))
