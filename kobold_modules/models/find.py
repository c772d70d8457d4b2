"""From what a person types after ``--model`` to files on this disk."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import NoModel
from .folder_faults import no_folder, weight_files
from .hub_id import HubId, parse_hub_id
from .not_a_model import not_gguf, piece, unfinished
from .smollm2 import NAME as SMOLLM2
from .smollm2 import found_smollm2
from .starter import starter_path


PART = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model on disk: one ``gguf`` file (the first, where it comes in parts) or one Hugging Face folder (``hf``)."""

    name: str
    path: Path
    kind: Literal["gguf", "hf"]

    @property
    def bytes(self) -> int:
        """Size of its weights on disk."""
        if self.kind == "gguf":
            return sum(file.stat().st_size for file in (self.path, *later_parts(self.path)))
        return sum(file.stat().st_size for file in self.path.glob("*.safetensors"))


def resolve(text: str) -> ModelFile:
    """The model that ``text`` names.

    It may be ``starter``, ``smollm2``, a ``.gguf`` file, a Hugging Face folder, a hub id that has been downloaded, or a
    name that ``kobold-modules models`` lists (an Ollama model has no other).

    Raises:
        NoModel: nothing is there, or what is there is no model.
    """
    if text == "starter":
        path = starter_path()
        if not path.exists():
            raise NoModel("The starter model is missing from this installation.", "Install kobold-modules again.")
        return ModelFile("starter", path, "gguf")
    path = Path(text).expanduser()
    if text == SMOLLM2 and not path.exists():
        return ModelFile(SMOLLM2, found_smollm2(), "gguf")
    if path.is_dir():
        return _folder(path)
    if path.is_file():
        try:
            with path.open("rb") as file:
                magic = file.read(4)
        except OSError as error:
            raise NoModel(f"{path} cannot be read: {error.strerror or error}.") from error
        if magic == b"GGUF":
            if named := unfinished(path) or (piece(path) if path.suffix.lower() != ".gguf" else None):
                raise named
            return ModelFile(path.stem if path.suffix else path.name, _first_part(path), "gguf")
        raise not_gguf(path)
    hub = parse_hub_id(text)
    if hub is not None:
        found = in_hub_cache(hub)
        if found is not None:
            return found
    if not text.startswith((".", "/", "~")):
        from .discover import called

        found = called(text)
        if found is not None:
            return found
    if hub is not None:
        raise NoModel(f"{hub} is not on this disk.", f"`kobold-modules models --download {hub}` fetches it.")
    raise NoModel(
        f"There is no model at {text}.", "`kobold-modules models` lists those on this disk; `starter` always works."
    )


def _folder(path: Path) -> ModelFile:
    if (path / "config.json").exists() and weight_files(path):
        return ModelFile(path.absolute().name, path, "hf")
    ggufs = whole_models(path.glob("*.gguf"))
    if len(ggufs) == 1:
        return ModelFile(ggufs[0].stem, ggufs[0], "gguf")
    if ggufs:
        raise NoModel(f"{path} holds {len(ggufs)} GGUF files.", f"Name one of them, for example {ggufs[0]}.")
    raise no_folder(path)


def whole_models(files: Iterable[Path]) -> list[Path]:
    """The GGUF files among ``files`` that stand for a model: no later parts, no projectors."""
    return [
        file
        for file in sorted(files)
        if not file.name.startswith("mmproj") and ((part := PART.match(file.name)) is None or part["number"] == "00001")
    ]


def later_parts(path: Path) -> tuple[Path, ...]:
    """The other files of the model whose first part is ``path``; none for nearly all.

    Raises:
        NoModel: one of them is missing.
    """
    part = PART.match(path.name)
    if part is None:
        return ()
    count = int(part["count"])
    parts = tuple(path.with_name(f"{part['stem']}-{n:05d}-of-{count:05d}.gguf") for n in range(2, min(count, 999) + 1))
    for number, file in enumerate(parts, 2):
        if not file.is_file():
            raise NoModel(
                f"{path.name} is the first part of {count}, and part {number} is missing.",
                f"Put {file.name} beside it.",
            )
    return parts


def _first_part(path: Path) -> Path:
    """llama.cpp starts from the first part, whichever of them a person named."""
    part = PART.match(path.name)
    first = path.with_name(f"{part['stem']}-00001-of-{part['count']}.gguf") if part is not None else path
    return first if first.is_file() else path


def in_hub_cache(hub: HubId) -> ModelFile | None:
    """A model that has been downloaded before, or None. Raises NoModel where several of its files could be meant."""
    for cache in hub_caches():
        for snapshot in snapshots(cache / f"models--{hub.repository.replace('/', '--')}"):
            whole = (snapshot / "config.json").exists() and weight_files(snapshot)
            if whole and not (hub.quant or hub.file):
                return ModelFile(hub.repository, snapshot, "hf")
            files = whole_models(snapshot.rglob("*.gguf"))
            meant = [file for file in files if hub.picks(file.relative_to(snapshot).as_posix())]
            if len(meant) == 1:
                return ModelFile(meant[0].stem, meant[0], "gguf")
            if meant:
                raise NoModel(
                    f"{len(meant)} files of {hub.repository} are on this disk.",
                    f"Name one of them, for example {hub.repository}/{meant[0].relative_to(snapshot).as_posix()}.",
                )
    return None


def snapshots(repository: Path) -> list[Path]:
    """The versions of ``repository`` in a hub cache, the current one first."""
    try:
        current = (repository / "refs" / "main").read_text(encoding="ascii").strip()
        found = list((repository / "snapshots").iterdir())
    except (OSError, UnicodeDecodeError):
        current, found = "", list((repository / "snapshots").glob("*"))
    return sorted(found, key=lambda path: (path.name != current, -path.stat().st_mtime))


def hub_caches() -> list[Path]:
    """Folders in which Hugging Face tools keep what they downloaded."""
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    home = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    return [Path(named).expanduser()] if named else [home / "hub"]
