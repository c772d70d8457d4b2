"""The lore among the chosen files, for reading: its entries, what is left out, and what a module will be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.content import Content

from kobold_modules.corpus.lore_preview import LorePreview

from ...state.phrases import counted, shortened
from ...state.recipe import TOKENS_A_WORD


NOTHING = LorePreview()
MOST_LEFT_OUT = 8  # that are named
HEADING = "bold $text-primary"
AS_STYLE = "As a style, the module learns only how these entries are written, not what they say."
AS_WORLD = "Kind world asks about them and teaches the answers."
AS_TEXT = "The entries are read as they stand, nothing is asked; such a module recites more than it knows."


@dataclass(frozen=True, slots=True)
class LoreView:
    """What is known of the lore, and what a training is going to do with it.

    Attributes:
        tokens: of each entry, by the loaded model; empty while nobody has counted.
        studied: whether it will be asked about; else it is read as it stands.
    """

    lore: LorePreview = NOTHING
    tokens: tuple[int, ...] = ()
    kind: Literal["style", "world"] = "style"
    studied: bool = True

    def content(self, width: int) -> Content:
        """Return it in ``width`` cells; empty where there is no lore to speak of."""
        if self.lore.problem and self.kind == "world":
            return Content.assemble(("! ", "$text-warning"), self.lore.problem)
        if not self.lore.entries:
            return Content()
        parts = [self._summary(), self._fate(), self._questions(), self._entries(width)]
        return Content("\n").join([part for part in parts if part])

    def _summary(self) -> Content:
        lore = self.lore
        counted_all = self.tokens and len(self.tokens) == lore.count
        tokens = f"{sum(self.tokens):,}" if counted_all else f"about {round(lore.words * TOKENS_A_WORD):,}"
        head = Content.assemble(
            ("Lore  ", HEADING), (counted(lore.count, "entry", "entries"), "bold"), f", {tokens} tokens"
        )
        if not lore.left_out:
            return head
        named = ", ".join(lore.left_out[:MOST_LEFT_OUT]) + (" …" if len(lore.left_out) > MOST_LEFT_OUT else "")
        off = f"Switched off, so not learned ({len(lore.left_out):,}): {named}"
        return Content("\n").join([head, Content.styled(off, "$foreground-muted")])

    def _fate(self) -> Content:
        """Say what will be done with the lore where that is not what it is for."""
        if self.kind == "style":
            return Content.assemble(("! ", "$text-warning"), f"{AS_STYLE} {AS_WORLD}")
        return Content() if self.studied else Content.assemble(("! ", "$text-warning"), AS_TEXT)

    def _questions(self) -> Content:
        if self.kind == "style" or not self.studied or not self.lore.questions:
            return Content()
        lines = [Content.styled("Will be asked, for example", HEADING)]
        for asked in self.lore.questions:
            lines.append(Content.assemble("? ", asked.question, " → ", (asked.answer, "$text-success")))
        return Content("\n").join(lines)

    def _entries(self, width: int) -> Content:
        keyed = width >= 44 and any(entry.keys for entry in self.lore.entries)
        keys_width = width // 3 if keyed else 0
        title_width = max(10, width - keys_width - 8)
        lines = [Content.styled(f"{'Entries':<{title_width}}{'keys'[:keys_width]:<{keys_width}}{'tokens':>8}", HEADING)]
        for number, entry in enumerate(self.lore.entries):
            known = number < len(self.tokens)
            tokens = f"{self.tokens[number]:,}" if known else f"~{round(entry.words * TOKENS_A_WORD):,}"
            keys = shortened(", ".join(entry.keys), keys_width - 1) if keys_width else ""
            lines.append(
                Content.assemble(
                    f"{shortened(entry.title, title_width - 1):<{title_width}}",
                    (f"{keys:<{keys_width}}", "$foreground-muted"),
                    (f"{tokens:>8}", "$foreground-muted"),
                )
            )
        if (rest := self.lore.count - len(self.lore.entries)) > 0:
            lines.append(Content.styled(f"and {counted(rest, 'more entry', 'more entries')}", "$foreground-muted"))
        return Content("\n").join(lines)
