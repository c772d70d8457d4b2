"""GGUF files that were converted wrongly, or are of a kind that cannot do what is asked: told from the header."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.backends.torch.load import load_torch_model
from kobold_modules.errors import NoModel
from kobold_modules.models.facts import facts_of_gguf
from kobold_modules.models.reference import ModelFile
from kobold_modules.models.usability.known_names import llama_cpp_knows, ties_by_default, transformers_writes
from kobold_modules.models.usability.usable import check_can_train, check_can_write
from tests.models.gguf_surgery import rewrite, split
from tests.models.small_gguf import header, llama_fields, tensor, weights, write_llama


def file_of(path: Path) -> ModelFile:
    return ModelFile(path.stem, path, "gguf")


def refusals(path: Path) -> tuple[str, str]:
    """Return what writing and training say; the engine and torch say the very same."""
    said = []
    for check, load in (
        (check_can_write, lambda: LlamaEngine(ModelFile.at(path))),
        (check_can_train, lambda: load_torch_model(file_of(path), "cpu")),
    ):
        with pytest.raises(NoModel) as caught:
            check(file_of(path))
        with pytest.raises(NoModel) as loading:
            load()
        assert loading.value.message == caught.value.message
        said.append(caught.value.message)
    return said[0], said[1]


@pytest.mark.parametrize(
    ("surgery", "reason"),
    [
        (
            {"without": ["tokenizer.ggml.merges"]},
            "it was converted wrongly: its tokenizer has no merges; take another conversion of it",
        ),
        (
            {"fields": {"tokenizer.ggml.pre": "never-heard-of"}},
            "llama.cpp does not know its tokenizer's way to split a text (tokenizer.ggml.pre is never-heard-of)",
        ),
        (
            {"without": ["tokenizer.ggml.model", "tokenizer.ggml.tokens"]},
            "it was converted without its tokenizer; take another conversion of it",
        ),
    ],
    ids=["no merges", "unknown pre-tokenizer", "no tokenizer"],
)
def test_a_real_file_without_what_it_needs(tmp_path: Path, starter: Path, surgery: dict[str, Any], reason: str) -> None:
    """M07."""
    path = rewrite(starter, tmp_path / "x.gguf", **surgery)

    assert refusals(path) == (f"x cannot write: {reason}.", f"x cannot be trained through: {reason}.")


@pytest.mark.parametrize("rows", [64, -8])
def test_rows_of_the_table_that_are_not_its_tokens(tmp_path: Path, stories: Path, rows: int) -> None:
    """M09."""

    def change(all_of_it: list[Any]) -> list[Any]:
        changed = []
        for name, shape, kind, data in all_of_it:
            if name == "token_embd.weight":
                width, count = shape
                data = data + bytes(4 * width * rows) if rows > 0 else data[: 4 * width * rows]
                shape = (width, count + rows)
            changed.append((name, shape, kind, data))
        return changed

    path = rewrite(stories / "stories260K-F32.gguf", tmp_path / "x.gguf", weights=change)

    write, train = refusals(path)

    assert f"its embedding table has {512 + rows} rows for 512 tokens; take another conversion of it" in write
    assert write.partition(": ")[2] == train.partition(": ")[2]


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("blk.1.ffn_up.weight", "blk.1.ffn_up.weight is missing"),
        ("blk.4.", "layer 4 is missing"),
        ("token_embd.weight", "its embedding table is missing"),
    ],
)
def test_a_lacking_tensor_is_named(tmp_path: Path, stories: Path, gone: str, said: str) -> None:
    """M03, of a GGUF file: nothing is filled up with random rows."""
    path = rewrite(
        stories / "stories260K-F32.gguf",
        tmp_path / "x.gguf",
        weights=lambda all_of_it: [each for each in all_of_it if not each[0].startswith(gone)],
    )

    assert all(said in sentence for sentence in refusals(path))


def test_a_gguf_without_an_output_matrix_writes_with_its_embeddings(tmp_path: Path, stories: Path) -> None:
    """M03: such a file is tied, for llama.cpp and for training alike."""
    path = rewrite(
        stories / "stories260K-F32.gguf",
        tmp_path / "x.gguf",
        weights=lambda all_of_it: [each for each in all_of_it if each[0] != "output.weight"],
    )

    frozen = load_torch_model(file_of(path), "cpu")

    assert frozen.model.get_output_embeddings().weight is frozen.table


@pytest.mark.parametrize("number", [1, 2])
def test_a_part_under_another_name_says_which_it_is(tmp_path: Path, stories: Path, number: int) -> None:
    """M11 and M13: llama.cpp finds the other parts by their names."""
    parts = split(stories / "stories260K-F32.gguf", tmp_path, 2)
    path = parts[number - 1].rename(tmp_path / "x.gguf")

    write, train = refusals(path)

    assert f"it is part {number} of a model in 2 files, which must lie together under their own names" in write
    assert write.partition(": ")[2] == train.partition(": ")[2]


def test_a_file_that_does_not_say_what_it_is(tmp_path: Path, stories: Path) -> None:
    path = rewrite(stories / "stories260K-F32.gguf", tmp_path / "x.gguf", without=["general.architecture"])

    assert "does not say what kind of model it is" in refusals(path)[0]


def test_weights_of_a_kind_that_was_given_up(tmp_path: Path) -> None:
    tensors = [tensor("token_embd.weight", (64, 64), 0, 0), tensor("blk.0.attn_q.weight", (64, 64), 31, 0)]
    path = tmp_path / "x.gguf"
    path.write_bytes(header(llama_fields(**{"llama.block_count": 1}), tensors) + weights())

    assert "packed as Q4_0_4_4, which llama.cpp has given up" in facts_of_gguf(path).no_write


@pytest.mark.parametrize(
    ("architecture", "said"),
    [
        ("t5", "it turns one text into another"),
        ("llada", "it fills in a page all at once"),
        ("gptj", "llama.cpp cannot run gptj models"),
        ("never-heard-of", "llama.cpp cannot run never-heard-of models"),
    ],
)
def test_architectures_that_cannot_continue_a_text(tmp_path: Path, architecture: str, said: str) -> None:
    write, train = refusals(write_llama(tmp_path / "x.gguf", more={"general.architecture": architecture}))

    assert said in write
    assert train.startswith("x cannot be trained through: ")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"general.type": "adapter", "general.base_model.0.name": "Mistral 7B"}, "a LoRA: it changes a model (Mistral"),
        ({"general.type": "controlvector", "general.architecture": "controlvector"}, "a control vector"),
        ({"general.type": "imatrix"}, "statistics for making quantisations"),
        ({"general.architecture": "clip"}, "a projector"),
        ({"general.architecture": "flux"}, "a model that makes pictures"),
        ({"general.architecture": "wavtokenizer-dec"}, "a model of sound"),
        ({"general.architecture": "nomic-bert"}, "a model that reads text (embeddings, search) and writes none"),
    ],
)
def test_what_is_no_model_of_text_says_what_it_is_at_every_door(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    """M18, of GGUF files."""
    write, train = refusals(write_llama(tmp_path / "x.gguf", more=changes))

    assert write == train
    assert write.startswith(f"x is {said}")


def test_a_sign_of_a_strangers_file_never_reaches_the_terminal(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "x.gguf", more={"tokenizer.ggml.pre": "\x1b]0;owned\x07"})

    assert "\x1b" not in facts_of_gguf(path).no_write
    assert (
        "\x1b"
        not in facts_of_gguf(write_llama(tmp_path / "y.gguf", more={"general.architecture": "\x1b[2Jllama"})).no_write
    )


PRE_TOKENIZERS = (
    "default llama-bpe llama3 gpt-2 falcon mpt starcoder refact command-r qwen2 stablelm2 olmo dbrx smaug-bpe "
    "deepseek-llm deepseek-coder deepseek-v3 poro-chat glm4 chatglm-bpe viking jais tekken smollm codeshell bloom "
    "gpt3-finnish exaone chameleon minerva-7b megrez gpt-4o superbpe trillion bailingmoe llama4 pixtral seed-coder "
    "hunyuan kimi-k2 grok-2 phi-2 gemma4 qwen35 lfm2"
)


@pytest.mark.parametrize("name", PRE_TOKENIZERS.split())
def test_pre_tokenizers_that_llama_cpp_knows_are_not_refused(name: str) -> None:
    assert llama_cpp_knows(name)


def test_names_that_nobody_knows_are_not_known() -> None:
    assert not llama_cpp_knows("never-heard-of")
    assert not transformers_writes("never-heard-of")
    assert transformers_writes("llama")
    assert (ties_by_default("llama"), ties_by_default("gpt2"), ties_by_default("never-heard-of")) == (False, True, None)


def test_every_causal_model_of_transformers_is_known() -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    assert all(transformers_writes(name) for name in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "qwen2", "qwen3", "gemma2", "gemma3_text", "phi3", "mistral"])
def test_what_ties_by_default_is_what_its_config_says(kind: str) -> None:
    import transformers

    assert ties_by_default(kind) == transformers.AutoConfig.for_model(kind).tie_word_embeddings
