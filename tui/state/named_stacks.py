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
from kobold_modules.library.stack_file import StackEntry, StackFile

from .app_state import STRONGEST, WEAKEST, AppState, Picks
from .phrases import counted


async def keep(app_state: AppState, name: str, *, replace: bool = True) -> str:
    """Write the stack in use down as ``name``; returns a sentence. Raises KoboldModulesError."""
    picks = app_state.picks

    def write() -> None:
        modules = tuple(
            StackEntry(pick.entry.name, _digest(app_state.library, pick.entry), pick.strength, pick.on)
            for pick in picks.items
        )
        stack_file.keep(StackFile(name, modules), replace=replace)

    await asyncio.to_thread(write)
    return f"Stack saved as {name}: {counted(len(picks.items), 'module')}."


async def bring(app_state: AppState, name: str) -> tuple[str, bool]:
    """Put the stack called ``name`` into use; a sentence, and whether all of it is as it was. Raises BadInput."""
    path = stack_file.named(name)
    if path is None:
        raise BadInput(f"There is no stack called {name}.")
    kept = stack_file.read(path)
    by_name = {key_of(entry.name): entry for entry in app_state.entries if not entry.problem}
    picks, missing, others = Picks(), [], []
    for item in kept.modules:
        entry = by_name.get(key_of(item.name))
        if entry is None:
            missing.append(item.name)
            continue
        if picks.index(entry) is None:
            picks = picks.add(entry, min(STRONGEST, max(WEAKEST, item.strength)), item.on)
        if item.digest and await asyncio.to_thread(_digest, app_state.library, entry) not in ("", item.digest):
            others.append(item.name)
    app_state.picks = picks
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
