"""From what a person types after ``--model`` to files on this disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import NoModel
from .starter import starter_path


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model on disk: one ``gguf`` file or one Hugging Face folder (``hf``)."""

    name: str
    path: Path
    kind: Literal["gguf", "hf"]

    @property
    def bytes(self) -> int:
        """Size of its weights on disk."""
        if self.kind == "gguf":
            return self.path.stat().st_size
        return sum(file.stat().st_size for file in self.path.glob("*.safetensors"))


def resolve(text: str) -> ModelFile:
    """The model that ``text`` names: ``starter``, a ``.gguf`` file or a Hugging Face folder.

    Raises:
        NoModel: nothing is there, or what is there is no model.
    """
    if text == "starter":
        path = starter_path()
        if not path.exists():
            raise NoModel("The starter model is missing from this installation.", "Install kobold-modules again.")
        return ModelFile("starter", path, "gguf")
    path = Path(text).expanduser()
    if path.is_dir():
        return _folder(path)
    if path.is_file():
        with path.open("rb") as file:
            magic = file.read(4)
        if magic == b"GGUF":
            return ModelFile(path.stem, path, "gguf")
        raise NoModel(
            f"{path} is not a GGUF model: it does not begin with GGUF.", "Give a .gguf file or a model folder."
        )
    if "/" in text and not text.startswith((".", "/", "~")) and text.count("/") == 1:
        return _from_hub_cache(text)
    raise NoModel(
        f"There is no model at {text}.", "`kobold-modules models` lists those on this disk; `starter` always works."
    )


def _folder(path: Path) -> ModelFile:
    if (path / "config.json").exists():
        if not list(path.glob("*.safetensors")):
            raise NoModel(f"{path} has a config.json but no .safetensors weights.", "Pickled weights are never loaded.")
        return ModelFile(path.name, path, "hf")
    ggufs = [file for file in sorted(path.glob("*.gguf")) if not file.name.startswith("mmproj")]
    if len(ggufs) == 1:
        return ModelFile(ggufs[0].stem, ggufs[0], "gguf")
    if ggufs:
        raise NoModel(f"{path} holds {len(ggufs)} GGUF files.", f"Name one of them, for example {ggufs[0]}.")
    raise NoModel(f"{path} is a folder without a model in it.", "Give a .gguf file or a Hugging Face model folder.")


def _from_hub_cache(repository: str) -> ModelFile:
    """A hub id that has been downloaded before; nothing is fetched."""
    for snapshots in [root / f"models--{repository.replace('/', '--')}" / "snapshots" for root in hub_caches()]:
        for snapshot in sorted(snapshots.glob("*"), key=lambda p: p.stat().st_mtime, reverse=True):
            return ModelFile(repository, _folder(snapshot).path, _folder(snapshot).kind)
    raise NoModel(
        f"{repository} is not on this disk.",
        f"Download it first (`hf download {repository}`), or give the path of a .gguf file.",
    )


def hub_caches() -> list[Path]:
    """Folders in which Hugging Face tools keep what they downloaded."""
    import os

    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    return [Path(named).expanduser()] if named else [home / "hub"]


def model_folders() -> list[Path]:
    """Folders in which writing programs usually keep models."""
    places = ["~/.lmstudio/models", "~/.cache/lm-studio/models", "~/.cache/llama.cpp", "~/models", "./models"]
    return [folder for place in places if (folder := Path(place).expanduser()).is_dir()]


def discover() -> list[ModelFile]:
    """Every model found in the usual places, the starter first. Projectors (``mmproj``) and later shards are left
    out.
    """
    found = [ModelFile("starter", starter_path(), "gguf")] if starter_path().exists() else []
    for folder in [*model_folders(), *hub_caches()]:
        for file in sorted(folder.rglob("*.gguf")):
            later_shard = "-of-" in file.stem and "-00001-of-" not in file.stem
            if not file.name.startswith("mmproj") and not later_shard and file.is_file():
                found.append(ModelFile(file.stem, file, "gguf"))
    for cache in hub_caches():
        for config in sorted(cache.glob("models--*/snapshots/*/config.json")):
            if list(config.parent.glob("*.safetensors")):
                name = config.parts[-4].removeprefix("models--").replace("--", "/")
                found.append(ModelFile(name, config.parent, "hf"))
    return found
