"""``python -m kobold_modules.pretraining FOLDER --out FOLDER``: make a starter model from a folder of texts."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m kobold_modules.pretraining", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=110)
    parser.add_argument("--unseen", nargs="*", default=[], help="authors kept out of training entirely")
    parser.add_argument("--held-out", nargs="*", default=[], help="titles kept out to measure with")
    parser.add_argument("--matrix-lr", type=float, default=0.015)
    parser.add_argument("--vector-lr", type=float, default=0.003)
    arguments = parser.parse_args()

    import torch

    from .loop import Recipe, train
    from .tokenizer import END_OF_TEXT, train_tokenizer
    from .works import divide, read_works

    recipe = replace(Recipe(), minutes=arguments.minutes, matrix_lr=arguments.matrix_lr, vector_lr=arguments.vector_lr)
    shelf = divide(read_works(arguments.folder), arguments.unseen, arguments.held_out)
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    rank = int(os.environ.get("RANK", "0"))
    tokens_file = out / "tokens.npy"
    if not tokens_file.exists():
        tokenizer = train_tokenizer([work.text for work in shelf.train], recipe.vocabulary)
        end = tokenizer.token_to_id(END_OF_TEXT)
        ids = [e.ids + [end] for e in tokenizer.encode_batch([work.text for work in shelf.train])]
        if rank == 0:
            tokenizer.save(str(out / "tokenizer.json"))
            partial = out / "tokens.tmp.npy"
            np.save(partial, np.concatenate([np.array(i, dtype=np.uint16) for i in ids]))
            os.replace(partial, tokens_file)
        else:
            import time

            while not tokens_file.exists():
                time.sleep(1)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    model = train(np.load(tokens_file), recipe, out / "checkpoint", out / "log.txt")
    if rank == 0:
        model.save_pretrained(out / "hf")


if __name__ == "__main__":
    main()
