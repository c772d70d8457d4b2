"""The words nearest to virtual tokens: right, from any kind of file, and looked up once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.backends.llamacpp.model import NativeVocabulary
from kobold_modules.errors import BadUsage, EngineFailed, WrongModel
from kobold_modules.generation.inspection import nearest as nearest_module
from kobold_modules.generation.inspection.nearest import nearest
from kobold_modules.models.find import resolve
from kobold_modules.models.reference import ModelFile
from kobold_modules.soft_prompt.module import Card, Module


@pytest.fixture
def file(stories: Path) -> ModelFile:
    return resolve(str(stories / "stories260K-F16.gguf"))


def test_a_words_own_row_is_nearest_to_it(file: ModelFile, stories_table: np.ndarray) -> None:
    words = NativeVocabulary(file.path)
    ids = [words.tokenize(word)[0] for word in (" Once", " time", " girl")]
    rows = np.stack([3 * stories_table[ids[0]], stories_table[ids[1]], stories_table[ids[2]]])
    found = nearest(Module(rows, Card("words")), file, words.piece, 3)
    assert [row[0].text for row in found] == [words.piece(token).decode().strip() for token in ids]
    assert [row[0].cosine for row in found] == pytest.approx([1, 1, 1], abs=1e-3)
    for row in found:
        assert len(row) == 3
        assert row[0].cosine >= row[1].cosine >= row[2].cosine
        assert len({word.text.casefold() for word in row}) == 3
    assert isinstance(found[0][0].cosine, float)


def test_it_agrees_with_the_whole_table_at_once(
    file: ModelFile,
    stories_table: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    some_module: Callable[[int, int], Module],
) -> None:
    real = ModelFile.read_table
    monkeypatch.setattr(ModelFile, "read_table", lambda model: real(model, 37))
    words, module = NativeVocabulary(file.path), some_module(20, 4)
    table = stories_table / np.maximum(np.linalg.norm(stories_table, axis=1, keepdims=True), 1e-12)
    rows = module.vectors / np.linalg.norm(module.vectors, axis=1, keepdims=True)
    for row, cosines in zip(nearest(module, file, words.piece, 1), rows @ table.T, strict=True):
        usable = [token for token in range(512) if nearest_module.word_of(words.piece(token))]
        assert row[0].cosine == pytest.approx(float(cosines[usable].max()), abs=2e-3)
        spelled = {
            nearest_module.word_of(words.piece(token))
            for token in usable
            if cosines[token] > cosines[usable].max() - 2e-3
        }
        assert row[0].text in spelled


def test_it_is_looked_up_once(
    file: ModelFile, some_module: Callable[[int, int], Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    words, module = NativeVocabulary(file.path), some_module(5, 1)
    first = nearest(module, file, words.piece, 2)
    monkeypatch.setattr(ModelFile, "read_table", lambda model: pytest.fail("read again"))
    assert nearest(module, file, words.piece, 2) == first
    monkeypatch.undo()
    assert [len(row) for row in nearest(module, file, words.piece, 4)] == [4] * 5


def test_a_damaged_memory_of_it_is_looked_up_again(
    file: ModelFile, some_module: Callable[[int, int], Module], home: Path
) -> None:
    words, module = NativeVocabulary(file.path), some_module(5, 1)
    first = nearest(module, file, words.piece, 2)
    for kept in (home / "cache" / "nearest").iterdir():
        kept.write_bytes(b'{"rows": [[1, 2]]}')
    assert nearest(module, file, words.piece, 2) == first


def test_what_cannot_be_looked_up(file: ModelFile, some_module: Callable[[int, int], Module]) -> None:
    words, module = NativeVocabulary(file.path), some_module(5, 1)
    for top in (0, 21):
        with pytest.raises(BadUsage):
            nearest(module, file, words.piece, top)
    with pytest.raises(WrongModel, match="32 wide"):
        nearest(Module(np.ones((2, 32), np.float32), Card("narrow")), file, words.piece)
    with pytest.raises(EngineFailed, match="stopped"):
        nearest(module, file, words.piece, 3, cancelled=lambda: True)
    flat = nearest(Module(np.zeros((1, 64), np.float32), Card("nothing")), file, words.piece, 2)
    assert [word.cosine for word in flat[0]] == [0, 0]


def test_a_quantised_table_is_read(starter: Path) -> None:
    parts = list(resolve("starter").read_table(1000))
    table = np.concatenate(parts)
    assert table.dtype == np.float32
    assert all(len(part) <= 1000 for part in parts)
    assert np.isfinite(table).all()
    assert 0 < table.std() < 10
