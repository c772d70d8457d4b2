"""One module as a line of the list, in columns that fit the width there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.content import Content

from kobold_modules.library.library import Entry

from ...state.entry_stack import EntryStack
from ...state.phrases import DASH, DEEP, short_day, short_effect, shortened
from ...state.shelf_view import Sort, letters


MARK, KIND, TOKENS, EFFECT = 5, 9, 8, 14
MODEL_MOST, DAY, TAGS_MOST = 18, 11, 40
NARROWEST_NAME = 12
SORTED_BY: dict[str, Sort] = {"name": "name", "made for": "model", "made": "newest", "measured": "effect"}


class Columns(NamedTuple):
    """Widths in cells; a column of 0 is left out, the least important first."""

    name: int
    kind: int
    tokens: int
    model: int
    effect: int
    day: int = 0
    tags: int = 0

    @classmethod
    def within(cls, width: int, sections: bool = False) -> Columns:
        """Fit columns into ``width`` cells; under the headings of ``sections`` the kind need not be said again."""
        kind, tokens, effect, model = 0 if sections else KIND, TOKENS, EFFECT, MODEL_MOST
        rest = width - MARK

        def name() -> int:
            return rest - kind - tokens - model - effect

        if name() < 2 * NARROWEST_NAME:
            model = max(10, model - (2 * NARROWEST_NAME - name()))
        if name() < NARROWEST_NAME + 4:
            model = 0
        if name() < NARROWEST_NAME:
            kind = 0
        if name() < NARROWEST_NAME:
            tokens = 0
        spare = name() - 2 * NARROWEST_NAME
        day = DAY if spare >= DAY else 0
        tags = min(TAGS_MOST, spare - day) if spare - day >= 10 else 0
        return cls(max(4, name() - day - tags), kind, tokens, model, effect, day, tags)

    @property
    def parts(self) -> list[tuple[str, int]]:
        """Title and width of every column that is there, in order."""
        named = (
            ("name", self.name),
            ("kind", self.kind),
            ("tags", self.tags),
            ("tokens", self.tokens),
            ("made for", self.model),
            ("made", self.day),
            ("measured", self.effect),
        )
        return [(title, width) for title, width in named if width]

    def header(self, sort: Sort = "name") -> str:
        """Return the titles above the columns; ``▾`` stands at the one they are sorted by."""
        said = " " * MARK
        for title, width in self.parts:
            shown = title + (" ▾" if SORTED_BY.get(title) == sort else "")
            said += f"{shown:>{width - 2}}  " if title == "tokens" else f"{shown:<{width}}"
        return said

    def sort_at(self, x: int) -> Sort | None:
        """Return what a click on the header at cell ``x`` sorts by."""
        at = MARK
        for title, width in self.parts:
            if at <= x < at + width:
                return SORTED_BY.get(title)
            at += width
        return None


class RowState(NamedTuple):
    """What a line shows beside its module: the cursor, a mark of many, the words of a search, whether it fits."""

    chosen: bool = False
    marked: bool = False
    words: Sequence[str] = ()
    fits: bool = True


def row(entry: Entry, columns: Columns, stack: EntryStack, state: RowState) -> Content:
    """Draw a module as a row.

    ``›`` the cursor, ``✓`` marked; ``●`` in the stack, ``○`` in it but switched off; ``★`` starred, ``✗`` made for
    another model than the loaded one, ``!`` cannot be read. ``deep`` behind the name: a deep prefix.
    """
    place = stack.index(entry)
    stacked = " " if place is None else "●" if stack.layers[place].active else "○"
    # The row under the cursor has the cursor's own colours; others would be unreadable on some themes.
    good, quiet, odd, accent = (
        ("", "", "", "")
        if state.chosen
        else ("$text-success", "$foreground-muted", "$text-warning", "bold $text-accent")
    )
    start = Content.assemble(
        "›" if state.chosen else " ", ("✓" if state.marked else " ", accent), " ", (stacked, good), " "
    )
    name = _name(entry, columns.name, state.words, quiet)
    if entry.problem:
        room = sum(width for title, width in columns.parts if title != "name")
        return Content.assemble(start, name, (f"! {shortened(entry.problem, room - 2)}", odd))
    card = entry.card
    parts = [start, name]
    for title, width in columns.parts:
        match title:
            case "kind":
                parts.append(Content.styled(f"{card.kind:<{width}}", quiet))
            case "tags":
                parts.append(_cell(shortened(", ".join(entry.tags), width - 2), width, quiet))
            case "tokens":
                parts.append(Content(f"{entry.tokens:>{width - 2}}  "))
            case "made for":
                said = (card.model or DASH) if state.fits else f"✗ {card.model or 'another model'}"
                parts.append(_cell(shortened(said, width - 1), width, quiet if state.fits else odd))
            case "made":
                parts.append(_cell(shortened(short_day(card.created), width - 1), width, quiet))
            case "measured":
                parts.append(Content(f"{short_effect(card):<{width}}"))
    return Content.assemble(*parts)


def _name(entry: Entry, width: int, words: Sequence[str], quiet: str) -> Content:
    star = (f" {DEEP}" if entry.is_deep else "") + (" ★" if entry.notes.favourite else "")
    name = Content(shortened(entry.name, width - 1 - len(star)))
    folded = name.plain.casefold()
    if len(folded) == len(name.plain):
        for offset in {at for word in words for at in letters(word, folded)}:
            name = name.stylize("bold underline", offset, offset + 1)
    name = Content.assemble(name, (star, quiet))
    return name.pad_right(max(0, width - name.cell_length))


def _cell(text: str, width: int, style: str) -> Content:
    cell = Content.styled(text, style)
    return cell.pad_right(max(0, width - cell.cell_length))
