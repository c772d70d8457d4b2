"""The table of keys: what is found where."""

from __future__ import annotations

import pytest

from kobold_modules.lorebook import Entry
from kobold_modules.lorebook.matching import TooSlow, found


PLAIN = Entry()
TABLE: dict[str, tuple[str, str, Entry, bool]] = {
    "a word": ("king", "Long live the king.", PLAIN, True),
    "inside a word": ("king", "It is not to my liking.", PLAIN, False),
    "inside a word, parts allowed": ("king", "It is not to my liking.", Entry(whole_words=False), True),
    "at the beginning": ("king", "king of all", PLAIN, True),
    "before an apostrophe": ("king", "the king's horse", PLAIN, True),
    "between dashes": ("king", "the fisher-king sat", PLAIN, True),
    "second place counts": ("king", "liking the king", PLAIN, True),
    "another case": ("King", "the KING", PLAIN, True),
    "case counts": ("King", "the king", Entry(case_sensitive=True), False),
    "case counts and fits": ("King", "the King", Entry(case_sensitive=True), True),
    "an accent is a letter": ("lan", "Élan vital", PLAIN, False),
    "accents fold": ("ÉLAN", "his élan", PLAIN, True),
    "a sharp s": ("STRASSE", "die Straße", PLAIN, True),
    "a phrase": ("the keeper", "She was the keeper of it.", PLAIN, True),
    "a phrase is found in parts of words": ("the keep", "the keeper", PLAIN, True),
    "a phrase over a line break": ("the keeper", "the\nkeeper", PLAIN, False),
    "spaces around a key": ("  Orla ", "Orla slept", PLAIN, True),
    "an empty key": ("", "anything", PLAIN, False),
    "signs at its end": ("C++", "he wrote C++ all day", PLAIN, True),
    "Chinese": ("灯塔", "她守着灯塔的光", PLAIN, True),
    "Japanese": ("灯台", "彼女は灯台を守る", PLAIN, True),
    "Thai": ("ทะเล", "เธออยู่ริมทะเลเสมอ", PLAIN, True),
    "Cyrillic, whole": ("кот", "который", PLAIN, False),
    "Cyrillic": ("Кот", "чёрный кот.", PLAIN, True),
    "a pattern": (r"/wre(ck|ak)s?/", "two wrecks", PLAIN, True),
    "a pattern's own case": (r"/Wreck/", "a wreck", PLAIN, False),
    "a pattern with i": (r"/Wreck/i", "a wreck", PLAIN, True),
    "a pattern pays no attention to switches": (r"/ing/", "liking", Entry(whole_words=True, case_sensitive=True), True),
    "a pattern with word ends": (r"/\bking\b/i", "liking", PLAIN, False),
    "dot and line break": (r"/a.b/", "a\nb", PLAIN, False),
    "dot and line break with s": (r"/a.b/s", "a\nb", PLAIN, True),
    "lines with m": (r"/^Orla/m", "x\nOrla", PLAIN, True),
    "begin without m": (r"/^Orla/", "x\nOrla", PLAIN, False),
    "a slash inside": (r"/and\/or/", "and/or", PLAIN, True),
    "a bare slash inside is no pattern": ("/a/b/", "x /a/b/ y", Entry(whole_words=False), True),
    "JavaScript's any character": (r"/a[^]b/", "a\nb", PLAIN, True),
    "JavaScript's named group": (r"/(?<who>Orla) (?:kept|keeps)/", "Orla kept it", PLAIN, True),
    "JavaScript's code point": (r"/\u{1F525}/u", "it burned 🔥", PLAIN, True),
    "look behind": (r"/(?<!un)kind/", "unkind", PLAIN, False),
    "flags that are none": ("/king/q", "king", PLAIN, False),
    "a broken pattern is a plain key": ("/king(/", "the /king(/ of", Entry(whole_words=False), True),
    "NovelAI's both": ("Orla & lamp", "The lamp that Orla lit.", Entry(joined=True), True),
    "NovelAI's both, one of them": ("Orla & lamp", "Orla slept.", Entry(joined=True), False),
    "an ampersand is one elsewhere": ("salt & pepper", "salt & pepper", PLAIN, True),
    "patterns without slashes": (r"wre(ck|ak)", "a wreak", Entry(patterns=True), True),
    "patterns with slashes": (r"/WRECK/i", "a wreck", Entry(patterns=True), True),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_key_is_found(name: str) -> None:
    key, text, entry, expected = TABLE[name]

    assert found(key, text, entry) is expected


def test_switches_hold_where_an_entry_has_none_of_its_own() -> None:
    assert found("king", "liking", PLAIN, whole_words=False)
    assert not found("King", "king", PLAIN, case_sensitive=True)
    assert not found("king", "liking", Entry(whole_words=True), whole_words=False)


@pytest.mark.parametrize("key", [r"/(a+)+$/", r"/(a|aa)+$/", r"/(.*a){25}b/", r"/^(([a-z])+.)+[A-Z]([a-z])+$/"])
def test_a_pattern_that_would_take_for_ever_is_given_up(key: str) -> None:
    with pytest.raises(TooSlow, match="/"):
        found(key, "a" * 5000 + "!", PLAIN)
