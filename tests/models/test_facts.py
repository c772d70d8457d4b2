"""Facts of models from their headers."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobold_modules.errors import NoModel
from kobold_modules.models.facts import FILE_TYPES, facts_of_folder, facts_of_gguf
from kobold_modules.models.reference import ModelFile
from kobold_modules.models.usability.gguf_faults import TRAINS_FROM_GGUF
from kobold_modules.soft_prompt.fingerprint import Fit
from tests.models.small_gguf import header, llama_fields, llama_tensors, weights, write_llama


def test_the_starter(starter: Path) -> None:
    facts = facts_of_gguf(starter)

    assert (facts.architecture, facts.weights, facts.context, facts.width) == ("llama", "F16", 1024, 320)
    assert facts.parameters == 8_011_200
    assert facts.bytes == starter.stat().st_size
    assert facts.cache_row == 2 * 5 * 320  # keys and values of five layers
    assert {facts.no_train, facts.no_write, facts.no_modules, facts.left_out} == {""}


def test_names_of_quantisations_are_those_of_llama_cpp() -> None:
    import gguf

    official = {kind.value: kind.name.removeprefix("MOSTLY_").removeprefix("ALL_") for kind in gguf.LlamaFileType}

    assert {number: name for number, name in official.items() if number != 1024} == FILE_TYPES


def test_the_list_of_trainable_architectures_is_that_of_transformers() -> None:
    from transformers.integrations.gguf.gguf_config_mapping import GGUF_CONFIG_ARCHS as NEW
    from transformers.modeling_gguf_pytorch_utils import GGUF_SUPPORTED_ARCHITECTURES as OLD

    spelled = {"gpt_oss": "gpt-oss", "minimax_m2": "minimax-m2", "qwen2_moe": "qwen2moe", "qwen3_moe": "qwen3moe"}
    theirs = {spelled.get(name, name) for name in (*OLD, *NEW)} - {"general", "tokenizer", "t5", "umt5"}

    assert theirs == TRAINS_FROM_GGUF


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"general.type": "adapter"}, "a LoRA"),
        ({"general.type": "mmproj"}, "a projector"),
        ({"general.architecture": "clip"}, "a projector"),
        ({"general.architecture": "nomic-bert"}, "writes none"),
        ({"general.type": "imatrix"}, "statistics"),
    ],
)
def test_what_is_no_model_of_text_is_left_out(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    assert reason in facts_of_gguf(write_llama(tmp_path / "x.gguf", more=changes)).left_out


def test_a_vocabulary_alone_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "v.gguf").write_bytes(header(llama_fields(), []))

    assert facts_of_gguf(tmp_path / "v.gguf").left_out == "a vocabulary without weights"


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    def of(**changes: Any) -> Any:
        return facts_of_gguf(write_llama(tmp_path / "x.gguf", more=changes))

    assert "transformers does not read" in of(**{"general.architecture": "glm4"}).no_train
    assert "no soft prompts" in of(**{"general.architecture": "glm4"}).no_modules
    assert "llama.cpp cannot run" in of(**{"general.architecture": "gptj"}).no_write
    assert "llama.cpp cannot run" in of(**{"general.architecture": "made-up"}).no_write
    assert of(**{"general.architecture": "command-r"}).no_write == ""
    assert "own row per word" in of(**{"llama.embedding_length_per_layer_input": 256}).no_modules
    assert of(**{"llama.expert_count": 8}).no_train.startswith("it is a mixture of experts")


def test_parts_are_one_model(tmp_path: Path) -> None:
    first = write_llama(tmp_path / "m-00001-of-00002.gguf")
    second = tmp_path / "m-00002-of-00002.gguf"
    second.write_bytes(header({"split.no": 1}, llama_tensors()[2:]) + weights())

    facts = facts_of_gguf(first, second)

    assert (facts.parts, facts.bytes) == (2, first.stat().st_size + second.stat().st_size)
    assert (facts.no_write, facts.no_train) == ("", "")


@pytest.mark.parametrize(
    ("changes", "numbers"),
    [
        ({}, 2 * 2 * 2 * 16),  # layers x heads x (key + value)
        ({"llama.attention.key_length": 32, "llama.attention.value_length": 32}, 2 * 2 * 64),
        ({"llama.attention.head_count_kv": [2, 0]}, 2 * 32),
        ({"llama.attention.head_count": 0}, 0),
        ({"llama.attention.kv_lora_rank": 512, "llama.rope.dimension_count": 64}, 2 * 576),
    ],
)
def test_what_a_token_leaves_in_the_cache(tmp_path: Path, changes: dict[str, Any], numbers: int) -> None:
    assert facts_of_gguf(write_llama(tmp_path / "x.gguf", more=changes)).cache_row == numbers


def save(file: Path, tensors: dict[str, np.ndarray], dtype: str = "F32") -> None:
    """Write a safetensors file by hand: numpy has no bfloat16."""
    said, data = {}, b""
    for name, values in tensors.items():
        raw = values.astype("<f4").tobytes()
        if dtype == "BF16":
            raw = (np.frombuffer(raw, "<u4") >> 16).astype("<u2").tobytes()
        said[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(said).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 24,
        "vocab_size": 100,
        "max_position_embeddings": 512,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    table = np.random.default_rng(1).standard_normal((100, 16)).astype(np.float32)
    save(tmp_path / "model.safetensors", {"model.embed_tokens.weight": table, "lm_head.weight": table}, "BF16")
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}))
    return tmp_path


def test_a_folder_in_bfloat16(folder: Path) -> None:
    facts = facts_of_folder(folder)

    assert (facts.weights, facts.parameters, facts.cache_row) == ("BF16", 3200, 2 * 2 * 2 * 4)
    assert not facts.no_train


def test_bfloat16_rows_give_the_fingerprint_of_float32_rows(folder: Path) -> None:
    before = ModelFile.at(folder).fingerprint
    table = np.random.default_rng(1).standard_normal((100, 16)).astype(np.float32)
    save(folder / "model.safetensors", {"model.embed_tokens.weight": table})

    assert before.fit(ModelFile.at(folder).fingerprint) is Fit.SAME


def test_a_folder_of_which_a_file_is_missing_says_which(folder: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    with pytest.raises(NoModel, match="model-00002-of-00002"):
        facts_of_folder(folder)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 9) + b'{"a": 1} ',
        struct.pack("<Q", 60) + b'{"a": {"dtype": "F32", "shape": [9], "data_offsets": [0,36]}}',
        struct.pack("<Q", 62) + b'{"a": {"dtype": "F32", "shape": [-9], "data_offsets": [0, 0]}}',
    ],
)
def test_damaged_safetensors_are_refused(folder: Path, data: bytes) -> None:
    (folder / "model.safetensors").write_bytes(data)

    with pytest.raises(NoModel, match="damaged"):
        facts_of_folder(folder)


def test_other_kinds_of_folders_say_so(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["BertForMaskedLM"]}))
    assert "writes no text" in facts_of_folder(folder).left_out
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": {"bits": 4}}))
    assert "quantised for another program" in facts_of_folder(folder).no_train
