"""A stack as a small text file: to keep, to name, and to hand to somebody who has the same modules.

TOML, so that it can be read and edited by hand; one table a module, in the order they stand before the text::

    name = "rain over the docks"

    [[module]]
    name = "noir"
    digest = "9f2c..."
    strength = 0.5
    on = true

No vectors travel in it. ``digest`` is that of the module's vectors: it finds a module that was renamed, and tells when
one of the same name is another. Named stacks live in the stacks folder, ``<slug>.stack.toml``.
"""

from __future__ import annotations

import contextlib
import math
import os
from dataclasses import dataclass
from pathlib import Path

from .. import paths
from ..disk.files import write_file, writing
from ..disk.free_name import free_name
from ..disk.toml_file import parse_toml
from ..errors import BadInput, BadModule, BadUsage
from ..soft_prompt.deep_prefix import AnyModule
from ..soft_prompt.layer import Layer
from ..soft_prompt.stack import Stack
from .library import Library
from .slug import key_of, slug_of


SUFFIX = ".stack.toml"
MOST_BYTES = 1 << 18
MOST_MODULES = 64
FURTHEST = 4.0  # strengths from -4 to 4
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class ModuleId:
    """A module by name and by the digest of its vectors (empty: any module of that name)."""

    name: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class StackFile:
    """A named stack without its vectors."""

    name: str
    layers: tuple[Layer[ModuleId], ...] = ()

    @classmethod
    def of(cls, name: str, stack: Stack) -> StackFile:
        """Return what to write down of ``stack``."""
        return cls(
            name,
            tuple(layer.with_module(ModuleId(layer.module.name, layer.module.digest)) for layer in stack.layers),
        )

    def to_text(self) -> str:
        """Write TOML; :func:`parse` reads it back."""
        import tomlkit

        document = tomlkit.document()
        document.add(tomlkit.comment("A stack for kobold-modules: modules in the order they stand before the text."))
        document.add("format", tomlkit.item(_FORMAT))
        document.add("name", tomlkit.string(_whole(self.name)))
        if self.layers:
            document.add("module", tomlkit.item([_table(layer) for layer in self.layers]))
        return tomlkit.dumps(document)


def parse(text: str, where: str) -> StackFile:
    """Parse the stack in ``text``. Raises BadInput, which names the file as ``where``, for anything that is none."""
    data = parse_toml(text, where)
    try:
        tables = data.get("module", [])
        if int(data.get("format", _FORMAT)) > _FORMAT:
            raise BadInput(f"{where} was written by a newer version.", "Update kobold-modules.")
        if not isinstance(tables, list) or len(tables) > MOST_MODULES:
            raise ValueError(f"a stack has at most {MOST_MODULES} modules")
        return StackFile(_text(data.get("name", "")), tuple(_layer(table) for table in tables))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInput(f"{where} is no stack: {error}.", "A stack file lists modules as [[module]] tables.") from error


def read(path: Path) -> StackFile:
    """Read the stack in the file ``path``. Raises BadInput."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput(f"{path} is too large for a stack.")
        return parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The stack {path} cannot be read: {error}.") from error


def write(stack: StackFile, path: Path) -> None:
    """Write ``stack`` to ``path``, atomically. Raises OutOfDisk or BadUsage."""
    write_file(path, stack.to_text().encode("utf-8", "replace"))


def is_stack_file(path: Path) -> bool:
    """Return whether ``path`` is a file that says it is a stack."""
    return path.name.endswith(SUFFIX) and path.is_file()


# -- the named ones --


def named(name: str) -> Path | None:
    """Return the file of the stack called ``name`` (case does not matter) in the stacks folder, or None."""
    for path in _files():
        with contextlib.suppress(BadInput):
            if key_of(read(path).name) == key_of(name):
                return path
    return None


def names() -> list[str]:
    """Return the names of the kept stacks, sorted; unreadable ones are passed over."""
    found = []
    for path in _files():
        with contextlib.suppress(BadInput):
            found.append(read(path).name)
    return sorted(found, key=key_of)


def keep(stack: StackFile, *, replace: bool = False) -> Path:
    """Put ``stack`` among the named ones. Raises BadUsage for a name that is empty or taken."""
    if not stack.name.strip():
        raise BadUsage("A stack needs a name to be kept.")
    taken = named(stack.name)
    if taken is not None and not replace:
        raise BadUsage(f"There is a stack called {stack.name} already.", "Take another name, or replace it.")
    path = taken or _free(slug_of(stack.name))
    write(stack, path)
    return path


def remove(name: str) -> None:
    """Delete the stack called ``name``; its modules stay. Raises BadInput if there is none, BadUsage."""
    path = named(name)
    if path is None:
        raise BadInput(f"There is no stack called {name}.", _known())
    with writing(path):
        path.unlink()


# -- from names to modules --


def gather(stack: StackFile, library: Library | None = None) -> tuple[Stack, list[str]]:
    """Return the stack with its modules from the library, and a warning for each module that is not the same.

    Raises:
        BadModule: a module is not in the library.
    """
    library = library or Library()
    warnings: list[str] = []
    layers = tuple(layer.with_module(_find(layer.module, stack.name, library, warnings)) for layer in stack.layers)
    return Stack(layers), warnings


def _find(wanted: ModuleId, stack: str, library: Library, warnings: list[str]) -> AnyModule:
    module = None
    with contextlib.suppress(BadModule):
        module = library.load(library.entry(wanted.name))  # by name only: a stranger's file must open no others
        if not wanted.digest or module.digest == wanted.digest:
            return module
    if wanted.digest:
        for other in library.listing():
            with contextlib.suppress(BadModule):
                renamed = library.load(other)
                if renamed.digest == wanted.digest:
                    return renamed
    if module is None:
        raise BadModule(
            f"The stack {stack or 'file'} needs the module {wanted.name}, which is not in your library.",
            f"Ask for {wanted.name} where the stack comes from and import it, or remove it from the stack.",
        )
    warnings.append(
        f"Your {wanted.name} is not the module that the stack {stack} was made with; it may read otherwise."
    )
    return module


def _layer(table: dict[str, object]) -> Layer[ModuleId]:
    strength, on = table.get("strength", 1.0), table.get("on", True)
    if isinstance(strength, bool) or not isinstance(strength, int | float) or not isinstance(on, bool):
        raise ValueError("a strength is a number and on is true or false")
    if not math.isfinite(strength) or abs(strength) > FURTHEST:
        raise ValueError(f"a strength of {strength:g} is too far out")
    name = _text(table["name"])
    if not name.strip():
        raise ValueError("a module in it has no name")
    return Layer(ModuleId(name, _text(table.get("digest", ""))), float(strength), on)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} should be text")
    return value


def _table(layer: Layer[ModuleId]) -> dict[str, object]:
    module = layer.module
    digest = {"digest": _whole(module.digest)} if module.digest else {}
    return {"name": _whole(module.name), **digest, "strength": float(layer.strength), "on": layer.on}


def _whole(text: str) -> str:
    """Return ``text`` without half letters, which no UTF-8 file can hold."""
    return text.encode("utf-8", "replace").decode()


def _files() -> list[Path]:
    folder = paths.stacks_dir()
    if not folder.is_dir():
        return []
    return [Path(item.path) for item in sorted(os.scandir(folder), key=lambda i: i.name) if item.name.endswith(SUFFIX)]


def _free(slug: str) -> Path:
    folder = paths.stacks_dir()
    return folder / f"{free_name(slug, lambda name: (folder / f'{name}{SUFFIX}').exists(), '-')}{SUFFIX}"


def _known() -> str:
    kept = names()
    return f"Kept stacks: {', '.join(kept)}." if kept else "None are kept yet."
