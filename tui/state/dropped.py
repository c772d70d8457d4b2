"""Files dropped on a terminal: they arrive as a pasted text, their paths, spelled as a shell would want them.

Terminals differ: quotes, backslashes before spaces, a ``file://`` address, one path a line or all on one.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from kobold_modules.corpus.files import is_book_name
from kobold_modules.corpus.readers import is_project
from kobold_modules.errors import KoboldModulesError


LONGEST = 1 << 16
Kind = Literal["model", "module", "story", "text", "nothing"]
MODELS = (".gguf", ".kcpps")
STORIES = (".json", ".kaistory", ".story", ".scenario")


def kind_of(path: Path) -> Kind:
    """Tell what a file or folder is for: a model to load, a module to import, a story, or a text to train on.

    By what it holds where that is quick to see. A folder of models is a model, one of texts a text.
    """
    try:
        return _kind_of_folder(path) if path.is_dir() else _kind_of_file(path)
    except OSError:
        return "nothing"


def _kind_of_folder(folder: Path) -> Kind:
    if (folder / "adapter_config.json").exists():
        return "module"
    if is_project(folder):
        return "text"
    names = [child.name.lower() for child in folder.iterdir()]
    if "config.json" in names or any(name.endswith(MODELS) for name in names):
        return "model"
    holds_texts = any(map(is_book_name, names)) or any(child.is_dir() for child in folder.iterdir())
    return "text" if holds_texts else "nothing"


def _kind_of_file(path: Path) -> Kind:
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"GGUF") or suffix in MODELS:
        return "model"
    folder = path.parent
    weights = suffix in (".safetensors", ".bin", ".index.json") and (folder / "config.json").exists()
    if weights and not (folder / "adapter_config.json").exists():
        return "model"
    if is_book_name(path.name):
        return "text"
    from kobold_modules.formats import sniff

    try:
        sniff(path)
        return "module"
    except KoboldModulesError:
        return "story" if suffix in STORIES else "module" if suffix in (".zip", ".safetensors", ".pt") else "nothing"


def model_of(path: Path) -> Path:
    """Return what a Models job calls the model at ``path``: weights of a Hugging Face folder stand for the folder."""
    return path.parent if path.is_file() and path.suffix.lower() not in MODELS and _loose(path) else path


def _loose(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) != b"GGUF"


def dropped_paths(text: str) -> list[Path]:
    """Return the files that ``text`` names, if that is all it does; else nothing: then it is text, not files."""
    text = text.strip()
    if not text or len(text) > LONGEST:
        return []
    for spelling in (_lines(text), _words(text)):
        paths = [_path(word) for word in spelling]
        if paths and all(_there(path) for path in paths):
            return paths
    return []


def one_path(answer: str) -> Path:
    """Return the path a person typed or pasted into a field, whether it is there or not."""
    found = dropped_paths(answer)
    return found[0] if len(found) == 1 else _path(answer.strip().strip("'\""))


def _lines(text: str) -> list[str]:
    return [line.strip().strip("'\"") for line in text.splitlines() if line.strip()]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return []


def _path(word: str) -> Path:
    if word.startswith("file://"):
        return Path(unquote(urlsplit(word).path))
    try:
        return Path(word).expanduser()
    except RuntimeError:  # ~somebody who is not here
        return Path(word)


def _there(path: Path) -> bool:
    try:
        return path.is_absolute() and path.exists()
    except (OSError, ValueError):
        return False
