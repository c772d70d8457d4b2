"""Questions in their natural order: "How many times has Joss crossed the Alder?" from what is said of Joss. English.

The verb behind the subject goes before it: an auxiliary as it is, any other verb as did or does with its plain form,
where that is sure. Where it is not, nothing is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..lore import LoreEntry
from ..names import ORDINALS, Span, spans
from .draft import Draft
from .gap import things_in
from .subject import COUNTED, PERSONS, Subject, first_clause, inside
from .world import World


MOST_BETWEEN = 5  # words between the verb and a name that is asked for
LONGEST = 22  # words of a question
_AUXILIARIES = re.compile(r"(?:is|are|was|were|has|have|had|will|would|can|could|may|might|must|shall|should)")
_ADVERBS = re.compile(
    r"(?:now|then|once|never|also|still|always|often|only|soon|later|alone|already|even|usually|rarely|seldom|finally"
    r"|first|again|afterwards|herself|himself|itself)"
)
_PREPOSITIONS = "for in on at since until till by from with under over to into beside near behind before after during"
_PREPOSITION = re.compile(rf"(?:^|\s)({_PREPOSITIONS.replace(' ', '|')}) (?:the |a |an )?$")
_IRREGULAR = {
    "went": "go", "came": "come", "put": "put", "took": "take", "gave": "give", "made": "make", "said": "say",
    "kept": "keep", "held": "hold", "led": "lead", "lost": "lose", "found": "find", "knew": "know", "told": "tell",
    "saw": "see", "stood": "stand", "sat": "sit", "fell": "fall", "built": "build", "bought": "buy", "sold": "sell",
    "wrote": "write", "spoke": "speak", "brought": "bring", "taught": "teach", "caught": "catch", "fought": "fight",
    "left": "leave", "met": "meet", "ran": "run", "rose": "rise", "swore": "swear", "wore": "wear", "broke": "break",
    "drew": "draw", "grew": "grow", "threw": "throw", "hid": "hide", "hung": "hang", "laid": "lay", "lay": "lie",
    "paid": "pay", "sent": "send", "spent": "spend", "won": "win", "began": "begin", "became": "become", "ate": "eat",
    "drank": "drink", "slept": "sleep", "felt": "feel", "heard": "hear", "let": "let", "cut": "cut", "set": "set",
    "fled": "flee", "bore": "bear", "bred": "breed", "bound": "bind", "dealt": "deal", "dug": "dig", "drove": "drive",
    "flew": "fly", "forgot": "forget", "froze": "freeze", "got": "get", "rode": "ride", "sang": "sing", "sank": "sink",
    "shot": "shoot", "stole": "steal", "struck": "strike", "swam": "swim", "tore": "tear", "understood": "understand",
    "woke": "wake", "lent": "lend", "meant": "mean", "did": "do", "burnt": "burn", "learnt": "learn", "lit": "light",
}  # fmt: skip
_S_FORMS = {"goes": "go", "does": "do", "lies": "lie", "dies": "die", "ties": "tie"}
# A time at the beginning of a sentence, up to its last figure, and what happened then.
_WHEN = re.compile(
    r"(?P<time>(?:In|On|Since|Until|From|By|At|Before|After) [^;]{0,50}?\d+(?:st|nd|rd|th)?(?![\w]| of\b)(?:, \d+)?"
    r"|In (?:the )?(?:spring|summer|autumn|winter)[^,;]{0,30}(?=,)),?\s+(?P<rest>[a-zA-Z].{12,})"
)
_LONGEST_EVENT = 120  # characters


def natural_questions(
    entry: LoreEntry, name: str, said: str, subject: Subject, world: World, fact: int
) -> Iterator[Draft]:
    """Yield questions for the names and numbers in ``said``, which follows ``name`` in a sentence."""
    parts = said.split(" ")
    adverbs = []
    while parts and _ADVERBS.fullmatch(parts[0]):
        adverbs.append(parts.pop(0))
    if len(parts) < 2:
        return
    verb, rest = parts[0], " ".join(parts[1:])
    helper, plain = _inverted(verb, subject)
    if not helper:
        return
    for span in [*spans(rest, world.names)[:8], *things_in(rest)[:4]]:
        before, behind = rest[: span.begin], rest[span.begin + len(span.text) :]
        behind = re.split(r"[,;]", behind)[0]
        if re.search(r"[,;]|\b(?:that|who|which|when|where|and|because|if)\b", before):  # another clause
            continue
        asked, before, behind = _asked(before, span, behind, world)
        words = [asked, helper, inside(name), *adverbs, plain, before.strip(), behind.strip()]
        question = " ".join(" ".join(word for word in words if word).split())
        if asked and len(question.split()) <= LONGEST:
            yield Draft("question", entry, f"{question[0].upper()}{question[1:]}?", span.text, fact=fact)


def questions_of_time(
    entry: LoreEntry, sentence: str, name: str, about: str, subject: Subject, fact: int
) -> Iterator[Draft]:
    """Yield questions for what happened when, of a sentence that begins with a time.

    Args:
        about: what stands in front of a question that does not say what it is about.
    """
    time, happened = _time_and_event(sentence)
    if not time:
        return
    pronoun = re.match(r"(he|she|it) ", happened)
    if pronoun and pronoun[1] == subject.pronoun:
        happened, about = f"{inside(name)}{happened[pronoun.end() - 1 :]}", ""
    yield Draft("question", entry, f"{about}When was it that {happened}?", time, fact=fact)
    moment = time[0].lower() + time[1:]
    if re.match(r"(?:in|on|at) ", moment):
        told = f"{happened[0].upper()}{happened[1:]}."
        yield Draft("question", entry, f"{about}What happened {moment}?", told, fact=fact)


def predicate_of_time(sentence: str, subject: Subject) -> str:
    """Return what a sentence that begins with a time says of its subject, the time at its end; empty if unclear."""
    time, happened = _time_and_event(sentence)
    pronoun = re.match(r"(he|she|it) (?=[a-z])", happened)
    if not time or pronoun is None or pronoun[1] != subject.pronoun:
        return ""
    return f"{first_clause(happened[pronoun.end() :])} {time[0].lower()}{time[1:]}"


def _time_and_event(sentence: str) -> tuple[str, str]:
    match = _WHEN.fullmatch(sentence.rstrip(" .!?…"))
    if match is None:
        return "", ""
    happened = match["rest"].split(";")[0]
    if len(happened) > _LONGEST_EVENT:
        clause = happened.split(",")[0]
        happened = clause if len(clause.split()) >= 6 else happened
    return match["time"].rstrip(","), happened


def _asked(before: str, span: Span, behind: str, world: World) -> tuple[str, str, str]:
    """Return what asks for ``span``, with the preposition in front of it; and what is left before and behind it."""
    preposition = _PREPOSITION.search(before)
    front = f"{preposition[1]} " if preposition else ""
    left = before[: preposition.start()] if preposition else re.sub(r"(?:^|\s)(?:the|a|an) $", " ", before)
    if span.number:
        if span.text.lower() in ORDINALS or not span.text.replace("-", "").replace(" ", "").isalnum():
            return "", before, behind
        counted = COUNTED.match(behind)
        if counted:
            return f"{front}how many {counted[1]}", left, behind[counted.end() :]
        dated = re.fullmatch(r"\d{3,4}", span.text) and front in ("in ", "since ", "until ", "by ", "from ")
        return (f"{front}which year", left, behind) if dated else ("", before, behind)
    if len(before.split()) > MOST_BETWEEN or re.search(r"\bof (?:the )?$", before):
        return "", before, behind
    area = world.area_of.get(span.text.casefold(), "").lower()
    asked = "whom" if area in PERSONS else "which place" if area == "place" else "what"
    if asked == "what" and front:
        if front not in ("in ", "by ", "under ", "with ", "from "):
            return "", before, behind
        asked = "whom or what" if front == "by " else asked
    return f"{front}{asked}", left, behind


def _inverted(verb: str, subject: Subject) -> tuple[str, str]:
    """Return what stands before the subject of a question, and what is left of ``verb`` behind it; else nothing."""
    if _AUXILIARIES.fullmatch(verb):
        return verb, ""
    if verb in _IRREGULAR:
        return "did", _IRREGULAR[verb]
    if verb in _S_FORMS:
        return "does", _S_FORMS[verb]
    if not re.fullmatch(r"[a-z]{3,}", verb):
        return "", ""
    if verb.endswith("ed"):
        return ("did", plain) if (plain := _without_ed(verb)) else ("", "")
    if subject.pronoun in ("he", "she", "it") and verb.endswith("s") and not verb.endswith("ss"):
        return "does", _without_s(verb)
    return "", ""


def _without_ed(verb: str) -> str:
    """Return the plain form of a regular past: ``carried`` -> ``carry``, ``stopped`` -> ``stop``; empty if unsure.

    An e before the d belongs to the verb behind some letters (``lived``) and never behind others (``crossed``); behind
    a vowel and a single consonant (``hoped``, ``visited``) spelling does not tell.
    """
    stem = verb[:-2]
    if verb.endswith("ied"):
        return f"{verb[:-3]}y"
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "lsfz":
        return stem[:-1]
    if re.search(r"(?:v|c|z|u|[lnr]s|[lnrd]g|[bcdfgkptz]l|[tp]r|[aeo]us|ais|eas)$", stem):
        return f"{stem}e"
    sure = re.search(r"(?:ss|sh|ch|ck|x|w|[aeo]y|ll|ff|nd|nt|nk|ng|mp|lt|ld|lk|lp|wn|rk|rn|rt|rd|rm|lm|st|sk|pt|ct|ft"
                     r"|[aeo]{2}\w|ai\w|ou\w|er|en|it)$", stem)  # fmt: skip
    return stem if sure else ""


def _without_s(verb: str) -> str:
    if verb.endswith("ies") and len(verb) > 4:
        return f"{verb[:-3]}y"
    return verb[:-2] if re.search(r"(?:sh|ch|x|ss|zz|o)es$", verb) else verb[:-1]
