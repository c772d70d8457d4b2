"""A manuscript's first page: the writer's name, street, telephone, address for mail, number of words.

These must never end up in a module that is handed to strangers. A short list of lines at the very front (or the very
end) is one if two of its lines are signs of it and one of these is no street, so that a letter in a novel keeps its
head.
"""

from __future__ import annotations

import re

from ..change import Change, Cleaned


_MAIL = re.compile(r"[\w.+-]+(?:@| ?\[at\] ?| ?\(at\) ?)[\w-]+(?:\.| ?\[dot\] ?| ?\(dot\) ?)[\w.-]{2,}")
_PHONE = re.compile(
    r"(?:(?:tel|phone|telephone|mobile|cell|fax|tel\.|telefon|mobil|handy|téléphone|teléfono|telefono)\w*\W{0,3})?"
    r"(?:\+|\(?0|\(\d{2,5}\)|\d{3}[-. ])[\d ()./-]{6,}\d",
    re.IGNORECASE,
)
_PHONE_WORD = re.compile(
    r"(?:tel|phone|telephone|mobile|cell|telefon|mobil|téléphone|"
    r"teléfono)\b\W{0,3}[+(\d][\d ()./-]{5,}",
    re.I,
)
_COUNT = re.compile(
    r"\W*(?:word ?count|length|wörter|wortzahl)?\W{0,3}(?:(?:about|approx\w*|circa|ca?|around|some|roughly|etwa|"
    r"environ|unos|approximately)\.?\s*)?"
    r"\d{1,3}(?:[.,' ]?\d{3})*k?\+?\s*(?:words?|wörter|worte|mots|palabras|parole|woorden|"
    r"слов\w*)\W*(?:\(?(?:approx\w*|about)\W*)?",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"\d+[a-z]?,? (?:[A-Z][\w'’.-]+ ){0,4}(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|way|close|terrace|court|"
    r"place|square|"
    r"boulevard|blvd|crescent|row|hill|quay|parade|gardens|grove|mews|walk)\b\.?.*"
    r"|(?:[A-ZÄÖÜ][\wäöüß.-]+ ?){1,4}(?:straße|strasse|str\.|weg|gasse|allee|platz|ring|ufer|damm) ?\d+\w?"
    r"|\d+,? (?:bis |ter )?(?:rue|avenue|boulevard|place|chemin|impasse|allée|quai) .+"
    r"|(?:calle|via|avenida|piazza|plaza|rua) .+\d+.*|(?:p\.? ?o\.? box|postfach|flat|apt\.?|apartment|unit|"
    r"suite) \w+.*",
    re.IGNORECASE,
)
_TOWN = re.compile(
    r".*\b[A-Z]{2},? \d{5}(?:-\d{4})?|.*\b[A-Z]{1,2}\d[\dA-Z]? \d[A-Z]{2}\b.*|"
    r"(?:[A-Z]{1,2}-)?\d{4,5} ?[A-Z]{0,2} [A-ZÄÖÜ][\w .-]+"
)
_OTHER = re.compile(
    r"https?://\S+|www\.\S+|(?:literary )?agent\b.*|represented by .+|(?:active |affiliate |full )?member\b.{0,40}|"
    r"(?:first )?(?:north american |world |british )?serial rights.*|disposable copy.*|pen name.*|\(?writing as .+",
    re.IGNORECASE,
)
_LETTER = re.compile(
    r"(?:from|to|subject|date|sent|cc|von|an|betreff|de|à|para|asunto|dear|my dear|"
    r"lieber?)\b\s*[:,]|dear ",
    re.IGNORECASE,
)
_WINDOW = 4_000  # characters from the end of the file that are looked at
_MOST_LINES, _LONGEST_LINE = 20, 70
_WHAT = "name and address of the writer removed"
_WHY = "A module is handed on to others; a manuscript's first page is nobody's business but yours."


def first_page(text: str) -> Cleaned:
    """Remove the writer's name and address from the first page of a manuscript, and from below its end."""
    text, first = _front(text)
    text, last = _back(text)
    return text, Change(_WHAT, first + last, _WHY)


def front_page(text: str) -> Cleaned:
    """Remove them from the beginning of the text only."""
    text, count = _front(text)
    return text, Change(_WHAT, count, _WHY)


def back_page(text: str) -> Cleaned:
    """Remove them from the end of the text only."""
    text, count = _back(text)
    return text, Change(_WHAT, count, _WHY)


def _front(text: str) -> tuple[str, int]:
    lines, begins = _head(text)
    if not lines or any(_LETTER.match(line) for line in lines):
        return text, 0
    last = _last_sign(lines)
    if last is None:
        return text, 0
    return text[begins[last] :].lstrip("\n"), last + 1


def _back(text: str) -> tuple[str, int]:
    """Remove the same below the end of a story, where the lines are the last ones."""
    tail = text[-_WINDOW:]
    lines = tail.rstrip().split("\n")
    run: list[str] = []
    for line in reversed(lines):
        bare = line.strip()
        if len(bare) > _LONGEST_LINE or len([one for one in run if one.strip()]) >= _MOST_LINES:
            break
        if bare and not _sign(bare) and bare[-1] in '.!?"”…':
            break
        run.append(line)
    run.reverse()
    bare_lines = [line.strip() for line in run]
    if not any(bare_lines) or any(_LETTER.match(line) for line in bare_lines) or _last_sign(bare_lines) is None:
        return text, 0
    first = next(at for at, line in enumerate(bare_lines) if _sign(line))
    while first and (bare_lines[first - 1] and not _is_end(bare_lines[first - 1])):
        first -= 1  # the name above the address
    gone = "\n".join(run[first:])
    at = text.rstrip().rfind(gone.rstrip())
    return (text[:at].rstrip("\n") if at >= 0 else text), sum(bool(line) for line in bare_lines[first:])


def _is_end(line: str) -> bool:
    return line.casefold().strip(" .*#-~") in ("the end", "end", "fin", "finis", "ende", "")


def _head(text: str) -> tuple[list[str], list[int]]:
    """Return the short lines before the first sentence, and where the text goes on behind each."""
    lines: list[str] = []
    begins: list[int] = []
    at = 0
    while at < len(text) and len(lines) < _MOST_LINES:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        bare = text[at:end].strip()
        if len(bare) > _LONGEST_LINE or (bare and bare[-1] in '!?"”…' and not _sign(bare)):
            break
        if bare:
            lines.append(bare)
            begins.append(end + 1)
        at = end + 1
    return lines, begins


def _sign(line: str) -> str:
    """Return what sign of a manuscript's first page a line is, or an empty string."""
    line = line.strip()
    if (mail := _MAIL.search(line)) and len(line.replace(mail.group(), "").split()) <= 3:
        return "mail"
    if _PHONE.fullmatch(line) or _PHONE_WORD.match(line):
        return "phone"
    if _COUNT.fullmatch(line):
        return "count"
    if _STREET.fullmatch(line) or _TOWN.fullmatch(line):
        return "street"
    return "other" if _OTHER.fullmatch(line) else ""


def _last_sign(lines: list[str]) -> int | None:
    """Return the last line that is a sign, if there are enough of them; a line may hold several, a wide gap between."""
    signs = [[_sign(part) for part in re.split(r"\t| {3,}", line)] for line in lines]
    kinds = [kind for line in signs for kind in line if kind]
    sure = [kind for kind in kinds if kind in ("mail", "phone", "count")]
    if not sure or (len(kinds) < 2 and "mail" not in kinds):
        return None
    return max(at for at, line in enumerate(signs) if any(line))
