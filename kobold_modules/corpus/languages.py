"""Which language a stretch of prose is in, by its commonest words; honest about not knowing.

Function words are the surest sign: every sentence has them and they hardly overlap. A stretch too short or too odd to
tell (verse, names, a list) is counted for no language, and no language is named that is not in the table. Scripts other
than the Latin one are told by their letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter


STRETCH = 60  # words looked at together; a quotation of a line or two does not make a stretch
_LEAST = 25  # words a stretch needs to say anything
_SURE = 0.2  # of its words must be function words of the language
_CLEAR = 1.6  # times as many as of any other
_MOST = 1_000_000  # characters of a text that are looked at
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_COMMON: dict[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "English": "the and of to a in that he was his it with as for had you not her she but they on at him be "
        "this is from have were which my all so me said one there their them by we been or when would no what if "
        "who up out",
        "German": "der die und in zu den das nicht von sie ist des sich mit dem er es ein ich auf so eine auch als "
        "an nach wie im für man aber aus durch wenn nur war noch werden bei hat wir was wird sein einen hatte ihm "
        "ihr mir",
        "French": "de la le et les des en un une du que est pour qui dans à il au elle ne pas sur se sa ses plus "
        "par je avec tout mais lui nous vous comme était avait ce cette son leur où sans même on d'un qu'il c'est "
        "n'était",
        "Spanish": "de la que el en y a los se del las un por con no una su para es al lo como más pero sus le ya o "
        "este sí porque esta entre cuando muy sin sobre también me hasta hay donde quien había era yo ella él si",
        "Italian": "di che e la il un a per in una mi sono ho ma l'ha lo ha le si ti con cosa come io ci questo qui "
        "sei del bene tutto della mia era gli nella alla dei non da più anche suo sua aveva così se delle al quel "
        "quando",
        "Portuguese": "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele "
        "das tem à seu sua ou ser quando muito há nos já está eu também só pelo pela até isso ela entre era depois "
        "lhe",
        "Dutch": "de en van ik te dat die in een hij het niet zijn is was op aan met als voor had er maar om hem "
        "dan zou of wat mijn men dit zo door over ze zich bij ook tot je mij uit der daar haar naar heb hoe heeft "
        "hebben",
        "Swedish": "och det att i en jag hon som han på den med var sig för så till är men ett om hade de av icke "
        "mig du henne då sin nu har inte hans honom skulle hennes där min man ej vid kunde något från ut när efter "
        "upp vi",
        "Danish or Norwegian": "og i jeg det at en den til er som på de med han af av for ikke der var mig meg sig "
        "seg men et har om vi min havde hadde ham hun nu over da fra du ud ut sin dem os op man hans hvor eller "
        "hvad hva",
        "Polish": "i w nie na się z do to że jest o jak a po co ale od za go tak jego było przez jej był czy już ja "
        "tylko przy dla mnie ich ze może być kiedy pan sobie gdy jeszcze aby przed nad też więc tym była",
        "Latin": "et in est non ad ut cum quod qui sed si de a quae ex nec per quam ab hoc esse enim sunt atque me "
        "te neque autem tamen quid tam nam iam ac ne aut se vel etiam ipse eius quo erat haec mihi tibi nos ille "
        "omnia",
    }.items()
}
_SCRIPTS = {
    "CYRILLIC": "in Cyrillic letters",
    "GREEK": "Greek",
    "HEBREW": "Hebrew",
    "ARABIC": "in Arabic letters",
    "DEVANAGARI": "in Devanagari letters",
    "HANGUL": "Korean",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "CJK": "Chinese or Japanese",
    "THAI": "Thai",
}


def languages(text: str) -> Counter[str]:
    """Count the words of ``text`` by language; stretches of no clear language are left out."""
    found: Counter[str] = Counter()
    for stretch in _stretches(text[:_MOST]):
        language = language_of(stretch)
        if language:
            found[language] += max(1, len(stretch))
    return found


def language_of(words: list[str]) -> str:
    """Guess the language of a stretch of small-letter words, or "" where it is not clear."""
    script = _script("".join(words[:20]))
    if script:
        return script
    if len(words) < _LEAST:
        return ""
    hits = Counter({name: sum(word in common for word in words) for name, common in _COMMON.items()})
    (first, most), (_, next_) = hits.most_common(2)
    return first if most >= _SURE * len(words) and most >= _CLEAR * next_ else ""


def _stretches(text: str) -> list[list[str]]:
    """Join whole paragraphs until they make a stretch."""
    stretches: list[list[str]] = []
    words: list[str] = []
    for paragraph in text.split("\n\n"):
        words += [word.replace("’", "'") for word in _WORD.findall(paragraph.lower())]
        if len(words) >= STRETCH:
            stretches.append(words)
            words = []
    return [*stretches, words] if words else stretches


def _script(letters: str) -> str:
    names = Counter(unicodedata.name(letter, "").split(" ")[0].split("-")[0] for letter in letters)
    total = sum(names.values())
    if names["HIRAGANA"] + names["KATAKANA"] > 0.1 * total:
        return "Japanese"
    name, count = names.most_common(1)[0] if names else ("", 0)
    return _SCRIPTS.get(name, "") if count > 0.6 * total else ""
