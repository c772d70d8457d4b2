"""Which files of a repository are fetched."""

from __future__ import annotations

import pytest

from kobold_modules.errors import NoModel
from kobold_modules.models.hub.files import choose
from kobold_modules.models.hub.repo_id import HubId


QUANTS = {
    "README.md": 10,
    "config.json": 10,
    "imatrix.gguf": 5,
    "mmproj-F16.gguf": 5,
    "m.Q2_K.gguf": 20,
    "m.Q4_K_M.gguf": 40,
    "m.Q8_0-00001-of-00002.gguf": 40,
    "m.Q8_0-00002-of-00002.gguf": 39,
}


def test_one_quantisation_of_many_and_a_word_about_the_others() -> None:
    choice = choose(HubId("o/n"), QUANTS)

    assert choice.files == ("m.Q4_K_M.gguf",)
    assert "has 3 GGUF files; this is m.Q4_K_M.gguf" in choice.note


def test_a_quantisation_by_name_with_all_its_parts() -> None:
    choice = choose(HubId("o/n", quant="q8_0"), QUANTS)

    assert choice.files == ("m.Q8_0-00001-of-00002.gguf", "m.Q8_0-00002-of-00002.gguf")
    assert not choice.note
    assert choose(HubId("o/n", "m.Q2_K.gguf"), QUANTS).files == ("m.Q2_K.gguf",)


def test_what_is_not_there_is_answered_with_what_is() -> None:
    with pytest.raises(NoModel, match=r"no Q6_K") as error:
        choose(HubId("o/n", quant="Q6_K"), QUANTS)
    assert "m.Q4_K_M" in error.value.hint
    with pytest.raises(NoModel, match=r"no file x\.gguf"):
        choose(HubId("o/n", "x.gguf"), QUANTS)
    with pytest.raises(NoModel, match="00002-of-00002"):
        choose(HubId("o/n", quant="Q8_0"), {"m.Q8_0-00001-of-00002.gguf": 4})


def test_a_folder_is_its_weights_settings_and_tokenizer() -> None:
    sizes = dict.fromkeys(
        (
            "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "consolidated.safetensors",
            "pytorch_model.bin", "training_args.bin", "modeling_own.py", "config.json", "generation_config.json",
            "model.safetensors.index.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "merges.txt",
            "vocab.json", "README.md", "original/params.json", "onnx/model.onnx", "optimizer.pt",
        ),
        100,
    )  # fmt: skip

    chosen = set(choose(HubId("o/n"), sizes).files)

    assert chosen == {
        "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "config.json",
        "generation_config.json", "model.safetensors.index.json", "tokenizer.json", "tokenizer.model",
        "tokenizer_config.json", "merges.txt", "vocab.json",
    }  # fmt: skip


def test_pickles_are_never_chosen() -> None:
    with pytest.raises(NoModel, match="pickles are never loaded"):
        choose(HubId("o/n"), {"config.json": 1, "pytorch_model.bin": 10})
    with pytest.raises(NoModel, match="no GGUF files"):
        choose(HubId("o/n", quant="Q4_0"), {"config.json": 1, "model.safetensors": 10})
