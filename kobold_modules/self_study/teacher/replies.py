"""What a teacher's reply holds: questions out of a list, and an answer up to the end of what it says."""

from __future__ import annotations

import re


_MARK = re.compile(r"^\s*(?:(?:[-*•>]+|\(?\d{1,2}[.):]+|[QA](?:uestion|nswer)?\s*\d*\s*[:.)])\s*)+", re.IGNORECASE)
_QUESTION = re.compile(r"[^?？؟]*[?？؟]")
_WHOLE = re.compile(r".*[.!?…。！？][\"'”’»」』)]*", re.DOTALL)
_MARKS_AROUND = '*_`"“”'


def questions_in(reply: str, most: int) -> list[str]:
    """Return the questions in ``reply``, at most ``most``, each once, without numbers, bullets and quotes."""
    found: dict[str, str] = {}
    for line in reply.split("\n"):
        text = _MARK.sub("", line).strip()
        match = _QUESTION.match(text)
        question = " ".join((match[0] if match else text).strip(_MARKS_AROUND).split())
        if question:
            found.setdefault(question.casefold(), question)
    return list(found.values())[:most]


def answer_in(reply: str, ended: bool) -> str:
    """Return the answer in ``reply``: its first paragraph, up to its last whole sentence.

    Args:
        ended: whether the model ended it itself; else what stands behind the last full stop is left out.
    """
    text = " ".join(reply.strip().split("\n\n")[0].split()).strip(_MARKS_AROUND)
    if ended or text.endswith((".", "!", "?", "…", "。")):
        return text
    whole = _WHOLE.match(text)
    return whole[0].strip() if whole else ""


def first_sentence(reply: str) -> str:
    """Return ``reply`` up to the end of its first sentence, with the space it begins with; empty for half a one."""
    text = reply.split("\n")[0].rstrip()
    at = re.search(r"[.!?…][\"'”’»)]*(?=\s|$)|[。！？][」』)]*", text)
    return text[: at.end()] if at else ""
