"""What a training would read: cleaned pages to look at, what was changed in them and why, one example of each change.

``python -m kobold_modules.corpus.previewing [--keep RULE] [--speaker NAME] FILE...`` prints it as one JSON object. A
process of its own, because cleaning a long novel keeps Python busy for seconds and a screen must go on hearing keys; it
loads nothing heavy, and who loses interest just ends it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from ..common_prefix import common_prefix
from ..errors import BadText
from .cleaning.change import Rule
from .cleaning.markup.markdown import markdown as strip_markdown
from .cleaning.names import check_keep
from .cleaning.rules import CHARACTERS, steps
from .document import Corpus, FileReport, structure_sentences
from .files import Found
from .loading import load
from .preview import Changed, Page, Preview, Problem
from .reading import read
from .splitting import split


PAGES = 8_000  # characters of a cleaned text to look at
LOOKED_THROUGH = 80_000  # characters of a file that are searched for examples
MOST_PAGES = 24  # files of which pages are shown
AROUND, LONGEST = 14, 44  # characters of an example: before the change, and in all


def preview(paths: Sequence[Path], keep: Sequence[str] = (), speakers: Sequence[str] = ()) -> Preview:
    """Read ``paths`` as a training would. Never raises for a text that is no good: it is reported as a problem.

    Raises:
        BadUsage: if ``keep`` has a name that is no rule's.
    """
    problems: list[Problem] = []
    try:
        corpus = read(paths, keep=keep, speakers=speakers) if paths else Corpus((), ())
    except BadText:
        good = []
        for path in paths:  # which of them is it? The others are shown all the same
            try:
                read([path], keep=keep, speakers=speakers)
            except BadText as error:
                problems.append(Problem(str(path), error.message, error.hint))
            else:
                good.append(path)
        corpus = read(good, keep=keep, speakers=speakers) if good else Corpus((), ())
    texts = {document.name: document.text for document in corpus.documents}
    names = iter(texts)
    pages = [
        _page(report, next(names) if report.words else report.path.name, texts, number < MOST_PAGES, keep)
        for number, report in enumerate(corpus.reports)
    ]
    passed_over = tuple(path.name for path in corpus.passed_over)
    warnings = (*split(corpus).describe(), *corpus.warnings) if pages else ()
    return Preview(tuple(pages), corpus.words, warnings, tuple(problems), passed_over)


def _page(report: FileReport, name: str, texts: dict[str, str], shown: bool, keep: Sequence[str]) -> Page:
    examples = _examples(report.path, keep) if shown and report.words else {}
    changes = tuple(
        Changed(change.what, change.count, change.why, *examples.get(change.what, ("", "")), rule=change.rule)
        for change in report.changes
    )
    text = texts.get(name, "")[:PAGES] if shown and report.words else ""
    structure = tuple(structure_sentences(report)) if report.words else ()
    speakers = tuple(speaker.name for speaker in report.speakers)
    return Page(
        name, str(report.path), report.words, report.encoding, changes, report.warnings, text, structure, speakers
    )


def _examples(path: Path, keep: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return the first place at which each rule changed something, as ``(before, after)``."""
    try:
        raw = load(Found(path, path.name, True))
    except BadText:  # read a moment ago, gone now
        return {}
    text = next(iter(raw.parts), "")[:LOOKED_THROUGH]
    found: dict[str, tuple[str, str]] = {}
    rules = steps(keep)
    if raw.markdown:
        for step in (step for step in rules if step in CHARACTERS):
            text, _ = _with_example(step.run, text, found)
        cleaned, signs = strip_markdown(text)
        for sign in signs:
            if sign.count:
                found.setdefault(sign.what, example(text, cleaned))
        text = cleaned
    for step in rules:
        text, _ = _with_example(step.run, text, found)
    return found


def _with_example(rule: Rule, text: str, found: dict[str, tuple[str, str]]) -> tuple[str, int]:
    cleaned, change = rule(text)
    if change.count and cleaned != text:
        found.setdefault(change.what, example(text, cleaned))
    return cleaned, change.count


def example(old: str, new: str) -> tuple[str, str]:
    """Return the first place where ``old`` and ``new`` differ, a few characters around it, spaces made visible."""
    at = common_prefix(old, new)
    start = max(0, at - AROUND)
    rest = new[at : at + 16]
    gone = old.find(rest, at, at + 4 * LONGEST) if rest else len(old)
    if gone > at:  # something was taken out: show it, and what closed up around it
        before, after = old[start : gone + AROUND], new[start : at + AROUND]
    else:
        before, after = old[start : at + LONGEST - AROUND], new[start : at + LONGEST - AROUND]
    return _visible(before), _visible(after)


def _visible(text: str) -> str:
    text = text.replace("\r\n", "↵").replace("\n", "↵").replace("\r", "↵").replace("\t", "→").replace("\f", "↡")
    text = re.sub(r" (?=↵|$)|(?<= ) ", "·", text)
    text = "".join(character if character.isprintable() else "▯" for character in text)
    return text if len(text) <= 2 * LONGEST else text[: 2 * LONGEST - 1] + "…"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    parser = argparse.ArgumentParser()
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--keep", action="append", default=[])
    parser.add_argument("--speaker", action="append", default=[])
    given = parser.parse_args()
    print(preview(given.paths, check_keep(given.keep), given.speaker).to_json())
