"""``lore``: what is in a lorebook, what each entry costs, and the same as SillyTavern's JSON."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...disk.files import check_target
from ...errors import BadUsage
from ...lorebook import Entry, Lorebook, read
from ...lorebook.content import prose, unnamed
from ...lorebook.write import write
from ...models.find import resolve
from ...records import Saved
from ..output import Output, table


MOST_KEYS = 6


def lore(arguments: argparse.Namespace, output: Output) -> int:
    """List the entries of lorebooks with their keys and tokens; with --to write one as SillyTavern's JSON."""
    if arguments.study:
        if arguments.to is not None:
            raise BadUsage("--study shows what would be asked, and --to writes a lorebook.", "Give one of the two.")
        from .lore_study import lore_study

        return lore_study(arguments, output)
    target = Path(arguments.to).expanduser() if arguments.to is not None else None
    if target is not None:
        if len(arguments.files) > 1:
            raise BadUsage("--to writes one lorebook.", "Name one FILE, or write them one after another.")
        check_target(target, ".json", replace=arguments.replace)
    books = [(name, read(Path(name).expanduser())) for name in arguments.files]

    from ...backends.tokenizer import load_vocabulary

    model = resolve(arguments.model)
    tokenize = load_vocabulary(model).tokenize
    for number, (name, book) in enumerate(books):
        counts = [_tokens(entry, book, tokenize) for entry in book.entries]
        output.object(**_as_data(name, book, counts))
        if not output.json:
            output.data(("\n" if number else "") + _shown(book, counts, model.name))
        if count := unnamed(book):
            output.say(
                f"warning: {_counted(count)} of {book.name} say {{{{char}}}}, and nothing here says who that is."
            )
    if target is not None:
        write(books[0][1], target)
        output.show(Saved(str(target), "lorebook"))
    return 0


def _tokens(entry: Entry, book: Lorebook, tokenize: Callable[[str], list[int]]) -> int:
    """Count what ``entry`` costs where it is in, as a line of its own."""
    text = prose(entry, book.character)
    return len(tokenize(text + "\n")) if text else 0


def _shown(book: Lorebook, counts: list[int], model: str) -> str:
    enabled = [(entry, count) for entry, count in zip(book.entries, counts, strict=True) if entry.enabled]
    disabled = [(entry, count) for entry, count in zip(book.entries, counts, strict=True) if not entry.enabled]
    lines = [f"{book.name}: {book.format}, {_counted(len(book.entries))}"]
    if enabled:
        lines += ["", table([_row(entry, count) for entry, count in enabled], ("title", "keys", "tokens", ""))]
    if disabled:
        lines += ["", "Switched off, not used and not trained:"]
        lines += [table([_row(entry, count) for entry, count in disabled], ("title", "keys", "tokens", ""))]
    total = sum(count for _, count in enabled)
    lines += ["", f"{total:,} tokens of {model} in {_counted(len(enabled))}"]
    if disabled:
        lines[-1] += f", and {sum(count for _, count in disabled):,} in {_counted(len(disabled))} switched off"
    return "\n".join(lines) + "."


def _row(entry: Entry, count: int) -> tuple[str, str, str, str]:
    keys = ", ".join(entry.keys[:MOST_KEYS]) + (
        f" (and {len(entry.keys) - MOST_KEYS} more)" if len(entry.keys) > MOST_KEYS else ""
    )
    if entry.selective and entry.secondary_keys:
        keys += f"; {entry.logic}: {', '.join(entry.secondary_keys[:MOST_KEYS])}"
    said = ["always in"] if entry.always else [] if entry.keys else ["no keys"]
    if entry.probability < 100:
        said.append(f"{entry.probability:g} % of the time")
    if entry.group:
        said.append(f"one of {entry.group}")
    return entry.name, keys, f"{count:,}", ", ".join(said)


def _as_data(name: str, book: Lorebook, counts: list[int]) -> dict[str, Any]:
    """Return a book as --json shows it."""
    return {
        "file": name,
        "name": book.name,
        "format": book.format,
        "tokens": sum(count for entry, count in zip(book.entries, counts, strict=True) if entry.enabled),
        "entries": [
            {
                "title": entry.name,
                "keys": list(entry.keys),
                "secondary_keys": list(entry.secondary_keys) if entry.selective else [],
                "logic": entry.logic,
                "always": entry.always,
                "enabled": entry.enabled,
                "order": entry.order,
                "group": entry.group,
                "tokens": count,
                "text": prose(entry, book.character),
            }
            for entry, count in zip(book.entries, counts, strict=True)
        ],
    }


def _counted(count: int) -> str:
    return "1 entry" if count == 1 else f"{count:,} entries"
