"""How a module's raw rows enter a model through llama.cpp's embedding input.

Modules hold raw rows of the embedding table. llama.cpp mostly takes exactly those, but some architectures scale them on
the way in, and some cannot take rows at all. This table says so in one place, and is a list of what has been shown: an
architecture that nobody has tried is refused in a sentence, for the way it would go wrong is silent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


# These multiply a token's row by sqrt(width) but leave injected rows as they are. Gemma 1 and 2 scale both, so that raw
# rows are right for them as they stand (rows as transformers' inputs_embeds takes them would have to be divided).
_SCALES_TOKENS_ONLY = ("gemma3", "gemma3n", "gemma4")
# llama_model_rope_type of models in which an injected row has four positions: LLAMA_ROPE_TYPE_MROPE, _IMROPE
_FOUR_POSITIONS = (8, 40)
# llama.cpp aborts the whole process for these when rows are injected into a text-only file
_ABORTS = ("glm4", "glm4moe", "granite-switch")
# Another expert routing for rows than for tokens
_OTHER_ROUTE = ("deepseek4",)
_PROVEN = """
arcee baichuan bailingmoe bitnet bloom chatglm codeshell cohere2 command-r dbrx deci deepseek ernie4_5 ernie4_5-moe
exaone exaone4 falcon gemma gemma2 gemma3 gemma4 gpt-oss gpt2 gptneox granite granitemoe hunyuan-dense hunyuan-moe
hunyuan_vl internlm2 jais jais2 lfm2 llama maincoder mamba mamba2 minicpm mistral3 mpt nemotron olmo olmo2 openelm
orion pangu-embedded phi2 phi3 phimoe plamo plamo3 qwen qwen2 qwen2moe qwen2vl qwen3 qwen3moe qwen3vl refact smollm3
stablelm starcoder starcoder2 xverse
"""
# Architectures of which typed tokens and their own rows injected give the same logits: tests/models/test_injection.py
# runs each of them, tiny and random, through llama.cpp.
PROVEN = frozenset(_PROVEN.split())
# Compared with transformers by hand, with models that llama.cpp's own converter made; too odd to be grown in a test.
MEASURED = frozenset({"qwen35", "qwen35moe"})
# Known not to: llama.cpp sends injected rows to the experts for pictures, or reads the text in both directions.
_OTHERWISE = {
    "cogvlm": "it sends injected rows to the experts for pictures",
    "dream": "it writes all words of a passage at once",
    "llada": "it writes all words of a passage at once",
    "llada-moe": "it writes all words of a passage at once",
    "gemma3n": "every layer of it has its own row per word, and a module has none",
}


@dataclass(frozen=True, slots=True)
class Injection:
    """What to do with raw rows, float32 ``[n, width]``.

    Attributes:
        scale: to multiply them with.
        width_in: width of the model's input; wider than ``width`` where deep layers take rows too (zeros there).
        positions: numbers that say where a row stands: 1, or 4 in models that also read pictures.
        refusal: a sentence why this model takes no modules, or empty.
    """

    width: int
    width_in: int
    scale: float = 1.0
    positions: int = 1
    refusal: str = ""

    def rows(self, raw: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rows to pass to llama.cpp: float32 ``[n, width_in]``, C order."""
        rows = raw * np.float32(self.scale) if self.scale != 1 else raw
        if self.width_in > self.width:
            rows = np.pad(rows, ((0, 0), (0, self.width_in - self.width)))
        return np.ascontiguousarray(rows, dtype=np.float32)


def injection_for(architecture: str, width: int, width_in: int, rope_type: int, per_layer: int, name: str) -> Injection:
    """Return how rows enter a model.

    Args:
        architecture: ``general.architecture``.
        rope_type: llama_model_rope_type.
        per_layer: width of the rows that every layer adds per token (Gemma 3n and small Gemma 4), 0 for nearly all.
    """
    refusal = ""
    if architecture in _ABORTS:
        refusal = f"{name} cannot take modules: llama.cpp accepts no soft prompts for {architecture} models."
    elif per_layer:  # llama.cpp puts another row there than transformers trains with
        refusal = f"{name} cannot take modules: every layer of it has its own row per word, and a module has none."
    elif architecture in _OTHER_ROUTE:
        refusal = f"{name} cannot take modules: {architecture} sends injected rows to other experts than words."
    elif architecture in _OTHERWISE:
        refusal = f"{name} cannot take modules: {_OTHERWISE[architecture]}."
    elif architecture not in PROVEN | MEASURED:
        refusal = f"{name} cannot take modules yet: nobody has shown that {architecture} models read them as words."
    elif width_in % width:
        refusal = f"{name} cannot take modules: its input is {width_in} wide, its embedding table {width}."
    return Injection(
        width,
        width_in,
        scale=math.sqrt(width) if architecture in _SCALES_TOKENS_ONLY else 1.0,
        positions=4 if rope_type in _FOUR_POSITIONS else 1,
        refusal=refusal,
    )
