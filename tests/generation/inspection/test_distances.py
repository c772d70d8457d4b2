"""How far virtual tokens are from words and from their start: issue 17, deliverable 5."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kobold_modules.backends.llamacpp.model import NativeVocabulary
from kobold_modules.errors import EngineFailed, WrongModel
from kobold_modules.generation.inspection.distances import SAMPLE, changes, distances
from kobold_modules.generation.inspection.nearest import word_of
from kobold_modules.models.find import resolve
from kobold_modules.models.reference import ModelFile
from kobold_modules.soft_prompt.module import Card, Module


@pytest.fixture
def file(stories: Path) -> ModelFile:
    return resolve(str(stories / "stories260K-F16.gguf"))


def test_a_words_own_row_is_no_way_from_words_and_a_long_one_far(file: ModelFile, stories_table: np.ndarray) -> None:
    words = NativeVocabulary(file.path)
    token = words.tokenize(" girl")[0]
    own = stories_table[token]
    found = distances(Module(np.stack([own, 40 * own]), Card("x")), file, words.piece)

    assert found[0].word == word_of(words.piece(token))
    assert found[0].from_words == pytest.approx(0, abs=0.02)
    assert found[1].from_words > 10


def test_it_agrees_with_the_whole_table_at_once(
    file: ModelFile, stories_table: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the definition: the smallest distance, over the middle one of the words' own smallest distances."""
    real = ModelFile.read_table
    monkeypatch.setattr(ModelFile, "read_table", lambda model: real(model, 37))
    words = NativeVocabulary(file.path)
    rng = np.random.default_rng(2)
    module = Module(rng.normal(0, stories_table.std(), (6, 64)).astype(np.float32), Card("x"))
    usable = np.array([token for token in range(512) if word_of(words.piece(token))])
    table = stories_table[usable].astype(np.float64)
    apart = np.linalg.norm(table[:, None] - table[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    sample = np.unique(np.linspace(0, len(usable) - 1, min(SAMPLE, len(usable))).astype(int))
    unit = np.median(apart[sample].min(axis=1))
    far = np.linalg.norm(module.vectors[:, None].astype(np.float64) - table[None], axis=2)

    found = distances(module, file, words.piece)

    assert [place.from_words for place in found] == pytest.approx(list(far.min(axis=1) / unit), rel=2e-2, abs=2e-3)
    assert [place.word for place in found] == [word_of(words.piece(int(usable[at]))) for at in far.argmin(axis=1)]
    monkeypatch.setattr(ModelFile, "read_table", lambda model: pytest.fail("read again"))
    assert distances(module, file, words.piece) == found


def test_the_change_is_a_share_of_the_length_it_began_with() -> None:
    initial = np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)
    vectors = np.array([[3.0, 6.5], [1.0, 0.0]], np.float32)

    assert changes(Module(vectors, Card("x"), initial)) == [0.5, None]
    assert changes(Module(vectors, Card("x"))) == [None, None]


def test_what_cannot_be_looked_up(file: ModelFile) -> None:
    words = NativeVocabulary(file.path)
    with pytest.raises(WrongModel, match="32 wide"):
        distances(Module(np.ones((2, 32), np.float32), Card("narrow")), file, words.piece)
    with pytest.raises(EngineFailed, match="stopped"):
        distances(Module(np.ones((2, 64), np.float32), Card("x")), file, words.piece, lambda: True)
