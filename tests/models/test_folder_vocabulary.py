"""A folder's tokenizer says what llama.cpp says of the same model, and never adds a space or a BOS."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from kobold_modules.backends.llamacpp.model import NativeVocabulary
from kobold_modules.backends.tokenizer import load_vocabulary
from kobold_modules.errors import EngineFailed, NoModel
from kobold_modules.models.folder_vocabulary import FolderVocabulary
from kobold_modules.models.reference import ModelFile
from tests.backends.tiny_folder import byte_tokenizer


TEXTS = ["Once upon a time, né 🙂", " a b  c", "<s> </s>\0 né", "\n\nHello", "x" * 50, "", " ", "\t", "▁ lower"]


def folder_of(path: Path, tokenizer: Tokenizer) -> Path:
    path.mkdir(exist_ok=True)
    tokenizer.save(str(path / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>"}
    (path / "tokenizer_config.json").write_text(json.dumps(config))
    return path


@pytest.fixture(scope="session")
def both(stories: Path) -> tuple[FolderVocabulary, NativeVocabulary]:
    return FolderVocabulary(stories / "stories260K-hf"), NativeVocabulary(stories / "stories260K-F16.gguf")


def test_it_agrees_with_llama_cpp(both: tuple[FolderVocabulary, NativeVocabulary]) -> None:
    ours, native = both
    for text in TEXTS[:-1]:
        assert ours.tokenize(text) == native.tokenize(text)
    assert [ours.piece(token) for token in range(512)] == [native.piece(token) for token in range(512)]
    assert [ours.ends(token) for token in range(512)] == [native.ends(token) for token in range(512)]
    assert ours.opening == native.opening


def test_training_sees_the_same_tokens(both: tuple[FolderVocabulary, NativeVocabulary], stories: Path) -> None:
    vocabulary = load_vocabulary(ModelFile("stories", stories / "stories260K-hf", "hf"))
    assert vocabulary.tokenize(TEXTS[0]) == both[1].tokenize(TEXTS[0])


@pytest.fixture(scope="session")
def bytes_(tmp_path_factory: pytest.TempPathFactory) -> FolderVocabulary:
    return FolderVocabulary(folder_of(tmp_path_factory.mktemp("bytes"), byte_tokenizer(added_space=True)), 272)


@given(st.text())
def test_every_text_comes_back(bytes_: FolderVocabulary, text: str) -> None:
    assert b"".join(map(bytes_.piece, bytes_.tokenize(text))) == text.encode("utf-8", "replace")


def test_no_space_is_added_and_special_words_are_words(bytes_: FolderVocabulary) -> None:
    assert bytes_.tokenize("a") != bytes_.tokenize(" a")
    assert bytes_.ends(260)
    assert 260 not in bytes_.tokenize("<|end|>")
    assert bytes_.piece(260) == b""
    assert bytes_.piece(271) == b""  # a row that only fills the table up
    with pytest.raises(EngineFailed, match="272"):
        bytes_.piece(272)


def test_metaspace_tokenizers_lose_their_added_space(tmp_path: Path) -> None:
    vocabulary = {"<unk>": 0, "▁": 1, "a": 2, "b": 3, "▁a": 4}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[("▁", "a")], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    words = FolderVocabulary(folder_of(tmp_path / "meta", tokenizer))
    assert words.tokenize("ab a") == [2, 3, 4]
    assert b"".join(map(words.piece, [2, 3, 4])) == b"ab a"


def test_generation_config_adds_ends(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "ends", byte_tokenizer())
    (folder / "generation_config.json").write_text('{"eos_token_id": [5, 260]}')
    words = FolderVocabulary(folder)
    assert [token for token in range(261) if words.ends(token)] == [5, 260]


def test_a_damaged_tokenizer_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("[1, 2")
    with pytest.raises(NoModel, match="cannot be used"):
        FolderVocabulary(tmp_path)
