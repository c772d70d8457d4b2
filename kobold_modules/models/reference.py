"""A model on disk: the one value that stands for it until an engine has loaded it.

What its files say is read when it is first asked for, and once: facts and fingerprint stay with the reference, and a
header that has been parsed stays with the process (see headers.gguf).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .facts import Facts, facts_of_folder, facts_of_gguf
from .gguf_parts import later_parts


if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..soft_prompt.fingerprint import Fingerprint
    from .headers.gguf_settings import GgufSettings


@dataclass(frozen=True)
class ModelFile:
    """A model on disk: one ``gguf`` file (the first, where it comes in parts) or one Hugging Face folder (``hf``).

    Two are equal that are of one file, kind and name.

    Attributes:
        typed: what ``--model`` and a Load job take where that is not the path.
        place: the program or folder that a search found it in.
        problem: a sentence about what is wrong with it, where a search could not read it; empty for nearly all.
        known: facts that an earlier search read; None: they are read when :attr:`facts` is first asked for.
    """

    name: str
    path: Path
    kind: Literal["gguf", "hf"]
    typed: str = field(default="", compare=False)
    place: str = field(default="", compare=False)
    problem: str = field(default="", compare=False)
    known: Facts | None = field(default=None, compare=False)

    @classmethod
    def at(cls, path: Path | str, name: str = "") -> ModelFile:
        """Return the model at ``path``, called as its file is where there is no ``name``; nothing is read yet."""
        path = Path(path)
        folder = path.is_dir()
        return cls(name or (path.name if folder else path.stem), path, "hf" if folder else "gguf")

    @property
    def model(self) -> str:
        """What ``--model`` and a Load job take."""
        return self.typed or str(self.path)

    @cached_property
    def parts(self) -> tuple[Path, ...]:
        """The files that hold its weights, the first one first. Raises NoModel where a later part is missing."""
        if self.kind == "gguf":
            return (self.path, *later_parts(self.path))
        return tuple(sorted(self.path.glob("*.safetensors")))

    @property
    def bytes(self) -> int:
        """Size of its weights on disk. Raises OSError."""
        return sum(file.stat().st_size for file in self.parts)

    @cached_property
    def facts(self) -> Facts:
        """What its headers say. Raises NoModel where it is damaged or not all there."""
        if self.known is not None:
            return self.known
        return facts_of_gguf(*self.parts) if self.kind == "gguf" else facts_of_folder(self.path)

    @cached_property
    def settings(self) -> GgufSettings:
        """What transformers must be given for a GGUF model. Raises NoModel where it is damaged."""
        from .headers.gguf_settings import read_settings

        return read_settings(*self.parts)

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """What tells it from other models: a sketch of its embedding table. Raises NoModel where it has none."""
        from ..soft_prompt.fingerprint import fingerprint_of
        from .embedding_table import sample_table

        return fingerprint_of(*sample_table(self.path, self.parts))

    def read_table(self, part: int = 4096) -> Iterator[NDArray[np.float32]]:
        """Yield its embedding table in order: float32 ``[at most part, width]`` each time. Raises NoModel."""
        from .embedding_table import read_table

        return read_table(self.path, self.parts, part)

    def rows_at(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Return the rows of ``ids`` in its embedding table, dequantised: float32 ``[n, width]``. Raises NoModel."""
        from .embedding_table import rows_at

        return rows_at(self.path, self.parts, ids)
