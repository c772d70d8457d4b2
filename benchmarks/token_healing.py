"""What token healing does to a text that is cut anywhere: at its spaces, inside its words, behind its words.

    python benchmarks/token_healing.py [--cuts 60] [--model FILE.gguf]

The sample texts are cut at random places; the model goes on by a few tokens, with and without healing, the same seed
for both.

``finished_word``: of texts cut inside a word, the share whose next letters complete a word that stands anywhere in the
sample texts. ``changed_word``: of texts cut behind a whole word, the share whose word became a longer one.
``space_nats``: nats of the text's own next 30 characters where the model reads a space at the end, against the space
given to the first token (and paid for).
"""

from __future__ import annotations

import argparse
import os
import random
import re
from pathlib import Path


os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from common import keep

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.generation.protocol import Request
from kobold_modules.models.reference import ModelFile
from kobold_modules.models.starter import starter_path
from kobold_modules.records import TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.stack import Stack


TEXTS = Path(__file__).resolve().parents[1] / "sample_texts"
CONTEXT = 400  # characters that the model reads


def main() -> None:
    parser = argparse.ArgumentParser(description="What token healing does to a text that is cut anywhere.")
    parser.add_argument("--cuts", type=int, default=60)
    parser.add_argument("--model", type=Path, default=starter_path())
    arguments = parser.parse_args()
    whole = "\n\n".join(path.read_text() for path in sorted(TEXTS.rglob("*.txt")))
    words = {word.lower() for word in re.findall(r"[^\W\d_]+", whole)}
    chance = random.Random(1)
    long_words = [found.span() for found in re.finditer(r"(?<= )[a-z]{5,}(?= [a-z])", whole) if found.start() > CONTEXT]
    picked = chance.sample(long_words, arguments.cuts)
    with LlamaEngine(ModelFile.at(arguments.model)) as engine:
        inside = [(start, start + chance.randrange(2, end - start - 1)) for start, end in picked]
        finished = {
            healing: sum(
                whole[start:cut] + _word(_go_on(engine, whole[:cut], healing)) in words for start, cut in inside
            )
            for healing in (True, False)
        }
        changed = sum(bool(_word(_go_on(engine, whole[:end], True))) for _, end in picked)
        unhealed = sum(bool(_word(_go_on(engine, whole[:end], False))) for _, end in picked)
        spaces = {
            True: [_nats(engine, whole[end - CONTEXT : end], whole[end : end + 30]) for _, end in picked],
            False: [_nats(engine, whole[end - CONTEXT : end + 1], whole[end + 1 : end + 30]) for _, end in picked],
        }
    cuts = arguments.cuts
    result = {
        "finished_word": {"healed": finished[True] / cuts, "plain": finished[False] / cuts},
        "changed_word": {"healed": changed / cuts, "plain": unhealed / cuts},
        "space_nats": {"healed": round(sum(spaces[True]) / cuts, 2), "plain": round(sum(spaces[False]) / cuts, 2)},
    }
    keep("token_healing", {"model": arguments.model.stem, "cuts": cuts}, result, cuts < 60)


def _go_on(engine: LlamaEngine, text: str, healing: bool) -> str:
    request = Request(text=text[-CONTEXT:], max_tokens=4, sampler=Sampler(seed=7, token_healing=healing))
    return "".join(record.text for record in engine.generate(request) if isinstance(record, TextChunk))


def _word(text: str) -> str:
    """Return the letters at the beginning of ``text``."""
    found = re.match(r"[^\W\d_]*", text)
    return found[0].lower() if found else ""


def _nats(engine: LlamaEngine, before: str, behind: str) -> float:
    """Return the nats of ``behind``, split into tokens by itself as a model writes it, behind ``before``."""
    tokens = engine.tokenize(behind)
    values = engine.score([*engine.tokenize(before), *tokens], Stack())[-len(tokens) :]
    return -float(values.sum())


if __name__ == "__main__":
    main()
