"""Prose of authors the starter model never saw, cut into what is trained on and what is measured."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from common import SHARED

from kobold_modules import corpus
from kobold_modules.backends.torch.load import TorchModel
from kobold_modules.evaluation.bits import HeldOut
from kobold_modules.training.data import held_out_tokens, row_length
from kobold_modules.training.packing import Rows
from kobold_modules.training.settings import TrainingRequest


UNSEEN = ("edgar-rice-burroughs", "l-frank-baum", "mary-shelley", "oscar-wilde")
AUTHORS = (*UNSEEN, "saki", "m-r-james", "jane-austen", "mark-twain")  # the starter has read the last four
SAMPLES = Path(__file__).resolve().parents[1] / "sample_texts"
BYTES = 300_000  # of an author


@dataclass(frozen=True)
class Author:
    name: str
    rows: Rows
    held_out: HeldOut

    def looked_at(self, request: TrainingRequest) -> HeldOut:
        """Return as much of the held-out text as a training looks at while it runs."""
        share = min(1.0, held_out_tokens(request) / max(1, self.held_out.tokens))
        documents = tuple(ids[: max(2, int(share * len(ids)))] for ids in self.held_out.documents)
        return HeldOut(documents, max(1, int(share * self.held_out.bytes)))


def author(name: str, frozen: TorchModel, request: TrainingRequest, most: int = 6000) -> Author:
    """Return an author of ../shared/corpora, or one of our own sample texts, in rows as ``request`` wants them.

    Args:
        most: tokens of held-out text.
    """
    path = SHARED / "corpora" / f"{name}.txt"
    encode = frozen.encode
    if path.exists():
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder) / path.name
            part.write_bytes(path.read_bytes()[:BYTES].decode(errors="ignore").encode())
            read = corpus.read([part])
    else:
        read = corpus.read([SAMPLES / name])
    split = corpus.split(read)
    return Author(
        name, Rows.of(split.train, encode, row_length(request, frozen)), HeldOut.of(split.held_out, encode, most)
    )


def authors(wanted: int) -> list[str]:
    """Return the names of ``wanted`` unseen authors, or of our own voices where ../shared/corpora is absent."""
    if (SHARED / "corpora").exists():
        return list(UNSEEN[:wanted])
    print("../shared/corpora is not here; our own sample texts stand in")
    return ["gothic", "farce", "noir"][:wanted]
