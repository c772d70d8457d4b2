"""What vLLM's clients send: the rows as the model's embedding module returns them, one part a module."""

from __future__ import annotations

import base64
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.formats import prompt_embeds, read_found
from kobold_modules.soft_prompt.deep_prefix import with_rows
from kobold_modules.soft_prompt.module import Card, Module


torch = pytest.importorskip("torch")
ROWS = np.random.default_rng(3).normal(size=(4, 16)).astype(np.float32)


def test_the_body_is_a_chat_of_parts_that_torch_loads_with_weights_only(tmp_path: Path) -> None:
    modules = [Module(ROWS, Card("noir", model="/home/me/llama-3")), Module(ROWS[:2] * 2, Card("terse"))]
    prompt_embeds.write(modules, tmp_path / "noir.json")
    body = json.loads((tmp_path / "noir.json").read_text())
    parts = body["messages"][0]["content"]
    assert [part["type"] for part in parts] == ["prompt_embeds", "prompt_embeds", "text"]
    for part, module in zip(parts, modules, strict=False):
        tensor = torch.load(io.BytesIO(base64.b64decode(part["data"])), weights_only=True)
        assert tensor.dtype == torch.float32
        assert np.array_equal(tensor.numpy(), module.vectors)
    assert body["model"] == "llama-3"  # no path leaves
    page = (tmp_path / "noir.txt").read_text(encoding="utf-8")
    assert "curl http://127.0.0.1:8000/v1/chat/completions" in page
    assert "--enable-prompt-embeds --chat-template noir.jinja" in page
    assert "/home/me" not in page


@pytest.mark.parametrize(
    ("card", "scale"),
    [
        (Card("x", model="llama"), 1.0),
        (Card("x", model="google/gemma-3-1b"), math.sqrt(16)),
        (Card("x", model="a name", training={"embedding_scale": 3.0}), 3.0),
    ],
)
def test_rows_of_models_that_scale_are_scaled(card: Card, scale: float) -> None:
    assert np.allclose(prompt_embeds.scaled(Module(ROWS, card)), ROWS * scale)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    prompt_embeds.write([Module(ROWS, Card("noir"))], tmp_path / "noir.json")
    found = read_found(tmp_path / "noir.json")
    assert found.format == "prompt-embeds"
    assert np.array_equal(with_rows(found.module).vectors, ROWS)
