"""Names of models on the hub, as people type and paste them."""

from __future__ import annotations

import pytest

from kobold_modules.models.hub.repo_id import HubId, parse_hub_id


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("owner/name", HubId("owner/name")),
        ("Qwen/Qwen3-0.6B-Base", HubId("Qwen/Qwen3-0.6B-Base")),
        ("owner/name:Q4_K_M", HubId("owner/name", quant="Q4_K_M")),
        ("owner/name/file.Q4_K_M.gguf", HubId("owner/name", "file.Q4_K_M.gguf")),
        ("owner/name/Q8_0/m-00001-of-00002.gguf", HubId("owner/name", "Q8_0/m-00001-of-00002.gguf")),
        ("https://huggingface.co/owner/name", HubId("owner/name")),
        ("https://huggingface.co/owner/name/tree/main", HubId("owner/name")),
        ("https://huggingface.co/owner/name/blob/main/a.gguf", HubId("owner/name", "a.gguf")),
        ("https://hf.co/owner/name/resolve/main/sub/a.gguf?download=true", HubId("owner/name", "sub/a.gguf")),
        ("hf.co/owner/name:Q8_0", HubId("owner/name", quant="Q8_0")),
    ],
)
def test_these_are_names(text: str, found: HubId) -> None:
    assert parse_hub_id(text) == found
    assert parse_hub_id(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "", "starter", "name", "/owner/name", "../name", "owner/..", "owner/../x.gguf", "owner/name/../../x.gguf",
        "owner/name/x.bin", "owner/name/.ssh/x.gguf", "owner//x.gguf", "C:\\models\\x.gguf", "~/models/x.gguf",
        "owner/name:Q4/K", "owner/na--me", "https://example.org/owner/name",
    ],
)  # fmt: skip
def test_these_are_not(text: str) -> None:
    assert parse_hub_id(text) is None


def test_a_quantisation_is_a_whole_word() -> None:
    wanted = HubId("o/n", quant="Q4_K")

    assert wanted.picks("model.Q4_K.gguf")
    assert wanted.picks("model-q4_k-00001-of-00002.gguf")
    assert not HubId("o/n", quant="Q4").picks("model.IQ4_XS.gguf")
