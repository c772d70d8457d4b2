"""A module's rows, one a line: nearest words, distance from all words, how far it moved, what it is worth."""

from __future__ import annotations

from dataclasses import dataclass, replace

from textual.content import Content

from kobold_modules import answers


HEADING = "bold $text-primary"
NUMBERS = 34  # columns beside the words of a row


@dataclass(frozen=True, slots=True)
class Vectors:
    """What is known of a module's rows.

    Attributes:
        words: of each row, the nearest first.
        places: where each lies; may be fewer, where an older worker does not say.
        worth: nats per token that are lost without it, empty until that is known; ``tokens``: it was measured on.
    """

    words: tuple[tuple[str, ...], ...]
    places: tuple[answers.Place, ...] = ()
    worth: tuple[float, ...] = ()
    tokens: int = 0

    @classmethod
    def of(cls, found: answers.NearestWords) -> Vectors:
        """Return what a worker found."""
        return cls(tuple(tuple(word.text for word in row) for row in found.rows), found.places)

    def weighed(self, found: answers.VectorWorth) -> Vectors:
        """Return the same with what each row is worth."""
        return replace(self, worth=found.nats_per_token, tokens=found.tokens)


def vectors_view(vectors: Vectors, width: int) -> Content:
    """Return the rows for a card of ``width`` cells."""
    words = max(8, width - NUMBERS)
    lines = [
        ("Nearest words, row by row", HEADING),
        ("  A curiosity", "$foreground-muted"),
        (f"\n{'':>4} {'':<{words}} {'from words':>10} {'moved':>7} {'worth':>8}", "$foreground-muted"),
    ]
    lines += [("\n" + _line(vectors, number, words), "$foreground-muted") for number in range(len(vectors.words))]
    said = "\nFrom words: 1 is as far as words are from one another. Moved: of its first length."
    if vectors.worth:
        said += f" Worth: nats per token lost without it, on {vectors.tokens:,} tokens; they do not add up."
    return Content.assemble(*lines, (said, "italic $foreground-muted"))


def _line(vectors: Vectors, number: int, width: int) -> str:
    words = " ".join(filter(None, (word.strip() for word in vectors.words[number]))) or "–"
    place = vectors.places[number] if number < len(vectors.places) else None
    far = "" if place is None else f"{place.from_words:.1f}"
    moved = "" if place is None or place.change is None else f"{place.change:.0%}"
    worth = f"{vectors.worth[number]:+.4f}" if number < len(vectors.worth) else ""
    return f"{number:>4} {words[:width]:<{width}} {far:>10} {moved:>7} {worth:>8}".rstrip()
