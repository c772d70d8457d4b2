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
