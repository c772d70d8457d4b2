"""Authors of ../shared/corpora: an author's other chapters are nearer to the author's pages than others' are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from kobold_modules.evaluation.style.delta import Delta
from kobold_modules.evaluation.style.grammar import Grammar
from kobold_modules.evaluation.style.measure import Measure
from kobold_modules.evaluation.style.ngrams import NGrams
from kobold_modules.evaluation.style.tokens import all_windows


AUTHORS = ("bram-stoker", "jane-austen", "joseph-conrad", "saki", "william-morris", "arthur-machen")
MEASURES: dict[str, Callable[[Sequence[str], Mapping[str, Sequence[str]]], Measure]] = {
    "delta": Delta,
    "ngrams": NGrams,
    "grammar": Grammar,
}


@pytest.fixture(scope="module")
def pages(corpora: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Return windows of four stretches of each author's works, and of four others far from them.

    From one work to another, of another kind and decade, an author's grammar changes as much as authors differ: of
    these six, two (Conrad, Machen) are then nearer to a contemporary by grammar alone.
    """
    found = {}
    for name in AUTHORS:
        text = (corpora / f"{name}.txt").read_text(encoding="utf-8")
        quarter = len(text) // 4
        train = [text[part * quarter :][:50_000] for part in range(4)]
        held_out = [text[part * quarter + quarter // 2 :][:15_000] for part in range(4)]
        found[name] = all_windows(train), all_windows(held_out)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("author", AUTHORS)
@pytest.mark.parametrize("measure", MEASURES)
def test_held_out_chapters_are_nearer_than_other_authors(
    measure: str, author: str, pages: dict[str, tuple[list[str], list[str]]]
) -> None:
    others = {name: train for name, (train, _) in pages.items() if name != author}
    fitted = MEASURES[measure](pages[author][0], others)
    sign = 1 if fitted.nearer == "higher" else -1

    near = {
        name: sign * float(fitted.score(fitted.features(held_out, name if name in others else None).sum(0)))
        for name, (_, held_out) in pages.items()
    }

    assert max(near, key=lambda name: near[name]) == author
