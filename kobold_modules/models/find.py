"""From what a person types after ``--model`` to files on this disk."""

from __future__ import annotations

from pathlib import Path

from ..errors import NoModel
from .gguf_parts import PART, whole_models
from .hub.cache import hub_caches, snapshots
from .hub.repo_id import HubId, parse_hub_id
from .reference import ModelFile
from .smollm2 import NAME as SMOLLM2
from .smollm2 import found_smollm2
from .starter import starter_path
from .usability.folder_faults import no_folder, weight_files
from .usability.not_a_model import not_gguf, piece, unfinished


def resolve(text: str) -> ModelFile:
    """Return the model that ``text`` names.

    It may be ``starter``, ``smollm2``, a ``.gguf`` file, a Hugging Face folder, a hub id that has been downloaded, or a
    name that ``kobold-modules models`` lists (an Ollama model has no other).

    Raises:
        NoModel: nothing is there, or what is there is no model.
    """
    if text == "starter":
        path = starter_path()
        if not path.exists():
            raise NoModel("The starter model is missing from this installation.", "Install kobold-modules again.")
        return ModelFile("starter", path, "gguf", "starter")
    path = Path(text).expanduser()
    if text == SMOLLM2 and not path.exists():
        return ModelFile(SMOLLM2, found_smollm2(), "gguf", SMOLLM2)
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
        from .discovery.discover import called

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


def _first_part(path: Path) -> Path:
    """Return the first part, from which llama.cpp starts, whichever of the parts a person named."""
    part = PART.match(path.name)
    first = path.with_name(f"{part['stem']}-00001-of-{part['count']}.gguf") if part is not None else path
    return first if first.is_file() else path


def in_hub_cache(hub: HubId) -> ModelFile | None:
    """Return a model that has been downloaded before, or None.

    Raises NoModel where several of its files could be meant.
    """
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
