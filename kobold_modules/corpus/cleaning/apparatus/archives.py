"""What fan fiction archives and their authors put around a story: the table of tags, notes to readers, pleas for kudos.

The archive's own lines are known by their keys, and there must be several of them; only then are "Summary" and "Notes"
headings of an archive and not of a novel. A note says itself whose it is: "A/N: ...".
"""

from __future__ import annotations

import re

from ..change import Change, Cleaned


_KEYS = (
    r"rating|ratings|archive warnings?|warnings?|categor(?:y|ies)|fandoms?|relationships?|pairings?|characters?|"
    r"(?:additional )?tags|genres?|language|series|collections?|stats|published|updated|completed|packaged|status|"
    r"words|"
    r"word count|chapters|story(?: url)?|story id|author(?: url)?|publisher|title|author's profile|url|link|hits|kudos|"
    r"bookmarks|reviews|favs|follows|site|source|disclaimer|beta|spoilers|crossposted|archived at"
)
_DATA = re.compile(rf"(?P<key>{_KEYS})\s*:\s*(?P<value>.*)", re.IGNORECASE)
_POSTED = re.compile(
    r"posted (?:originally )?on (?:the )?\S[^\n]{0,60}(?:https?://|www\.|archive)|originally (?:posted|"
    r"published) (?:at|on)"
    r"|https?://(?:www\.)?(?:archiveofourown|fanfiction|wattpad|royalroad|ao3|spacebattles|sufficientvelocity|"
    r"ficwad)\S*\s*$",
    re.IGNORECASE,
)
_HEADS = re.compile(
    r"(?:(?:chapter |work |story |end |chapter end |author'?s |author’s )*(?:summary|notes?|end ?notes?)|preface|"
    r"afterword)"
    r"\W{0,3}",
    re.IGNORECASE,
)
_SEE = re.compile(r"\(?see the end of the (?:chapter|work) for\b.*", re.IGNORECASE)
_NOTE = re.compile(
    r"[\W_]{0,4}(?:a/n|a\.n\.|an(?=:)|author['’]?s? notes?(?=\s*[:—–-])|n/a(?=:)|note (?:de l['’]auteure?|do autor|"
    r"del autor)"
    r"|anmerkung des autors|note from the author|t/n|translator['’]s notes?(?=\s*:)|disclaimer(?=\s*:))\s*[\d]*\W",
    re.IGNORECASE,
)
_INLINE = re.compile(r"[ \t]*[(\[] ?(?:a/n|author['’]?s note)\b ?[:.,—–-]?[^()\[\]]{0,600}[)\]]", re.IGNORECASE)
_PLEA = re.compile(
    r"\bkudos\b|\bplease (?:leave a )?(?:comment|review|r&r|rate|vote|follow|subscribe|like)\b|\br ?& ?r\b|"
    r"read (?:and|&) review"
    r"|reviews? (?:are|is|make|give)|comments? (?:are|is|and kudos|make|give)|leave (?:me )?a (?:comment|review|"
    r"kudos|vote)"
    r"|drop by the archive|let (?:me|the (?:author|creator)) know (?:what you|if you)|thanks? (?:you )?(?:so much |"
    r"all )?for (?:reading|the reviews)"
    r"|\b(?:un)?beta['’]?(?:d|ed)\b|patreon|ko-?fi|next chapter (?:will|is|should|soon|tomorrow|next)|"
    r"see you next (?:chapter|time|week)"
    r"|hope you (?:all )?(?:enjoy|like|liked)|flames will|constructive criticism|i (?:do not|don['’]t) own|"
    r"update (?:soon|next|every)",
    re.IGNORECASE,
)
_LONGEST_PLEA, _LONGEST_NOTE = 400, 3_000
_FEWEST_KEYS = 3
_FRONT, _HEAD = 60, 20_000  # paragraphs and characters at the front where an archive's table stands
_STEMS = (
    *("/N", "/n", "AN:", "A.N.", "isclaimer:", "ISCLAIMER:", "uthor", "UTHOR'S", "UTHOR’S", "anslator", "rkung des"),
    *("ote de l", "ota del autor", "ota do autor", "ote from the"),
)
_SIGNS = (
    *(
        "A/N",
        "a/n",
        "AN:",
        "A.N.",
        "T/N",
        "N/A:",
        "Disclaimer:",
        "DISCLAIMER:",
        "uthor's note",
        "uthor's Note",
        "uthor’s note",
    ),
    *(
        "uthor’s Note",
        "uthors note",
        "uthors Note",
        "UTHOR'S NOTE",
        "UTHOR’S NOTE",
        "uthor note",
        "uthor Note",
        "nmerkung des",
    ),
    *(
        "ote de l'auteu",
        "ote de l’auteu",
        "ota del autor",
        "ota do autor",
        "ote from the author",
        "ranslator's note",
        "ranslator’s note",
    ),
)
_BLANK = re.compile(r"(\n[ \t]*\n\s*)")
_WHAT = "archive prefaces and authors' notes removed"
_WHY = "Tags, notes to readers and pleas for comments are about the story, not in it."


def archives(text: str) -> Cleaned:
    """Remove an archive's preface and its author's notes to readers."""
    head = _BLANK.split(text[:_HEAD])[::2][:_FRONT]
    archived = sum(_data(head).values()) >= _FEWEST_KEYS or any(_POSTED.search(part) for part in head[: _FRONT // 2])
    signed = any(stem in text for stem in _STEMS) and any(sign in text for sign in _SIGNS)
    if not archived and not signed:
        return text, Change(_WHAT, 0, _WHY)
    text, inline = _INLINE.subn("", text) if signed else (text, 0)
    parts = _BLANK.split(text)
    paragraphs = parts[::2]
    noted = [at for at, part in enumerate(paragraphs) if len(part) <= _LONGEST_NOTE and _NOTE.match(part)]
    doomed = set(noted)
    if archived:
        doomed |= _preface(paragraphs, _data(paragraphs))
    if archived or noted:
        doomed |= {at for at, part in enumerate(paragraphs) if _is_plea(part)}
    if not doomed:
        return text, Change(_WHAT, inline, _WHY)
    kept = [piece for at, piece in enumerate(parts) if at // 2 not in doomed]
    return "".join(kept), Change(_WHAT, inline + len(doomed), _WHY)


def _data(paragraphs: list[str]) -> dict[int, int]:
    """Return how many keys each paragraph at the front has that is only ``Key: value`` lines."""
    found: dict[int, int] = {}
    for at, paragraph in enumerate(paragraphs[:_FRONT]):
        lines = [line.strip() for line in paragraph.strip().split("\n") if line.strip()]
        keys = sum(bool(_DATA.match(line)) for line in lines)
        if keys and _DATA.match(lines[0]) and keys >= 0.4 * len(lines):
            found[at] = keys
    return found


def _preface(paragraphs: list[str], data: dict[int, int]) -> set[int]:
    """Return the indices of the archive's own paragraphs: the table, and what stands under Summary and Notes."""
    doomed = set(data)
    last = max(data, default=0)
    for at, paragraph in enumerate(paragraphs):
        bare = paragraph.strip()
        if at <= last + _FRONT // 2 and _POSTED.search(bare) and len(bare) <= 400:
            doomed.add(at)
        if len(bare) <= 200 and _SEE.fullmatch(bare):
            doomed.add(at)
        head = _HEADS.match(bare)
        if head is None or "\n\n" in bare:
            continue
        rest = bare[head.end() :].strip()
        if head.end() == len(bare):
            doomed.add(at)
            following = at + 1
            if following < len(paragraphs) and not _HEADS.fullmatch(paragraphs[following].strip()):
                doomed.add(following)
                while following + 1 < len(paragraphs) and _is_plea(paragraphs[following + 1]):
                    following += 1
                    doomed.add(following)
            continue
        with_text = bare[: head.end()].rstrip().endswith(":") and bool(rest) and len(bare) <= _LONGEST_NOTE
        if with_text or head.group().endswith("\n"):
            doomed.add(at)
    return doomed


def _is_plea(paragraph: str) -> bool:
    bare = paragraph.strip()
    return len(bare) <= _LONGEST_PLEA and '"' not in bare and "“" not in bare and bool(_PLEA.search(bare))
