"""How a question stands before a model: plainly, so that every model, trained to chat or not, reads the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """Texts around a question and what may be known of it.

    Attributes:
        name: ``plain``, so far.
        before, after: stand before the lore and question, and behind them; the answer follows at once.
        stop: strings that end a written answer.
        gap: what stands between the text so far and an answer.
    """

    name: str
    before: str
    after: str
    stop: tuple[str, ...]
    gap: str

    def prompt(self, question: str, lore: str = "") -> str:
        """Return what stands before the answer to ``question``, with ``lore`` in view."""
        view = f"{lore}\n\n" if lore else ""
        return f"{self.before}{view}Question: {question}{self.after}"

    def ending(self, answer: str) -> str:
        """Return ``answer`` as it stands behind the prompt."""
        return self.gap + answer


PLAIN = Form("plain", "", "\nAnswer:", ("\nQuestion:",), " ")
