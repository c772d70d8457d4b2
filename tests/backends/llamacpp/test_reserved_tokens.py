"""Which tokens a module's rows may stand on, and what is typed for them."""

from __future__ import annotations

from pathlib import Path

import gguf
import pytest

from kobold_modules.backends.llamacpp.reserved_tokens import VocabularyFile
from kobold_modules.errors import BadUsage, NoModel
from kobold_modules.models.starter import starter_path


NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5


def with_tokens(folder: Path, names: dict[int, str], kind: int) -> Path:
    """Return a copy of the starter with other names and another type of some tokens."""
    reader = gguf.GGUFReader(starter_path())
    tokens = list(reader.fields["tokenizer.ggml.tokens"].contents())
    types = list(reader.fields["tokenizer.ggml.token_type"].contents())
    for token, name in names.items():
        tokens[token], types[token] = name, kind
    writer = gguf.GGUFWriter(folder / "model.gguf", "llama")
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "tokenizer.ggml.tokens"):
            continue
        if name == "tokenizer.ggml.token_type":
            continue
        main, *rest = field.types
        writer.add_key_value(name, field.contents(), main, rest[-1] if rest else None)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return folder / "model.gguf"


@pytest.mark.parametrize(
    "name",
    [
        "<|reserved_special_token_{}|>",
        "<SPECIAL_{}>",
        "<unused{}>",
        "[control_{}]",
        "<extra_id_{}>",
        "<|extra_{}|>",
        "<|placeholder{}|>",
        "<｜place▁holder▁no▁{}｜>",
        "<|dummy_id_{}|>",
        "<reserved_{}>",
        "<|unused_{}|>",
    ],
)
@pytest.mark.parametrize("kind", [CONTROL, USER_DEFINED])
def test_tokens_that_were_set_aside_are_typed_by_name(tmp_path: Path, name: str, kind: int) -> None:
    path = with_tokens(tmp_path, {token: name.format(token) for token in range(6100, 6106)}, kind)
    with VocabularyFile(path) as words:
        places = words.choose(4, "reserved")
        assert places.ids == (6100, 6101, 6102, 6103)
        assert places.text == "".join(name.format(token) for token in places.ids)
        assert words.ids(places.text + "Once upon a time")[:4] == list(places.ids)
        assert words.choose(2, "reserved", taken=places.ids).ids == (6104, 6105)


@pytest.mark.parametrize("name", ["<|im_start|>", "<|vision_pad|>", "[INST]", "<jupyter_code>", "<|end_of_text|>"])
def test_control_tokens_with_a_meaning_are_left_alone(tmp_path: Path, name: str) -> None:
    with VocabularyFile(with_tokens(tmp_path, {6100: name}, CONTROL)) as words:
        assert words.counts()["reserved"] == 0


def test_unused_tokens_have_ids_and_nothing_to_type(tmp_path: Path) -> None:
    """Qwen pads its table so."""
    path = with_tokens(tmp_path, {token: f"[PAD{token}]" for token in range(6100, 6140)}, UNUSED)
    with VocabularyFile(path) as words:
        assert words.choose(40, "unused").text == ""
        with pytest.raises(BadUsage) as caught:
            words.choose(40, "reserved")
    assert caught.value.message == "model has no reserved tokens that can be typed, and 40 are needed."
    assert "--ids rare" in caught.value.hint
    assert "--ids unused" in caught.value.hint


def test_too_few_is_a_sentence_with_what_to_do(tmp_path: Path) -> None:
    path = with_tokens(tmp_path, {token: f"<unused{token}>" for token in range(6100, 6110)}, CONTROL)
    with VocabularyFile(path) as words, pytest.raises(BadUsage) as caught:
        words.choose(40, "reserved")
    assert caught.value.message.startswith("model has 10 reserved tokens that can be typed, and 40 are needed")
    assert "at most 10 virtual tokens" in caught.value.hint


def test_rare_words_come_back_as_their_ids_whatever_follows() -> None:
    with VocabularyFile(starter_path()) as words:
        places = words.choose(20, "rare")
        for behind in ("", "\nOnce", " and"):
            assert words.ids(places.text + behind)[:20] == list(places.ids)
        assert not places.text.startswith(" ")  # a field for text may cut it off
        others = words.choose(20, "rare", taken=places.ids)
        assert not set(others.ids) & set(places.ids)


def test_ids_by_hand_must_be_of_the_model_and_different() -> None:
    with VocabularyFile(starter_path()) as words:
        assert words.named([0]).text == "<|endoftext|>"
        with pytest.raises(BadUsage, match="0 to 6143"):
            words.named([6144])
        with pytest.raises(BadUsage, match="twice"):
            words.named([5, 5])


def test_a_token_that_servers_put_first_is_known(stories: Path) -> None:
    with VocabularyFile(stories / "stories260K-F16.gguf") as words:
        assert words.bos == 1
    with VocabularyFile(starter_path()) as words:
        assert words.bos is None


def test_a_file_that_llama_cpp_does_not_take_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "no.gguf").write_bytes(b"GGUF")
    with pytest.raises(NoModel):
        VocabularyFile(tmp_path / "no.gguf")
