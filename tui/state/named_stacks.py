"""Stacks kept by name: the stack in use written down, and one that was written down brought back.

The library entries know no vectors, and the screen's process reads none; a digest, by which a stack file tells a module
from another of the same name, is therefore worked out beside the screen.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from kobold_modules.errors import BadInput, KoboldModulesError
from kobold_modules.library import stack_file
from kobold_modules.library.library import Entry, Library
from kobold_modules.library.slug import key_of
from kobold_modules.library.stack_file import ModuleId, StackFile

from .app_state import AppState
from .entry_stack import STRONGEST, WEAKEST, EntryStack
from .phrases import counted


async def keep(app_state: AppState, name: str, *, replace: bool = True) -> str:
    """Write the stack in use down as ``name``; returns a sentence. Raises KoboldModulesError."""
    stack = app_state.stack

    def write() -> None:
        layers = tuple(
            layer.with_module(ModuleId(layer.module.name, _digest(app_state.library, layer.module)))
            for layer in stack.layers
        )
        stack_file.keep(StackFile(name, layers), replace=replace)

    await asyncio.to_thread(write)
    return f"Stack saved as {name}: {counted(len(stack.layers), 'module')}."


async def bring(app_state: AppState, name: str) -> tuple[str, bool]:
    """Put the stack called ``name`` into use; a sentence, and whether all of it is as it was. Raises BadInput."""
    path = stack_file.named(name)
    if path is None:
        raise BadInput(f"There is no stack called {name}.")
    kept = stack_file.read(path)
    by_name = {key_of(entry.name): entry for entry in app_state.entries if not entry.problem}
    stack, missing, others = EntryStack(), [], []
    for layer in kept.layers:
        wanted = layer.module
        entry = by_name.get(key_of(wanted.name))
        if entry is None:
            missing.append(wanted.name)
            continue
        if stack.index(entry) is None:
            stack = stack.add(entry, min(STRONGEST, max(WEAKEST, layer.strength)), layer.on)
        if wanted.digest and await asyncio.to_thread(_digest, app_state.library, entry) not in ("", wanted.digest):
            others.append(wanted.name)
    app_state.stack = stack
    said = f"Stack {kept.name} loaded."
    if missing:
        said = f"Stack {kept.name} also needs {' and '.join(missing)}, not in your library."
    elif others:
        said = f"Stack {kept.name} was saved with a different version of {' and '.join(others)}."
    return said, not missing and not others


def _digest(library: Library, entry: Entry) -> str:
    """Return the digest of a module's vectors; empty where they cannot be read."""
    with suppress(KoboldModulesError):
        return library.load(entry).digest
    return ""
