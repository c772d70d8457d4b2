"""The texts that ship with the program are read without losing a sentence."""

from pathlib import Path

import pytest

from kobold_modules.corpus import read, require_enough, split
from kobold_modules.corpus.words import count_words


SAMPLES = Path(__file__).parents[2] / "sample_texts"
FILES = sorted(path for path in SAMPLES.glob("*/*") if path.suffix in {".txt", ".md"})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_sample_text_keeps_its_prose(path: Path) -> None:
    before = path.read_text(encoding="utf-8")
    corpus = read([path])
    assert corpus.reports[0].warnings == ()
    assert corpus.words >= 0.98 * count_words(before)
    kept = set(corpus.text.split("\n\n"))
    plain = before.replace("_", "").replace("*", "")
    lost = [paragraph for paragraph in plain.split("\n\n") if len(paragraph) > 100 and paragraph.strip() not in kept]
    assert lost == []


@pytest.mark.parametrize("folder", sorted({path.parent for path in FILES}), ids=lambda path: path.name)
def test_sample_folder_can_be_trained_on(folder: Path) -> None:
    corpus = read([folder])
    require_enough(corpus)
    assert split(corpus).held_out
