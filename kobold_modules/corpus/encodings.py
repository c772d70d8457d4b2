"""Which old encoding some bytes are in: each candidate is tried, and what it makes of them is judged as text.

A right reading has letters of one script inside a word, capitals at its beginning, quotes and dashes at its edges, and
the letters that its language uses most. A wrong one has symbols and capitals in mid-word ("MŸller", "caf‚"), or letters
that hardly any language has.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import NamedTuple


class Guess(NamedTuple):
    """A codec, its name for a person, and how well it reads: 1 is flawless."""

    codec: str
    title: str
    score: float


_SINGLE = (
    ("cp1252", "Windows-1252"),
    ("mac_roman", "Mac Roman"),
    ("cp437", "DOS (code page 437)"),
    ("cp850", "DOS (code page 850)"),
    ("cp1250", "Windows-1250 (Central Europe)"),
    ("iso8859_2", "ISO 8859-2 (Central Europe)"),
    ("cp852", "DOS (code page 852, Central Europe)"),
    ("mac_latin2", "Mac Central Europe"),
    ("cp1254", "Windows-1254 (Turkish)"),
    ("cp1257", "Windows-1257 (Baltic)"),
    ("cp1251", "Windows-1251 (Cyrillic)"),
    ("koi8_r", "KOI8-R"),
    ("koi8_u", "KOI8-U"),
    ("cp866", "DOS (code page 866, Cyrillic)"),
    ("iso8859_5", "ISO 8859-5 (Cyrillic)"),
    ("mac_cyrillic", "Mac Cyrillic"),
    ("cp1253", "Windows-1253 (Greek)"),
    ("iso8859_7", "ISO 8859-7 (Greek)"),
    ("mac_greek", "Mac Greek"),
    ("cp1255", "Windows-1255 (Hebrew)"),
    ("cp1256", "Windows-1256 (Arabic)"),
    ("cp874", "Windows-874 (Thai)"),
    ("cp1258", "Windows-1258 (Vietnamese)"),
)
_MULTI = (
    ("cp932", "Shift-JIS"),
    ("euc_jp", "EUC-JP"),
    ("gb18030", "GB 18030"),
    ("big5", "Big5"),
    ("cp949", "EUC-KR"),
    ("iso2022_jp", "ISO-2022-JP"),
)
MULTIBYTE_CODECS = frozenset(codec for codec, _ in _MULTI)
# The letters outside ASCII that a language writes with: a right reading has those of one language.
_ALPHABETS = tuple(
    frozenset(letters)
    for letters in (
        "äöüß",
        "àâæçèéêëîïôœùûüÿ",
        "áéíñóúü",
        "áâãàçéêíóôõúü",
        "àèéìíîòóùú",
        "åäöé",
        "åæøéèêóòôâü",
        "áðéíóúýþæö",
        "ëïéöüèáóêí",
        "àçèéíïòóúü",
        "ąćęłńóśźż",
        "áčďéěíňóřšťúůýž",
        "áäčďéíĺľňóôŕšťúýž",
        "áéíóöőúüű",
        "ăâîșțşţ",
        "čćđšž",
        "çğıöşüâîû",
        "āčēģīķļņšūž",
        "ąčęėįšųūž",
        "äõöüšž",
        "ŵŷâêîôûáéïö",
        "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
        "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
        "абвгдежзийклмнопрстуфхцчшщъьюя",
        "абвгдђежзијклљмнњопрстћуфхцчџш",
        "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",
        "אבגדהוזחטיכךלמםנןסעפףצץקרשת",
        "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي",
        "ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ",
    )
)
_LOANS = frozenset("éèêëïîöüçñàâôáíóúäåæøœß")  # what English borrows, a letter now and then
_FEW = 0.015  # of all letters
_RARE = frozenset("ъёщэфцюжшψξζφβθχطظغضذءזצץטף")
_AT_ENDS = frozenset("ςךםןףץةى")
HANZI = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法"
    "学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实這個們來為國說時會對後過發經學現當沒動還進開實"
)
_MOST = 20_000  # characters that are judged


def guesses(data: bytes) -> list[Guess]:
    """Return the readings of ``data`` (not UTF-8) that are text at all, best first."""
    found: list[Guess] = []
    high = sum(byte >= 0x80 for byte in data[:20_000]) / max(1, min(len(data), 20_000))
    for codec, title in _MULTI if high > 0.02 or b"\x1b$" in data[:4_000] else ():
        score = _score_multi(data, codec)
        if score > 0.5:
            found.append(Guess(codec, title, score))
    for codec, title in _SINGLE:
        text = data.decode(codec, errors="replace")
        found.append(Guess(codec, title, score_single(text)))
    return sorted(found, key=lambda guess: -guess.score)


def score_single(text: str) -> float:
    """Return how much ``text`` reads like prose in one language, from its characters outside ASCII: up to 1."""
    if text.count("\ufffd") > 0.01 * len(text):
        return 0.0
    high = re.findall(r"[^\x00-\x7f]", text)
    if not high:
        return 1.0
    letters = Counter(character.lower() for character in high if character.isalpha())
    alphabet = _alphabet(letters, sum(map(str.isalpha, text)))
    total, points = 0, 0.0
    for found in re.finditer(r"[^\x00-\x7f]", text):
        place = found.start()
        total += 1
        before = text[place - 1] if place else " "
        after = text[place + 1] if place + 1 < len(text) else " "
        points += _points(found.group(), before, after, alphabet)
        if total == _MOST:
            break
    return points / total


def _alphabet(letters: Counter[str], of: int) -> frozenset[str]:
    """Return the alphabet that has most of ``letters``, the smaller one of two as good."""
    alphabets = (*_ALPHABETS, _LOANS) if letters.total() < max(12, _FEW * of) else _ALPHABETS
    return max(alphabets, key=lambda one: (sum(letters[letter] for letter in letters if letter in one), -len(one)))


def _points(character: str, before: str, after: str, alphabet: frozenset[str]) -> float:
    """Return how well one character stands where it stands, -1 to 1."""
    if character.isalpha():
        if before.isalpha() and character.isupper() and (before.islower() or after.islower()):
            return -1.0  # a capital in mid-word
        if character.islower() and before.isupper() and after.isupper():
            return -1.0
        script = _script(character)
        if (before.isalpha() and _script(before) != script) or (after.isalpha() and _script(after) != script):
            return -0.8
        if character in _AT_ENDS and after.isalpha():
            return -1.0
        if character in "ºª":
            return -0.5 if before.isalpha() else 0.3
        if character.lower() not in alphabet:
            return 0.5 if script == "THAI" else 0.1
        weight = 0.7 if character.lower() in _RARE else 1.0
        return weight if not character.isupper() or not before.isalpha() or before.isupper() else 0.2
    category = unicodedata.category(character)
    if category.startswith("C") and character != "\xad":
        return -1.0
    if category == "Mn":
        return 0.6 if before.isalpha() else -0.8
    if "\u2500" <= character <= "\u259f":
        return -0.9 if before.isalpha() or after.isalpha() else -0.2  # boxes and shades
    if before.isalpha() and after.isalpha() and character not in "’·\xad—–‐":
        return -1.0  # a symbol in mid-word
    if character in "“„«‘‚‹":
        good = not before.isalpha() and (after.isalnum() or after in "…¿¡'’‘“—(")
        if character == "‚":  # hardly anybody's quote, and a capital of Mac Cyrillic
            return 0.2 if good else -0.5
        return 1.0 if good else 0.2 if character in "“‘«" else -0.5
    if character in "”’»›":
        return 1.0 if before.isalpha() or before in ".,!?…;:—–-)'’”\"" or after.isalpha() else -0.3
    if character in "–—…\xa0•·§°":
        return 0.9 if character != "°" or before.isdigit() or before == " " else -0.5
    if character in "©®™£€½¼¾¿¡´":
        return 0.5 if not before.isalpha() or character in "®™" else -0.6
    return -0.4


def _script(character: str) -> str:
    if character < "\u0250":
        return "LATIN" if character.isalpha() else ""
    if "\u0370" <= character <= "\u03ff":
        return "GREEK" if character.isalpha() else ""
    if "\u0400" <= character <= "\u052f":
        return "CYRILLIC"
    if not character.isalpha():
        return ""
    return unicodedata.name(character, "OTHER").split(" ")[0]


def _score_multi(data: bytes, codec: str) -> float:
    """Return how much two-byte reading ``codec`` gives Chinese, Japanese or Korean, 0 to 1."""
    text = data.decode(codec, errors="replace")
    outside = [character for character in text if character > "\x7f"]
    if len(outside) < 4 or text.count("\ufffd") > 0.005 * len(text):
        return 0.0
    total = len(outside)
    kana = sum("\u3040" <= character <= "\u30ff" for character in outside)
    half_kana = sum("\uff61" <= character <= "\uff9f" for character in outside)
    hangul = sum("\uac00" <= character <= "\ud7a3" for character in outside)
    hanzi = sum("\u4e00" <= character <= "\u9fff" for character in outside)
    common = sum(character in HANZI for character in outside)
    marks = sum(character in "。、，！？：；「」『』“”（）…—・　《》" for character in outside)
    private = sum("\ue000" <= character <= "\uf8ff" or character > "\uffff" for character in outside)
    if private > 0.01 * total or half_kana > 0.1 * total:
        return 0.0
    if codec in ("cp932", "euc_jp", "iso2022_jp"):
        return min(1.0, 0.6 + kana / total) if kana > 0.2 * total and kana + hanzi + marks > 0.85 * total else 0.0
    if codec == "cp949":
        return min(1.0, 0.3 + hangul / total) if hangul > 0.7 * total else 0.0
    if kana > 0.1 * total:
        return 0.0
    if hanzi + marks < 0.85 * total:
        return 0.0
    return min(1.0, 0.45 + 2.5 * common / total)
