"""A model written as GGUF is the same model to transformers and to llama.cpp."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.backends.torch.load import load_torch_model
from kobold_modules.models.reference import ModelFile
from kobold_modules.soft_prompt.stack import Stack
from scripts.pretrain_starter.gguf_file import write_gguf
from scripts.pretrain_starter.loop import Recipe, new_model
from scripts.pretrain_starter.tokenizer import train_tokenizer


TEXT = "The lift stopped between floors, and nobody in it said a word. " * 20


def test_a_written_model_gives_its_own_probabilities_in_both_readers(tmp_path: Path) -> None:
    tokenizer = train_tokenizer([TEXT], 300)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    recipe = Recipe(vocabulary=tokenizer.get_vocab_size(), width=64, layers=2, heads=2, feed_forward=96, context=256)
    model = new_model(recipe).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    state = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    target = tmp_path / "tiny.gguf"

    write_gguf(state, model.config.to_dict(), tmp_path / "tokenizer.json", target)

    sentence = TEXT[:60]
    ids = tokenizer.encode(sentence).ids
    logs = torch.log_softmax(model(torch.tensor([ids])).logits[0, :-1], -1)
    expected = logs.gather(1, torch.tensor(ids[1:])[:, None])[:, 0].detach().numpy()
    frozen = load_torch_model(ModelFile("tiny", target, "gguf"), "cpu")
    assert frozen.encode(sentence) == ids
    assert torch.allclose(frozen.model(torch.tensor([ids])).logits, model(torch.tensor([ids])).logits, atol=5e-3)
    with LlamaEngine(ModelFile.at(target)) as engine:
        assert engine.tokenize(sentence) == ids
        assert np.allclose(engine.log_probabilities(sentence, Stack()), expected, atol=5e-3)
    assert not list(tmp_path.glob("*.partial"))
