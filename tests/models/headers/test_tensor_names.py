from __future__ import annotations

from typing import NamedTuple

import pytest

from kobold_modules.models.headers.tensor_names import embedding_table, has_head


class Stored(NamedTuple):
    name: str
    shape: tuple[int, ...]


@pytest.mark.parametrize(
    "name",
    [
        "token_embd.weight",
        "model.embed_tokens.weight",
        "model.language_model.embed_tokens.weight",
        "transformer.wte.weight",
        "gpt_neox.embed_in.weight",
        "transformer.word_embeddings.weight",
        "backbone.embeddings.weight",
    ],
)
def test_the_table_is_known_whoever_named_it(name: str) -> None:
    norm, table = Stored("model.norm.weight", (8,)), Stored(name, (100, 8))

    assert embedding_table([norm, table]) is table
    assert embedding_table([norm, Stored(name, (800,))]) is None


def test_an_output_matrix_is_told_from_an_embedding_table() -> None:
    table = Stored("model.embed_tokens.weight", (100, 8))

    assert not has_head([table])
    for name in ("lm_head.weight", "embed_out.weight", "transformer.output_layer.weight"):
        assert has_head([table, Stored(name, (100, 8))])
        assert embedding_table([Stored(name, (100, 8))]) is None
