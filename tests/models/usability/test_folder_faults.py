"""Hugging Face folders that cannot be used: one sentence, the same for writing, training and the list of models."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from kobold_modules.backends.torch.engine import HfEngine
from kobold_modules.backends.torch.load import load_torch_model
from kobold_modules.errors import NoModel
from kobold_modules.models.discovery.discover import discover
from kobold_modules.models.find import resolve
from kobold_modules.models.reference import ModelFile
from kobold_modules.models.usability.known_names import installed
from kobold_modules.models.usability.usable import check_can_train, check_can_write
from tests.backends import tiny_folder


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 98362432\n" % (b"ab" * 32)
INSTEAD = "take the folder it was made from, or a GGUF file of the same model"


@pytest.fixture
def folder(tmp_path: Path, stories: Path) -> Path:
    """Return a real model that a test may spoil."""
    return Path(shutil.copytree(stories / "stories260K-hf", tmp_path / "model"))


def configure(folder: Path, **changes: Any) -> None:
    file = folder / "config.json"
    data = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({key: value for key, value in data.items() if value is not None}))


def weigh(folder: Path, change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> None:
    file = folder / "model.safetensors"
    save_file(change(load_file(file)), file, metadata={"format": "pt"})


def refused(folder: Path) -> NoModel:
    """Return what writing with the folder says; training and the engines say the very same reason."""
    file, said = ModelFile(folder.name, folder, "hf"), list[NoModel]()
    for load in (
        lambda: check_can_write(file),
        lambda: check_can_train(file),
        lambda: HfEngine(ModelFile.at(folder), device="cpu"),
        lambda: load_torch_model(file, "cpu"),
    ):
        with pytest.raises(NoModel) as caught:
            load()
        said.append(caught.value)
    reasons = {re.sub(r"^model cannot (write|be trained through): ", "", error.message) for error in said}
    assert len(reasons) == 1, reasons
    assert "\n" not in said[0].message
    return said[0]


def test_the_folder_itself_is_sound(folder: Path) -> None:
    facts = resolve(str(folder)).facts

    assert (facts.no_write, facts.no_train, facts.left_out) == ("", "", "")
    assert "lm_head.weight" not in load_file(folder / "model.safetensors")  # its config.json says that it is tied


def test_without_an_output_matrix_and_not_tied_it_is_refused(folder: Path) -> None:
    """M03: such a model wrote garbage, and trained a module at chance that was called better."""
    configure(folder, tie_word_embeddings=False)

    assert "its output matrix (lm_head.weight) is missing" in refused(folder).message


def test_where_the_config_is_silent_the_architecture_decides(folder: Path) -> None:
    """M03: a Llama is not tied unless its config.json says so."""
    configure(folder, tie_word_embeddings=None)

    assert "its output matrix (lm_head.weight) is missing" in refused(folder).message


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_what_is_tied_stays_tied(tmp_path: Path, kind: str) -> None:
    """M03: where config.json or the architecture ties, the embeddings serve, and nothing is made up."""
    folder = tiny_folder.write(tmp_path / "tied", kind, tie_word_embeddings=True)
    if kind == "gpt2":
        configure(folder, tie_word_embeddings=None)
    names = [name for file in folder.glob("*.safetensors") for name in load_file(file)]
    assert "lm_head.weight" not in names

    frozen = load_torch_model(resolve(str(folder)), "cpu")

    assert frozen.model.get_output_embeddings().weight is frozen.table


def test_a_lacking_layer_is_named_and_never_filled_up(folder: Path) -> None:
    """M03, of any other matrix: only a load tells which there should be."""
    weigh(folder, lambda weights: {n: w for n, w in weights.items() if n != "model.layers.1.mlp.up_proj.weight"})

    with pytest.raises(NoModel, match=r"not whole: model\.layers\.1\.mlp\.up_proj\.weight is missing in its weights"):
        load_torch_model(resolve(str(folder)), "cpu")
    with pytest.raises(NoModel, match=r"up_proj\.weight is missing"):
        HfEngine(ModelFile.at(folder), device="cpu")


def test_a_matrix_of_another_shape_is_named(folder: Path) -> None:
    weigh(folder, lambda weights: weights | {"model.layers.1.mlp.up_proj.weight": np.ones((7, 64), np.float32)})

    with pytest.raises(NoModel, match=r"model\.layers\.1\.mlp\.up_proj\.weight has another shape"):
        load_torch_model(resolve(str(folder)), "cpu")


@pytest.mark.parametrize(
    ("about", "named"),
    [
        ({"quant_method": "gptq", "bits": 4}, " (GPTQ)"),
        ({"quant_method": "awq", "bits": 4}, " (AWQ)"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, " (bitsandbytes)"),
        ({"load_in_8bit": True}, " (bitsandbytes)"),
        ({"quant_method": "fp8"}, " (FP8)"),
        ({"quant_method": "compressed-tensors", "format": "pack-quantized"}, " (compressed-tensors)"),
        ({"quant_method": "hqq"}, " (HQQ)"),
        ({"quant_method": "exl2"}, " (EXL2)"),
        ({"quant_method": "made\x1bup"}, " (made?up)"),
        ({"bits": 4}, ""),
    ],
)
def test_quantised_for_another_program(folder: Path, about: dict[str, Any], named: str) -> None:
    """M04."""
    configure(folder, quantization_config=about)

    assert refused(folder).message == f"model cannot write: it is quantised for another program{named}; {INSTEAD}."


def test_quantised_folders_that_do_not_say_so(folder: Path) -> None:
    """M04: GPTQ's settings once stood in a file of their own; MLX has its own word; packed names and types tell."""
    (folder / "quantize_config.json").write_text("{}")
    assert "(GPTQ)" in refused(folder).message
    (folder / "quantize_config.json").unlink()
    configure(folder, quantization={"group_size": 64, "bits": 4})
    assert "(MLX)" in refused(folder).message
    configure(folder, quantization=None)
    weigh(folder, lambda weights: weights | {"model.layers.0.mlp.up_proj.qweight": np.ones((8, 8), np.int32)})
    assert "quantised for another program;" in refused(folder).message


def test_rows_that_are_not_what_the_config_says(folder: Path) -> None:
    """M09, of a folder."""
    configure(folder, vocab_size=600)

    assert "its embedding table has 512 rows, and its config.json says 600" in refused(folder).message


def test_tokens_beyond_the_table(folder: Path) -> None:
    """M09: ordinary added tokens have no row; special ones never come out of a text and do no harm."""
    file = folder / "tokenizer.json"
    data = json.loads(file.read_text())
    word = {"id": 512, "content": "Xanadu", "special": True, "single_word": False, "lstrip": False, "rstrip": False}
    word |= {"normalized": False}
    file.write_text(json.dumps(data | {"added_tokens": [*data["added_tokens"], word]}))
    assert resolve(str(folder)).facts.no_write == ""

    file.write_text(json.dumps(data | {"added_tokens": [*data["added_tokens"], word | {"special": False}]}))
    assert "tokens up to number 512, and its embedding table has 512 rows" in refused(folder).message


def test_code_of_its_own_is_never_run(folder: Path) -> None:
    """M17."""
    configure(folder, model_type="never_heard_of", auto_map={"AutoModelForCausalLM": "modeling_x.Model"})
    (folder / "modeling_x.py").write_text("raise SystemExit")

    message = refused(folder).message

    assert "it needs code of its own to run, and code from a model folder is never run" in message
    assert "Hugging Face folder" not in message


def test_an_auto_map_beside_a_known_architecture_does_no_harm(folder: Path) -> None:
    configure(folder, auto_map={"AutoModelForCausalLM": "modeling_x.Model"})

    assert load_torch_model(resolve(str(folder)), "cpu").table.shape == (512, 64)


def test_an_unknown_architecture(folder: Path) -> None:
    configure(folder, model_type="never_heard_of", architectures=["NeverForCausalLM"])

    assert "transformers has no model that writes text for never_heard_of" in refused(folder).message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"architectures": ["BertForMaskedLM"]}, "model is a BertForMaskedLM, which writes no text."),
        ({"architectures": ["WhisperModel"]}, "model is a WhisperModel, which writes no text."),
        ({"is_encoder_decoder": True}, "model cannot write: it turns one text into another"),
        ({"model_type": None}, "model cannot write: its config.json does not say what kind of model it is"),
    ],
)
def test_other_kinds_of_models(folder: Path, changes: dict[str, Any], said: str) -> None:
    configure(folder, **changes)

    assert refused(folder).message.startswith(said)


@pytest.mark.skipif(installed("sentencepiece"), reason="sentencepiece is installed, which reads such a tokenizer")
def test_only_a_sentencepiece_tokenizer(folder: Path) -> None:
    """M16."""
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.model").write_bytes(b"\x0a\x0e")

    assert "needs tokenizer.json, or `pip install sentencepiece`" in refused(folder).message


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ([], "it has no tokenizer: tokenizer.json is missing"),
        (["vocab.json"], "its tokenizer is not all there: merges.txt is missing"),
    ],
)
def test_no_whole_tokenizer(folder: Path, there: list[str], said: str) -> None:
    """M16."""
    for file in folder.glob("tokenizer*"):
        file.unlink()
    for name in there:
        (folder / name).write_text("{}")

    assert said in refused(folder).message


@pytest.mark.parametrize("text", ["", "{", "[]", '{"model": 7}', '{"model": {"type": "BPE", "vocab": {"a": "b"}}}'])
def test_a_damaged_tokenizer(folder: Path, text: str) -> None:
    (folder / "tokenizer.json").write_text(text)

    assert "its tokenizer.json is damaged" in refused(folder).message


def test_a_bpe_tokenizer_without_merges(folder: Path) -> None:
    """M07, of a folder."""
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"type": "BPE", "vocab": {"a": 0}}}))

    assert "its tokenizer.json has no merges" in refused(folder).message


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_pointer_in_place_of_a_file(folder: Path, name: str) -> None:
    """M14."""
    (folder / name).write_bytes(POINTER)

    error = refused(folder)

    assert error.message.startswith(f"{folder / name} is a Git LFS pointer")
    assert error.hint == f"Run `git lfs pull` in {folder}."


def shards(folder: Path) -> None:
    """Split the model into two files, as save_pretrained leaves it, without its index."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    for number, part in enumerate((names[: len(names) // 2], names[len(names) // 2 :]), 1):
        save_file({name: weights[name] for name in part}, folder / f"model-0000{number}-of-00002.safetensors")


def test_a_missing_index_is_named(folder: Path) -> None:
    """M19."""
    shards(folder)

    error = refused(folder)

    assert error.message == f"{folder} is not all there: its index, model.safetensors.index.json, is missing."
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert "is missing, and so is 1 of 2 weight files." in refused(folder).message


def test_a_missing_shard_is_named(folder: Path) -> None:
    shards(folder)
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model-00002-of-00002.safetensors").unlink()

    assert "model-00002-of-00002.safetensors is missing" in refused(folder).message


def test_weights_of_another_name_are_named(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "novelist.safetensors")

    assert (
        "its weights in novelist.safetensors, and transformers looks for model.safetensors" in refused(folder).message
    )


# -- folders that hold no model --


def resolved(folder: Path) -> NoModel:
    with pytest.raises(NoModel) as caught:
        resolve(str(folder))
    return caught.value


@pytest.mark.parametrize("also_config", [False, True])
def test_an_adapter_names_the_model_it_was_made_for(tmp_path: Path, also_config: bool) -> None:
    """M18."""
    folder = tmp_path / "lora"
    folder.mkdir()
    about = {"peft_type": "LORA", "base_model_name_or_path": "mistralai/Mistral-7B-v0.3\x1b[2J"}
    (folder / "adapter_config.json").write_text(json.dumps(about))
    save_file({"a": np.ones(3, np.float32)}, folder / "adapter_model.safetensors")
    if also_config:
        (folder / "config.json").write_text("{}")

    error = resolved(folder)

    assert error.message == f"{folder} is an adapter for mistralai/Mistral-7B-v0.3[2J; give that model."
    assert discover([tmp_path], only=True).left_out == (
        (folder, "an adapter for mistralai/Mistral-7B-v0.3[2J; give that model"),
    )


def test_an_adapter_beside_a_model_leaves_it_a_model(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")
    save_file({"a": np.ones(3, np.float32)}, folder / "adapter_model.safetensors")

    assert resolve(str(folder)).facts.parameters == 260_032
    assert load_torch_model(resolve(str(folder)), "cpu").table.shape == (512, 64)


def test_a_soft_prompt_says_how_to_bring_it_in(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"peft_type": "PROMPT_TUNING"}))

    assert "`kobold-modules import`" in resolved(tmp_path).message


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["config.json", "pytorch_model.bin"], "only pickled ones (pytorch_model.bin)"),
        (["consolidated.00.pth", "params.json"], "only pickled ones (consolidated.00.pth)"),
        (["model_index.json"], "makes pictures"),
        (["config.json"], "has a config.json but no .safetensors weights"),
        (["config.json", "model.safetensors.incomplete"], "has not been downloaded to its end"),
        (["model.safetensors"], "has weights but no config.json"),
        (["readme.txt"], "a folder without a model in it"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_folders_without_a_model(tmp_path: Path, names: list[str], said: str) -> None:
    for name in names:
        (tmp_path / name).write_text("{}")

    assert said in resolved(tmp_path).message
