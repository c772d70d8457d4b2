"""The context meter: what the model sees, counted in tokens.

Virtual tokens take room from the text, which no writer can guess; the bar shows both, and the room kept for what is
about to be written. Segments differ in shape, not only in colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from ...state.phrases import DEEP, shortened


VIRTUAL, MEMORY, LORE, TEXT, KEPT, FREE = "▨", "▤", "▥", "■", "□", "·"


@dataclass(frozen=True, slots=True)
class Context:
    """Token counts.

    ``total`` 0: no model is loaded; ``text`` None: not counted yet; ``kept`` is for the next take, ``memory`` what
    memory and author's note take, ``lore`` what ``entries`` of lorebooks take that are in,
    each as its title and its tokens. ``deep`` of the ``virtual`` ones are those of deep prefixes.
    """

    total: int = 0
    virtual: int = 0
    text: int | None = None
    kept: int = 0
    memory: int = 0
    lore: int = 0
    entries: tuple[tuple[str, int], ...] = ()
    deep: int = 0

    @property
    def in_words(self) -> str:
        """The entries that are in, with what each costs."""
        return ", ".join(f"{title} {tokens:,}" for title, tokens in self.entries)

    @property
    def room(self) -> int:
        """Tokens of text that fit."""
        return max(0, self.total - self.virtual - self.memory - self.lore - self.kept)

    @property
    def seen(self) -> int:
        """Tokens of text the model will see."""
        return min(self.text or 0, self.room)

    @property
    def lost(self) -> int:
        """Tokens at the beginning of the text that no longer fit."""
        return max(0, (self.text or 0) - self.room)

    @property
    def free(self) -> int:
        return max(0, self.room - self.seen)


def cells(context: Context, width: int) -> list[tuple[str, int]]:
    """Return the bar as ``(character, cells)`` in order, ``width`` in all; each part there gets at least one cell."""
    parts = [
        (VIRTUAL, context.virtual),
        (MEMORY, context.memory),
        (LORE, context.lore),
        (TEXT, context.seen),
        (KEPT, context.kept),
        (FREE, context.free),
    ]
    if width <= 0 or context.total <= 0:
        return []
    shares = [max(1 if count else 0, round(count / context.total * width)) for _, count in parts]
    # Rounding is settled in the largest part, where nobody sees it.
    shares[shares.index(max(shares))] += width - sum(shares)
    return [(character, share) for (character, _), share in zip(parts, shares, strict=True) if share > 0]


class Meter(Widget):
    """``context`` as a bar and its legend: below each other where there is height for it, else on one line."""

    DEFAULT_CSS = """
    Meter {
        height: 1;
        width: 1fr;
    }
    """
    STYLES: ClassVar[dict[str, str]] = {
        VIRTUAL: "$text-accent",
        MEMORY: "$text-secondary",
        LORE: "$text-secondary",
        TEXT: "$text-primary",
        KEPT: "$foreground-muted",
        FREE: "$foreground-muted",
    }

    context: reactive[Context] = reactive(Context())

    def render(self) -> Content:
        context, width = self.context, self.size.width
        if not context.total:
            return Content.styled("The context is known once a model is loaded.", "$foreground-muted")
        if self.size.height < 2:
            legend = self._short_legend()
            return Content.assemble(legend, "  ", self._bar(max(8, width - legend.cell_length - 2)))
        return Content("\n").join([self._bar(width), *self._legend(width)][: self.size.height])

    def _bar(self, width: int) -> Content:
        return Content.assemble(*((mark * count, self.STYLES[mark]) for mark, count in cells(self.context, width)))

    def _text_words(self) -> str:
        return "…" if self.context.text is None else f"{self.context.seen:,}"

    def _short_legend(self) -> Content:
        context = self.context
        return Content.assemble(
            (f"! oldest {context.lost:,} don't fit  " if context.lost else "", "$text-warning"),
            (VIRTUAL, self.STYLES[VIRTUAL]),
            f" {context.virtual:,} virtual ",
            (f"{MEMORY} ", self.STYLES[MEMORY]) if context.memory else "",
            f"{context.memory:,} memory " if context.memory else "",
            (f"{LORE} ", self.STYLES[LORE]) if context.lore else "",
            f"{context.lore:,} lore " if context.lore else "",
            (TEXT, self.STYLES[TEXT]),
            f" {self._text_words()} text",
            (f" of {context.total:,}", "$foreground-muted"),
        )

    def _legend(self, width: int) -> list[Content]:
        context = self.context
        rows = [
            (
                VIRTUAL,
                f"{context.virtual:,}",
                "virtual tokens" + (f", {context.deep:,} {DEEP}" if context.deep else ""),
            ),
            *([(MEMORY, f"{context.memory:,}", "memory and note")] if context.memory else []),
            *([(LORE, f"{context.lore:,}", f"lore: {context.in_words}")] if context.lore else []),
            (TEXT, self._text_words(), "of your text"),
            (KEPT, f"{context.kept:,}", "kept for the next take"),
        ]
        if not context.lost:
            rows.append((FREE, f"{context.free:,}", f"free of {context.total:,}"))
        digits = max(len(number) for _, number, _ in rows)
        lines = []
        if context.lost:  # it has the first claim on the room
            sentence = f"! About the oldest {context.lost:,} no longer fit."
            lines.append(Content.styled(sentence[:width], "$text-warning"))
        lines += [
            Content.assemble(
                (mark, self.STYLES[mark]),
                f" {number:>{digits}} ",
                (shortened(words, max(8, width - digits - 3)), "$foreground-muted"),
            )
            for mark, number, words in rows
        ]
        return lines
