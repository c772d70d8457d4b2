import codecs
import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.corpus.decode import decode
from kobold_modules.errors import BadText


WESTERN = "“Don’t,” said Zoë, “the café is shut – naïve, isn’t it… façade, Müller, señor.”"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (WESTERN.encode(), "UTF-8"),
        (WESTERN.encode("utf-8-sig"), "UTF-8"),
        (WESTERN.encode("utf-16"), "UTF-16"),
        (codecs.BOM_UTF16_BE + WESTERN.encode("utf-16-be"), "UTF-16"),
        (WESTERN.encode("utf-32"), "UTF-32"),
        (WESTERN.encode("cp1252"), "Windows-1252"),
        (("A quiet English evening, with rain. " * 5 + WESTERN).encode("utf-16-le"), "UTF-16 without a mark"),
        (b"plain", "ASCII"),
    ],
)
def test_encodings_are_told_apart(data: bytes, encoding: str) -> None:
    found = decode(data, "a.txt")
    assert found.encoding == encoding
    assert found.text in (WESTERN, "plain", "A quiet English evening, with rain. " * 5 + WESTERN)
    assert found.warnings == ()


def test_old_mac_apostrophes_are_recognised_and_reported() -> None:
    text = "I don’t know. She can’t come. It’s late, and they’re gone, and we’ll see."
    found = decode(text.encode("mac_roman"), "a.txt")
    assert found.text == text
    assert "guess" in found.warnings[0]


def test_russian_is_left_to_the_guesser() -> None:
    text = "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему. " * 5
    found = decode(text.encode("cp1251"), "a.txt")
    assert found.text == text
    assert "guess" in found.warnings[0]


def test_a_few_strays_do_not_spoil_a_utf8_file() -> None:
    data = ("“Yes,” she said. " * 50).encode() + b" don\x92t " + ("“No.” " * 20).encode()
    found = decode(data, "a.txt")
    assert "don’t" in found.text
    assert found.text.count("“") == 70
    assert found.warnings[0].startswith("1 line in another encoding than the rest was read as Windows-1252")


def test_binary_is_refused_by_name() -> None:
    noise = random.Random(0).randbytes(5000)
    for data in (noise, b"\x00" * 100, b"abc\x00def", bytes(range(1, 9)) * 50 + b"\xff\xfe\xfa"):
        with pytest.raises(BadText, match=r"a\.txt is not a text file"):
            decode(data, "a.txt")


def test_lost_characters_are_counted() -> None:
    assert "1 characters could not be read" in decode(codecs.BOM_UTF16_LE + b"a\x00\x00\xd8b\x00", "a").warnings[0]


@given(st.text(max_size=200))
def test_utf8_comes_back_as_it_was(text: str) -> None:
    if "\x00" not in text and not text.startswith("\ufeff"):
        assert decode(text.encode(), "a").text == text


@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    with suppress(BadText):
        assert isinstance(decode(data, "a").text, str)


GERMAN = "„Müller ging über die Brücke“, sagte Käthe; draußen fiel Schnee, größer als zuvor.\n\n" * 30
PLAIN_GERMAN = GERMAN.translate(str.maketrans("„“", '""'))
FRENCH = "« Où êtes-vous ? » demanda-t-il. L’été était fini, et la forêt, déjà, se taisait…\n\n" * 30
POLISH = "Zażółć gęślą jaźń, powiedział stary człowiek i poszedł przez łąkę do źródła.\n\n" * 30
RUSSIAN = "Все счастливые семьи похожи друг на друга, и он вышел на улицу, чтобы пойти домой.\n\n" * 30
GREEK = "Ο γέρος καθόταν δίπλα στη φωτιά και άκουγε τη βροχή.\n\n" * 30
JAPANESE = "昔々、ある所に、お爺さんとお婆さんがいました。川上から大きな桃が流れて来ました。"
CHINESE = "老人坐在火边，听着雨声。他的女儿走到外面去看河水。天已经黑了，没有人说话。\n\n" * 30
KOREAN = "노인은 불 옆에 앉아 빗소리를 들었다. 그의 딸은 강을 보러 밖으로 나갔다.\n\n" * 30


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        *((GERMAN, codec) for codec in ("mac_roman", "cp1252")),
        *((PLAIN_GERMAN, codec) for codec in ("cp437", "cp850")),
        *((FRENCH, codec) for codec in ("mac_roman", "cp1252")),
        *((POLISH, codec) for codec in ("cp1250", "iso8859_2", "cp852")),
        *((RUSSIAN, codec) for codec in ("koi8_r", "cp1251", "cp866", "mac_cyrillic", "iso8859_5")),
        *((GREEK, codec) for codec in ("cp1253", "mac_greek")),
        *((JAPANESE * 20, codec) for codec in ("cp932", "euc_jp", "iso2022_jp")),
        *((CHINESE, codec) for codec in ("gb18030",)),
        *((KOREAN, codec) for codec in ("cp949",)),
    ],
    ids=lambda value: value if len(value) < 12 else "text",
)
def test_old_encodings_read_right_and_are_told_as_a_guess(text: str, codec: str) -> None:
    """T14: all but Windows' western encoding are guesses, and said to be."""
    found = decode(text.encode(codec), "a.txt")
    assert found.text == text
    assert codec in ("cp1252", "iso2022_jp") or "is a guess" in found.warnings[0]


@pytest.mark.parametrize("text", [RUSSIAN, GREEK, JAPANESE, CHINESE, KOREAN], ids=["ru", "el", "ja", "zh", "ko"])
@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_utf16_without_a_mark_in_any_script(text: str, codec: str) -> None:
    """T16."""
    found = decode(text.encode(codec), "a.txt")
    assert found.text == text
    assert "without a mark" in found.encoding


def test_two_encodings_in_one_file_are_read_line_by_line() -> None:
    lines = FRENCH.split("\n")
    data = b"\n".join(line.encode("cp1252" if at % 6 == 0 else "utf-8") for at, line in enumerate(lines))
    found = decode(data, "a.txt")
    assert found.text == FRENCH
    assert "10 lines in another encoding than the rest were read as Windows-1252" in found.warnings[0]


def test_letters_lost_before_the_file_was_saved_are_counted() -> None:
    """T18."""
    assert (
        decode("\ufffdYes,\ufffd she said. ".encode() * 20, "a.txt").warnings[0].startswith("40 characters were lost")
    )
    soup = b"It wasn?t far, and the caf? was shut. ?No,? she said, and didn?t wait. " * 10
    assert "question marks" in decode(soup, "a.txt").warnings[0]
    assert decode(b'Was it? Yes? What?! "Who?" he asked. ' * 50, "a.txt").warnings == ()
