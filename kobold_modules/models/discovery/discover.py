"""The models on this disk, whoever put them there, with what their headers say.

Folders may be huge, unreadable, or links to themselves; files may be damaged or hostile. Whatever is odd is noted and
passed by, and the search has limits. What was read of a file is kept until its size or date changes, so that the
second look costs a walk through the folders and nothing else.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from ... import paths
from ...disk.stamp import file_stamps
from ...errors import NoModel
from ...soft_prompt.fingerprint import Fingerprint, Fit
from ..facts import Facts
from ..gguf_parts import PART, whole_models
from ..hub.cache import hub_caches, snapshots
from ..reference import ModelFile
from ..smollm2 import NAME as SMOLLM2
from ..smollm2 import OFFER, smollm2_path
from ..starter import starter_path
from ..usability.folder_faults import no_folder, weight_files
from ..usability.not_a_model import piece, unfinished
from .places import folders, koboldcpp, named_by_kcpps, ollama


CACHE_VERSION = 3
_JUDGES = ("kobold-modules", "llama-cpp-python", "transformers", "sentencepiece")  # what a verdict depends on
DEEPEST, MOST_ENTRIES = 8, 200_000
_KEPT = {field.name for field in fields(Facts)}


@dataclass(frozen=True, slots=True)
class Survey:
    """What a search found.

    Attributes:
        models: every model, once.
        left_out: files that are none, each with a reason.
        notes: sentences for the person on folders that could not be read and downloads that were not finished.
        offer: says that smollm2 can be fetched, where it was searched for and is not there.
    """

    models: tuple[ModelFile, ...]
    left_out: tuple[tuple[Path, str], ...] = ()
    notes: tuple[str, ...] = ()
    offer: str = ""


def discover(
    named: Sequence[Path] = (), *, only: bool = False, cancelled: Callable[[], bool] = lambda: False
) -> Survey:
    """Search the usual places and ``named`` (folders, model files or .kcpps files); ``only`` those, if it says so.

    The starter stands first, then smollm2, then by name. Never raises for what it meets on the disk.
    """
    search = _Search(cancelled)
    for path in named:
        search.person_named(path.expanduser())
    if not only:
        if starter_path().exists():
            search.add(ModelFile("starter", starter_path(), "gguf", "starter", "this program"))
        if smollm2 := smollm2_path():
            search.add(ModelFile(SMOLLM2, smollm2, "gguf", SMOLLM2, "this program"))
        search.folder(paths.models_dir(), "this program")
        for cache in hub_caches():
            search.hub(cache)
        for program in (ollama(), koboldcpp()):
            for model, by in program:
                search.named(model, by)
        for place in folders():
            search.folder(place.folder, place.label)
    search.kept.save()
    own = {"starter": 0, SMOLLM2: 1}
    models = sorted(search.models, key=lambda found: (own.get(found.typed, 2), found.name.lower(), str(found.path)))
    offer = "" if only or any(found.typed == SMOLLM2 for found in models) else OFFER
    return Survey(tuple(models), tuple(search.left_out), tuple(search.notes), offer)


def called(name: str) -> ModelFile | None:
    """Return the model that a search lists under ``name``, or None. A name that two models share is nobody's."""
    found = [model for model in discover().models if model.name.lower() == name.lower() and not model.problem]
    return found[0] if len(found) == 1 else None


def with_table_of(fingerprint: Fingerprint) -> ModelFile | None:
    """Return the first model a search finds whose embedding table has this fingerprint, whatever it is called."""
    size = fingerprint.width, fingerprint.vocabulary
    for model in discover().models:
        if model.problem or (model.facts.width, model.facts.vocabulary) != size:
            continue
        with contextlib.suppress(NoModel):
            if fingerprint.fit(model.fingerprint) is Fit.SAME:
                return model
    return None


class _Search:
    """One search: where it has been, and what it found."""

    def __init__(self, cancelled: Callable[[], bool]) -> None:
        self._cancelled = cancelled
        self._files: set[tuple[int, int]] = set()
        self._folders: set[tuple[int, int]] = set()
        self._entries = 0
        self.kept = _Kept()
        self.models: list[ModelFile] = []
        self.left_out: list[tuple[Path, str]] = []
        self.notes: list[str] = []

    def person_named(self, path: Path) -> None:
        if path.suffix.lower() == ".kcpps":
            for model, by in named_by_kcpps(path):
                self.named(model, by)
        elif path.is_file():
            self.add(ModelFile(path.stem, path, "gguf", place="named"))
        elif path.is_dir():
            self.folder(path, "folder")
        else:
            self.notes.append(f"There is nothing at {path}.")

    def named(self, model: ModelFile, by: Path) -> None:
        """Take in a model that another program's file ``by`` names."""
        if model.path.is_file():
            self.add(model)
        elif model.path.is_dir():
            self.folder(model.path, model.place)
        else:
            self.notes.append(f"{by.name} names a model that is not there: {model.path}.")

    def hub(self, cache: Path) -> None:
        """Search a hub cache: the current version of every repository."""
        for repository in self._sorted(cache):
            if not repository.name.startswith("models--") or not repository.is_dir():
                continue
            name = repository.name.removeprefix("models--").replace("--", "/")
            for snapshot in snapshots(repository)[:1]:
                if not self._is_new(snapshot, self._folders):
                    continue
                if (snapshot / "config.json").exists() and weight_files(snapshot):
                    self.add(ModelFile(name, snapshot, "hf", place="Hugging Face"))
                self._walk(snapshot, "Hugging Face", DEEPEST, ggufs_only=True)
            if list((repository / "blobs").glob("*.incomplete")):
                self.notes.append(
                    f"A download of {name} was not finished; `kobold-modules models --download {name}` goes on with it."
                )

    def folder(self, folder: Path, label: str) -> None:
        if self._is_new(folder, self._folders):
            self._walk(folder, label, DEEPEST)

    def _walk(self, folder: Path, label: str, depth: int, ggufs_only: bool = False) -> None:
        entries = self._sorted(folder)
        files = {entry.name for entry in entries}
        for file in whole_models(entry for entry in entries if entry.suffix.lower() == ".gguf"):
            self.add(ModelFile(_stem(file), file, "gguf", place=label))
        for entry in entries:
            if entry.name.startswith("mmproj") and entry.suffix.lower() == ".gguf":
                self.left_out.append((entry, "a projector: the part of another model that reads pictures or sound"))
            elif (named := _rest_of_gguf(entry)) is not None:
                self.left_out.append((entry, _reason(named, entry)))
        if not ggufs_only and "config.json" in files and "model_index.json" not in files and weight_files(folder):
            self.add(ModelFile(folder.name, folder, "hf", place=label))
        elif not ggufs_only and files & {"adapter_config.json", "config.json", "model_index.json"}:
            named = no_folder(folder)
            if "without a model" not in named.message and not any(name.endswith(".gguf") for name in files):
                self.left_out.append((folder, _reason(named, folder)))
        if depth > 1:
            for entry in entries:
                if entry.is_dir() and not entry.name.startswith(".") and self._is_new(entry, self._folders):
                    self._walk(entry, label, depth - 1, ggufs_only)

    def add(self, model: ModelFile) -> None:
        """Read the header of ``model`` and take it in, once however many ways lead to it."""
        if self._cancelled() or not self._is_new(model.path, self._files):
            return
        try:
            facts = self.kept.facts(model)
        except NoModel as error:
            self.models.append(replace(model, problem=_short(error, model.path)))
            return
        if facts.left_out:
            self.left_out.append((model.path, facts.left_out))
        else:
            self.models.append(replace(model, known=facts))

    def _is_new(self, path: Path, seen: set[tuple[int, int]]) -> bool:
        """Return whether ``path`` is met for the first time, however it is spelled and whatever links lead there."""
        try:
            status = path.stat()
        except OSError:
            return False
        where = (status.st_dev, status.st_ino or hash(os.path.realpath(path)))
        if where in seen:
            return False
        seen.add(where)
        return True

    def _sorted(self, folder: Path) -> list[Path]:
        if self._cancelled():
            return []
        try:
            entries = sorted(Path(entry.path) for entry in os.scandir(folder))
        except FileNotFoundError:
            return []
        except OSError as error:
            self.notes.append(f"{folder} cannot be looked into: {error.strerror or error}.")
            return []
        self._entries += len(entries)
        if self._entries > MOST_ENTRIES:
            if self._entries - len(entries) <= MOST_ENTRIES:
                self.notes.append(f"There are very many files; the search ended in {folder}. Name a folder closer by.")
            return []
        return entries


def _stem(file: Path) -> str:
    part = PART.match(file.name)
    return part["stem"] if part is not None else file.stem


def _rest_of_gguf(entry: Path) -> NoModel | None:
    """Return what to say about a piece of a GGUF file, or about one that has not arrived whole."""
    if "gguf" not in entry.name.lower() or entry.suffix.lower() == ".gguf" or not entry.is_file():
        return None
    return piece(entry) or unfinished(entry)


def _reason(error: NoModel, path: Path) -> str:
    """Return why ``path`` is no model, as the end of "left out": what it is, without its name in front."""
    return error.message.removeprefix(str(path)).strip().removeprefix("is ").rstrip(".")


def _short(error: NoModel, path: Path) -> str:
    """Return the sentence without the path, which stands beside it anyway."""
    said = error.message.removeprefix(str(path)).strip()
    return f"It {said}" if said[:3] in ("is ", "has", "can", "hol", "kee") else said


class _Kept:
    """What earlier searches read, by path, as long as size and date are the same."""

    def __init__(self) -> None:
        self._file = paths.cache_dir() / "models.json"
        self._before = self._load()
        self._now: dict[str, dict[str, Any]] = {}

    def _load(self) -> dict[str, Any]:
        try:
            data = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(data, dict) or data.get("version") != _version():
            return {}
        files = data.get("files")
        return files if isinstance(files, dict) else {}

    def facts(self, model: ModelFile) -> Facts:
        """Return the facts of a model, read only where they are not known. Raises NoModel where it is damaged."""
        stamp = _stamps(model.parts if model.kind == "gguf" else _of_folder(model.path))
        key = str(model.path)
        kept = self._before.get(key)
        if isinstance(kept, dict) and kept.get("stamp") == stamp and (facts := _facts(kept.get("facts"))) is not None:
            self._now[key] = kept
            return facts
        self._now[key] = {"stamp": stamp, "facts": asdict(model.facts)}
        return model.facts

    def save(self) -> None:
        """Keep what is known, also of files that this search did not come by. A disk that is full forgets."""
        files = {key: value for key, value in self._before.items() if key not in self._now and os.path.exists(key)}
        files |= self._now
        if files != self._before:
            text = json.dumps({"version": _version(), "files": files}, ensure_ascii=False, separators=(",", ":"))
            with contextlib.suppress(OSError):
                paths.write_atomically(self._file, text.encode("utf-8", "surrogatepass"))


def _version() -> list[object]:
    """Return the version of what is kept: another release of a library may know more architectures."""
    found: list[object] = [CACHE_VERSION]
    for name in _JUDGES:
        try:
            found.append(importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            found.append("")
    return found


def _of_folder(folder: Path) -> Iterator[Path]:
    kinds = ("*.safetensors", "*.json", "tokenizer.model", "merges.txt", "vocab.txt")
    yield from sorted(file for kind in kinds for file in folder.glob(kind))


def _stamps(files: Iterable[Path]) -> list[list[int]]:
    try:
        return [list(stamp) for stamp in file_stamps(files)]  # as JSON gives them back
    except OSError as error:
        raise NoModel(f"{error.filename} cannot be read: {error.strerror or error}.") from error


def _facts(data: Any) -> Facts | None:
    """Return facts out of the cache; None where another program wrote there."""
    if not isinstance(data, dict) or not set(data) <= _KEPT or "architecture" not in data:
        return None
    for field in fields(Facts):
        wanted = int if field.type == "int" else str
        if field.name in data and type(data[field.name]) is not wanted:
            return None
    return Facts(**data)
