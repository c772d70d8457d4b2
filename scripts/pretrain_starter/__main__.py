"""``python -m scripts.pretrain_starter FOLDER --out FOLDER``: make a starter model from a folder of texts.

On two cores, two single-threaded ranks are fastest::

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 -m scripts.pretrain_starter FOLDER --out OUT --minutes 105

A killed run goes on from its last checkpoint in OUT when started again.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from .works import Shelf, divide, read_works


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.pretrain_starter", description=__doc__)
    parser.add_argument("folder", type=Path, help="one .txt a work or author; see works.py for manifest.json")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=105)
    parser.add_argument("--unseen", nargs="*", default=[], metavar="AUTHOR", help="kept out of training entirely")
    parser.add_argument("--held-out", nargs="*", default=[], metavar="TITLE", help="kept out to measure with")
    parser.add_argument("--matrix-lr", type=float, default=0.02)
    parser.add_argument("--vector-lr", type=float, default=0.003)
    arguments = parser.parse_args()
    shelf = divide(read_works(arguments.folder), arguments.unseen, arguments.held_out)
    arguments.out.mkdir(parents=True, exist_ok=True)
    make(arguments, shelf)


def make(arguments: argparse.Namespace, shelf: Shelf) -> None:
    """Tokenise, train, and (on rank 0) write starter.gguf, CARD.md and card.json into ``arguments.out``."""
    import torch

    from kobold_modules.models.reference import ModelFile

    from .card import write_card
    from .gguf_file import write_gguf
    from .loop import Recipe, train

    recipe = replace(Recipe(), minutes=arguments.minutes, matrix_lr=arguments.matrix_lr, vector_lr=arguments.vector_lr)
    out, rank = arguments.out, int(os.environ.get("RANK", "0"))
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    tokens = _tokenise(shelf, recipe.vocabulary, out, first=rank == 0)
    model, run = train(tokens, recipe, out / "checkpoint", out / "log.txt")
    if rank != 0:
        return
    target = out / "starter.gguf"
    state = {name: tensor.detach().float().numpy() for name, tensor in model.state_dict().items()}
    write_gguf(state, model.config.to_dict(), out / "tokenizer.json", target)
    facts = write_card(ModelFile("starter", target, "gguf"), shelf, {**asdict(recipe), **run}, out)
    print(json.dumps({"unseen_mean_bits_per_byte": facts["unseen_mean_bits_per_byte"]}))


def _tokenise(shelf: Shelf, vocabulary: int, out: Path, first: bool) -> np.ndarray:
    """Return the training text as uint16 ids, made by the first rank and awaited by the others."""
    from .tokenizer import END_OF_TEXT, train_tokenizer

    file = out / "tokens.npy"
    if first and not file.exists():
        texts = [work.text for work in shelf.train]
        tokenizer = train_tokenizer(texts, vocabulary)
        tokenizer.save(str(out / "tokenizer.json"))
        end = tokenizer.token_to_id(END_OF_TEXT)
        ids = [np.array([*encoding.ids, end], dtype=np.uint16) for encoding in tokenizer.encode_batch(texts)]
        np.save(out / "partial.npy", np.concatenate(ids))
        os.replace(out / "partial.npy", file)
    while not file.exists():
        time.sleep(1)
    tokens: np.ndarray = np.load(file)
    return tokens


if __name__ == "__main__":
    main()
