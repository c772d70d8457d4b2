"""The model trained through is the model that writes, or nobody trains through it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch

from kobold_modules.backends.torch.load import TorchModel, load_torch_model
from kobold_modules.errors import NoModel, WrongModel
from kobold_modules.forward import parity
from kobold_modules.models.find import resolve
from kobold_modules.models.reference import ModelFile
from tests.backends import tiny_gguf
from tests.backends.tiny_gguf import write
from tests.models.family_gguf import FAMILIES, write_family


EXACT = 1e-5
Settings = Callable[[gguf.GGUFWriter], None]


def loaded(path: Path) -> tuple[ModelFile, TorchModel]:
    file = resolve(str(path))
    return file, load_torch_model(file, "cpu")


def rope_freqs(writer: gguf.GGUFWriter) -> None:
    writer.add_tensor("rope_freqs.weight", np.array([1, 1.7, 4, 8], dtype=np.float32))


def linear(writer: gguf.GGUFWriter) -> None:
    writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
    writer.add_rope_scaling_factor(4.0)


def old_linear(writer: gguf.GGUFWriter) -> None:
    writer.add_float32(f"{writer.arch}.rope.scale_linear", 4.0)


def yarn(writer: gguf.GGUFWriter) -> None:
    writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
    writer.add_rope_scaling_factor(4.0)
    writer.add_rope_scaling_orig_ctx_len(64)


def turned_up_yarn(writer: gguf.GGUFWriter) -> None:
    writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
    writer.add_rope_scaling_factor(4.0)
    writer.add_rope_scaling_orig_ctx_len(20000)  # so that some frequencies lie on the ramp
    writer.add_rope_scaling_attn_factors(1.2)


def switched_off(writer: gguf.GGUFWriter) -> None:
    writer.add_rope_scaling_type(gguf.RopeScalingType.NONE)
    writer.add_rope_scaling_factor(4.0)


@pytest.mark.parametrize(
    ("architecture", "settings", "correction"),
    [
        ("llama", rope_freqs, "rope factors"),
        ("llama", linear, "linear x 4"),
        ("llama", old_linear, "linear x 4"),
        ("llama", yarn, "YaRN x 4"),
        ("llama", turned_up_yarn, "YaRN x 4"),
        ("qwen2", yarn, "YaRN x 4"),
        ("gemma3", linear, "linear x 4"),
    ],
)
def test_what_transformers_ignores_is_put_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str, settings: Settings, correction: str
) -> None:
    monkeypatch.setattr(tiny_gguf, "LAYERS", 6)  # the sixth of Gemma 3 is the first that sees everything
    write(tmp_path / "tiny.gguf", architecture, more=settings)
    file, frozen = loaded(tmp_path / "tiny.gguf")
    right = parity.compare(file, frozen)
    monkeypatch.setattr("kobold_modules.backends.torch.load.amend_model", lambda model, header: ())
    wrong = parity.compare(file, load_torch_model(file, "cpu"))

    assert frozen.corrections == (correction,)
    assert right.mean < (1e-3 if architecture == "gemma3" else EXACT)  # llama.cpp looks its GELU up in a coarse table
    assert wrong.mean > wrong.limit
    assert right.same


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma2", "gemma3"])
def test_plain_models_pass_uncorrected(tmp_path: Path, architecture: str) -> None:
    write(tmp_path / "tiny.gguf", architecture)
    file, frozen = loaded(tmp_path / "tiny.gguf")

    found = parity.check(file, frozen)

    assert frozen.corrections == ()
    assert found is not None
    assert found.same
    assert found.tokens > 200


def long_rope(writer: gguf.GGUFWriter) -> None:
    writer.add_rope_scaling_type(gguf.RopeScalingType.LONGROPE)
    writer.add_rope_scaling_orig_ctx_len(400)
    writer.add_rope_scaling_attn_factors(1.19)
    writer.add_tensor("rope_factors_short.weight", np.array([1, 1.5], dtype=np.float32))
    writer.add_tensor("rope_factors_long.weight", np.array([2, 5], dtype=np.float32))


@pytest.mark.parametrize(
    ("family", "settings", "correction"),
    [
        *[(family, {}, ()) for family in FAMILIES],
        ("starcoder2", {"base": 1e6}, ("rope base 1e+06",)),
        ("stablelm", {"rotated": 4, "base": 5e5}, ("rope base 500000",)),
        ("nemotron", {"rotated": 4}, ()),
        ("phi3", {"rotated": 4}, ()),
        ("phi3", {"rotated": 4, "more": long_rope}, ("LongRoPE factors",)),
    ],
)
def test_other_families_agree(
    tmp_path: Path, family: str, settings: dict[str, Any], correction: tuple[str, ...]
) -> None:
    write_family(tmp_path / "tiny.gguf", family, **settings)
    file, frozen = loaded(tmp_path / "tiny.gguf")

    assert parity.compare(file, frozen).mean < 2e-3  # llama.cpp looks GELU up in half precision: Falcon has 5.4e-4
    assert frozen.corrections == correction


def test_the_starter_passes(starter: Path) -> None:
    found = parity.check(*loaded(starter))

    assert found is not None
    assert found.mean < 2e-3


def test_heads_that_are_not_the_width_shared_out_load(tmp_path: Path) -> None:
    def norms(writer: gguf.GGUFWriter) -> None:
        for layer in range(2):
            for which in "qk":
                writer.add_tensor(f"blk.{layer}.attn_{which}_norm.weight", np.linspace(0.5, 1.5, 8, dtype=np.float32))

    write(tmp_path / "tiny.gguf", "qwen3", more=norms)  # transformers would take heads of 128

    assert parity.compare(*_checked(*loaded(tmp_path / "tiny.gguf"))).mean < EXACT


def test_scaling_that_is_switched_off_stays_off(tmp_path: Path) -> None:
    write(tmp_path / "tiny.gguf", "llama", more=switched_off)
    file, frozen = loaded(tmp_path / "tiny.gguf")

    assert frozen.corrections == ()
    assert parity.compare(file, frozen).mean < EXACT


def test_what_nobody_knew_of_is_found_by_the_numbers(tmp_path: Path) -> None:
    write(tmp_path / "tiny.gguf", "gemma2", more=switched_off)  # llama.cpp scales its sliding layers all the same
    file, frozen = loaded(tmp_path / "tiny.gguf")

    with pytest.raises(NoModel, match="computes other numbers") as caught:
        parity.check(file, frozen)
    assert "Hugging Face folder" in caught.value.hint
    with pytest.raises(NoModel, match="computes other numbers"):  # a refusal is not remembered as a pass
        parity.check(file, frozen)


def test_experts_that_would_be_taken_for_a_plain_llama_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "tiny.gguf", "llama", more=lambda writer: writer.add_expert_count(8))

    with pytest.raises(NoModel, match="mixture of experts"):
        loaded(tmp_path / "tiny.gguf")


def test_a_weight_that_is_missing_is_not_made_up(tmp_path: Path) -> None:
    write(tmp_path / "tiny.gguf", "qwen3")  # no norms of queries and keys

    with pytest.raises(NoModel, match=r"does not find .*norm"):
        loaded(tmp_path / "tiny.gguf")


def test_a_model_that_takes_no_modules_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "tiny.gguf", "llama")
    file, frozen = loaded(tmp_path / "tiny.gguf")
    monkeypatch.setattr("kobold_modules.models.injection._ABORTS", ("llama",))

    with pytest.raises(WrongModel, match="cannot take modules"):
        parity.check(file, frozen)


def test_the_answer_is_remembered_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "tiny.gguf", "llama")
    file, frozen = loaded(tmp_path / "tiny.gguf")
    first = parity.check(file, frozen)
    calls = []
    real = parity.compare
    monkeypatch.setattr(parity, "compare", lambda *given: calls.append(given) or real(*given))

    again = parity.check(file, frozen)

    assert first is not None
    assert again == replace(first, remembered=True)
    assert calls == []
    os.utime(tmp_path / "tiny.gguf", (1, 1))
    assert parity.check(file, frozen) == first
    assert len(calls) == 1


def test_a_folder_has_nothing_to_compare_with(stories: Path) -> None:
    file = resolve(str(stories / "stories260K-hf"))

    assert parity.check(file, load_torch_model(file, "cpu")) is None


def test_training_reads_text_with_llama_cpps_own_tokenizer(tmp_path: Path) -> None:
    from kobold_modules.backends.llamacpp.model import NativeModel

    write(tmp_path / "tiny.gguf", "llama")
    file, frozen = loaded(tmp_path / "tiny.gguf")
    model = NativeModel(file.path)
    try:
        for text in (parity.PAGE, " leading space", "naïve 😀 <|end|>", "\n\n\n", ""):
            assert frozen.encode(text) == model.tokenize(text)
    finally:
        model.close()
    assert 256 not in frozen.encode("<|end|>")  # typed by a writer it is text


def _checked(file: ModelFile, frozen: TorchModel) -> tuple[ModelFile, TorchModel]:
    assert torch.is_tensor(frozen.table)
    return file, frozen
