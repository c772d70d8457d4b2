"""PEFT's adapter folders, both ways."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from kobold_modules.errors import BadModule, BadUsage
from kobold_modules.formats import peft
from kobold_modules.soft_prompt.deep_prefix import with_rows
from kobold_modules.soft_prompt.module import Card, Module


ROWS = np.arange(12, dtype=np.float32).reshape(3, 4)


def adapter(folder: Path, rows: np.ndarray = ROWS, key: str = "prompt_embeddings", **config: object) -> Path:
    folder.mkdir()
    about = {"peft_type": "PROMPT_TUNING", "task_type": "CAUSAL_LM", "num_virtual_tokens": 3, "token_dim": 4}
    about |= {"base_model_name_or_path": "gpt2", "num_transformer_submodules": 1}
    (folder / "adapter_config.json").write_text(json.dumps(about | config))
    save_file({key: rows}, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    return folder


def test_an_adapter_becomes_a_module_made_for_its_base_model(tmp_path: Path) -> None:
    module = peft.read(adapter(tmp_path / "my-style"))
    assert np.array_equal(with_rows(module).vectors, ROWS)
    assert module.card == Card("my-style", "imported", model="gpt2")


def test_p_tuning_saves_the_same_table_and_is_read(tmp_path: Path) -> None:
    assert peft.read(adapter(tmp_path / "a", peft_type="P_TUNING")).tokens == 3


def test_half_precision_is_read(tmp_path: Path) -> None:
    assert np.array_equal(with_rows(peft.read(adapter(tmp_path / "a", ROWS.astype(np.float16)))).vectors, ROWS)


def test_a_module_comes_back_whole_from_its_folder(noir: Module, tmp_path: Path) -> None:
    peft.write(noir, tmp_path / "noir")
    back = peft.read(tmp_path / "noir")
    assert with_rows(back).vectors.tobytes() == noir.vectors.tobytes()
    assert back.card == noir.card


def test_the_folder_holds_what_peft_looks_for(noir: Module, tmp_path: Path) -> None:
    peft.write(noir, tmp_path / "noir")
    assert sorted(os.listdir(tmp_path / "noir")) == ["adapter_config.json", "adapter_model.safetensors"]
    config = json.loads((tmp_path / "noir" / "adapter_config.json").read_text())
    wanted = {
        "peft_type": "PROMPT_TUNING",
        "task_type": "CAUSAL_LM",
        "num_virtual_tokens": 5,
        "token_dim": 8,
        "num_transformer_submodules": 1,
        "inference_mode": True,
        "base_model_name_or_path": "starter",
    }
    assert {key: config[key] for key in wanted} == wanted
    tensors = load_file(tmp_path / "noir" / "adapter_model.safetensors")
    assert list(tensors) == ["prompt_embeddings"]
    assert tensors["prompt_embeddings"].dtype == np.float32


@pytest.mark.parametrize("model", ["google/gemma-3-1b", "facebook/xglm-564M"])
def test_rows_are_scaled_where_the_embedding_module_scales(model: str, tmp_path: Path) -> None:
    peft.write(Module(ROWS, Card("x", model=model)), tmp_path / "x")
    assert np.array_equal(load_file(tmp_path / "x" / "adapter_model.safetensors")["prompt_embeddings"], ROWS * 2)
    assert np.array_equal(with_rows(peft.read(tmp_path / "x")).vectors, ROWS)


def test_writing_again_replaces_the_adapter(noir: Module, tmp_path: Path) -> None:
    peft.write(noir, tmp_path / "a")
    peft.write(Module(ROWS, Card("Other")), tmp_path / "a")
    assert peft.read(tmp_path / "a").card.name == "Other"
    assert os.listdir(tmp_path) == ["a"]


def test_a_folder_of_something_else_is_never_replaced(noir: Module, tmp_path: Path) -> None:
    (tmp_path / "novel").mkdir()
    (tmp_path / "novel" / "chapter.txt").write_text("It was")
    with pytest.raises(BadUsage, match="in the way"):
        peft.write(noir, tmp_path / "novel")
    assert (tmp_path / "novel" / "chapter.txt").read_text() == "It was"


@pytest.mark.parametrize("kind", ["LORA", "MULTITASK_PROMPT_TUNING", None, 5])
def test_other_adapters_are_refused(kind: object, tmp_path: Path) -> None:
    with pytest.raises(BadModule, match="soft prompts are PROMPT_TUNING"):
        peft.read(adapter(tmp_path / "a", peft_type=kind))


def test_what_does_not_agree_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModule, match="num_virtual_tokens 7"):
        peft.read(adapter(tmp_path / "a", num_virtual_tokens=7))
    with pytest.raises(BadModule, match="two halves"):
        peft.read(adapter(tmp_path / "b", num_transformer_submodules=2))
    with pytest.raises(BadModule, match="one tensor called prompt_embeddings"):
        peft.read(adapter(tmp_path / "c", key="base_model.lora_A.weight"))
    with pytest.raises(BadModule, match="F64"):
        peft.read(adapter(tmp_path / "d", ROWS.astype(np.float64)))


def test_a_missing_or_malformed_half_is_refused(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "a")
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(BadModule, match="There is no file"):
        peft.read(folder)
    (folder / "adapter_config.json").write_text("{")
    with pytest.raises(BadModule, match="malformed"):
        peft.read(folder)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # PEFT 0.21 asks for it
def test_peft_itself_puts_our_rows_before_the_text(tmp_path: Path) -> None:
    package = pytest.importorskip("peft")
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(vocab_size=32, hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    torch.manual_seed(0)
    model = LlamaForCausalLM(config).eval()
    rows = np.random.default_rng(1).normal(size=(3, 8)).astype(np.float32)
    peft.write(Module(rows, Card("x")), tmp_path / "x")
    ids = torch.tensor([[4, 5, 6]])
    with torch.no_grad():
        inputs = torch.cat([torch.from_numpy(rows.copy())[None], model.get_input_embeddings()(ids)], dim=1)
        ours = model(inputs_embeds=inputs).logits
        theirs = package.PeftModel.from_pretrained(model, str(tmp_path / "x"))(input_ids=ids).logits
    assert torch.allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(
    "key",
    [
        "prompt_encoder.default.embedding.weight",
        "base_model.prompt_encoder.my_style.embedding.weight",
        "prompt_embeddings.default",
        "base_model.model.prompt_embeddings",
    ],
)
def test_the_keys_of_a_checkpoint_are_known(key: str, tmp_path: Path) -> None:
    """F03: a trainer's checkpoint names the adapter and the module that the table belongs to."""
    assert np.array_equal(with_rows(peft.read(adapter(tmp_path / "x", key=key))).vectors, ROWS)


@pytest.mark.parametrize("key", ["lm_head.weight", "prompt_encoder.default.mlp_head.0.weight", "xprompt_embeddings"])
def test_other_tables_are_not_taken_for_rows(key: str, tmp_path: Path) -> None:
    with pytest.raises(BadModule, match="should hold one tensor"):
        peft.read(adapter(tmp_path / "x", key=key))


def test_the_scale_on_the_card_counts_whatever_the_model_is_called(tmp_path: Path) -> None:
    """F15: a Gemma under a name without "gemma", or a namesake that does not scale."""
    for name, scale in (("my-fine-tune", 2.5), ("not-a-gemma-at-all", 1.0)):
        card = Card("x", model=name, training={"embedding_scale": scale})
        peft.write(Module(ROWS, card), tmp_path / name)
        written = load_file(tmp_path / name / "adapter_model.safetensors")["prompt_embeddings"]
        assert np.array_equal(written, ROWS * np.float32(scale))
        assert np.array_equal(with_rows(peft.read(tmp_path / name)).vectors, ROWS)


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("/home/nora/models/tiny", "tiny"),
        ("C:\\Users\\Nora\\tiny", "tiny"),
        ("~/models/tiny", "tiny"),
        ("../tiny/", "tiny"),
        ("google/gemma-3-1b", "google/gemma-3-1b"),
        ("starter", "starter"),
    ],
)
def test_no_path_of_somebodys_disk_travels(model: str, shown: str, tmp_path: Path) -> None:
    """F25: neither in, as the model's name, nor out."""
    assert peft.read(adapter(tmp_path / "in", base_model_name_or_path=model)).card.model == shown
    peft.write(Module(ROWS, Card("x", model=model)), tmp_path / "out")
    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == shown


def test_a_module_of_p_tuning_is_written_as_that_and_comes_back(tmp_path: Path) -> None:
    card = Card("x", training={"method": "p-tuning", "encoder": "lstm"})
    peft.write(Module(ROWS, card), tmp_path / "x")

    config = json.loads((tmp_path / "x" / "adapter_config.json").read_text())
    assert config["peft_type"] == "P_TUNING"
    assert config["encoder_reparameterization_type"] == "LSTM"
    assert "prompt_tuning_init" not in config
    back = peft.read(tmp_path / "x")
    assert np.array_equal(with_rows(back).vectors, ROWS)
    assert back.card == card


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # PEFT 0.21 asks for it
@pytest.mark.parametrize("encoder", ["MLP", "LSTM"])
def test_peft_itself_reads_and_writes_modules_of_p_tuning(encoder: str, tmp_path: Path) -> None:
    """Issue 17, 2: both ways with the real package; what PEFT trained is folded when it saves."""
    package = pytest.importorskip("peft")
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(vocab_size=32, hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    torch.manual_seed(0)
    model = LlamaForCausalLM(config).eval()
    ids = torch.tensor([[4, 5, 6]])

    def behind(rows: np.ndarray) -> torch.Tensor:
        with torch.no_grad():
            embeds = torch.cat([torch.from_numpy(rows.copy())[None], model.get_input_embeddings()(ids)], dim=1)
            found: torch.Tensor = model(inputs_embeds=embeds).logits
            return found

    rows = np.random.default_rng(1).normal(size=(3, 8)).astype(np.float32)
    card = Card("x", training={"method": "p-tuning", "encoder": encoder.lower()})
    peft.write(Module(rows, card), tmp_path / "ours")
    with torch.no_grad():
        theirs = package.PeftModel.from_pretrained(model, str(tmp_path / "ours"))(input_ids=ids).logits
    assert torch.allclose(behind(rows), theirs, atol=1e-5)

    about = package.PromptEncoderConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=3, encoder_reparameterization_type=encoder, encoder_hidden_size=5
    )
    trained = package.get_peft_model(LlamaForCausalLM(config).eval(), about).eval()
    trained.base_model.load_state_dict(model.state_dict())
    trained.save_pretrained(str(tmp_path / "theirs"))
    with torch.no_grad():
        wanted = trained(input_ids=ids).logits
    assert torch.allclose(behind(with_rows(peft.read(tmp_path / "theirs")).vectors), wanted, atol=1e-5)
