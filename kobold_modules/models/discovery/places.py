"""Where models lie on a machine: the folders of the programs people already have, and the models those name by file.

A list of facts about other programs, gathered in one place because it ages. Nothing here is trusted: a file that names
a model is bounded, parsed as JSON and may point at anything; only headers of what it points at are ever read.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...disk.toml_file import read_config
from ...errors import BadInput
from ..reference import ModelFile


SMALL = 2**20  # bytes; no manifest or settings file comes near
_DIGEST = re.compile(r"^sha256[:-]([0-9a-f]{64})$")
_OLLAMA_MODEL = "application/vnd.ollama.image.model"

# label -> folders, all of which may hold models at any depth
_FOLDERS = {
    "LM Studio": ("~/.lmstudio/models", "~/.cache/lm-studio/models"),
    "llama.cpp": ("~/.cache/llama.cpp", "~/Library/Caches/llama.cpp"),
    "KoboldAI": (
        "~/KoboldAI-Client/models",
        "~/KoboldAI/models",
        "~/koboldai-client/models",
        "~/koboldai/models",
        "~/KoboldAI-United/models",
        "/opt/koboldai/models",
    ),
    "text-generation-webui": ("~/text-generation-webui/models", "~/text-generation-webui/user_data/models"),
    "GPT4All": ("~/.cache/gpt4all", "~/.local/share/nomic.ai/GPT4All"),
    "Jan": ("~/jan/models", "~/.local/share/Jan/data/llamacpp/models"),
    "folder": ("~/models", "./models"),
}
# Folders in which koboldcpp and its .kcpps files are usually kept; looked at, not into.
_KCPPS = ("~", "~/koboldcpp", "~/KoboldCpp", "~/Downloads", "~/Documents", "~/models", ".")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to look through, and what to call it."""

    label: str
    folder: Path


def folders() -> list[Place]:
    """Return every folder of other programs that is there, then those the person has configured."""
    found = []
    for label, texts in _FOLDERS.items():
        found += [Place(label, folder) for text in texts if (folder := Path(text).expanduser()).is_dir()]
    if cache := os.environ.get("LLAMA_CACHE"):
        found.append(Place("llama.cpp", Path(cache).expanduser()))
    if moved := _lm_studio_folder():
        found.append(Place("LM Studio", moved))
    return found + [Place("folder", folder) for folder in configured()]


def configured() -> list[Path]:
    """Return the folders from ``[models] folders`` in config.toml."""
    try:
        said = read_config().get("models", {})
    except BadInput:
        return []
    listed = said.get("folders", []) if isinstance(said, dict) else []
    return [Path(text).expanduser() for text in listed if isinstance(text, str)] if isinstance(listed, list) else []


def _lm_studio_folder() -> Path | None:
    """Return where LM Studio is set to keep its models instead."""
    for home in ("~/.lmstudio", "~/.cache/lm-studio"):
        settings = small_json(Path(home).expanduser() / "settings.json")
        folder = settings.get("downloadsFolder") if isinstance(settings, dict) else None
        if isinstance(folder, str) and folder:
            return Path(folder).expanduser()
    return None


def ollama() -> Iterator[tuple[ModelFile, Path]]:
    """Yield Ollama's models, each with the file that names it: a manifest names a blob, the blob is a GGUF file."""
    chosen = os.environ.get("OLLAMA_MODELS")
    homes = [chosen] if chosen else ["~/.ollama/models", "/usr/share/ollama/.ollama/models", "/var/lib/ollama/models"]
    for home in (Path(text).expanduser() for text in homes):
        for manifests in (home / "manifests", home / "manifests-v2", home / "manifest-v2"):
            for manifest in _files(manifests, depth=6):
                data = small_json(manifest)
                layers = data.get("layers") if isinstance(data, dict) else None
                for layer in layers if isinstance(layers, list) else []:
                    if not isinstance(layer, dict) or layer.get("mediaType") != _OLLAMA_MODEL:
                        continue
                    digest = _DIGEST.match(str(layer.get("digest", "")))
                    if digest is not None:
                        parts = manifest.relative_to(manifests).parts
                        shown = parts[2:-1] if len(parts) > 3 and parts[1] == "library" else parts[1:-1]
                        name = f"{'/'.join(shown) or parts[-1]}:{parts[-1]}"
                        blob = home / "blobs" / f"sha256-{digest[1]}"
                        yield ModelFile(name, blob, "gguf", place="Ollama"), manifest


def koboldcpp() -> Iterator[tuple[ModelFile, Path]]:
    """Yield the models that koboldcpp's saved settings (.kcpps) start with."""
    seen = set()
    for folder in (Path(text).expanduser().absolute() for text in _KCPPS):
        try:
            files = sorted(folder.glob("*.kcpps")) if folder not in seen else []
        except OSError:
            continue
        seen.add(folder)
        for file in files:
            yield from named_by_kcpps(file)


def named_by_kcpps(file: Path) -> Iterator[tuple[ModelFile, Path]]:
    """Yield the model of one settings file, if it names one, with ``file``."""
    data = small_json(file)
    if isinstance(data, dict):
        said = data.get("model_param") or data.get("model")
        for text in said if isinstance(said, list) else [said]:
            if isinstance(text, str) and text and "://" not in text and "\0" not in text:
                path = Path(text).expanduser()
                path = path if path.is_absolute() else file.parent / path
                yield ModelFile(file.stem, path, "gguf", place="koboldcpp"), file


def _files(folder: Path, depth: int) -> Iterator[Path]:
    """Yield files below ``folder``, in order; unreadable folders are empty."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries[:10_000]:
        if entry.is_dir():
            if depth > 1:
                yield from _files(Path(entry.path), depth - 1)
        elif entry.is_file():
            yield Path(entry.path)


def small_json(file: Path) -> Any:
    """Return what ``file`` holds, or None where it is missing, long, or no JSON."""
    try:
        if file.stat().st_size > SMALL:
            return None
        return json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
