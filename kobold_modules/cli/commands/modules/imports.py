"""``import``: module files, folders of them, into the library; one that fails does not keep the others out."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from ....errors import BadUsage, KoboldModulesError
from ....library.importing import Imported, bring_in, files_in
from ....library.library import Library
from ....library.names import checked_name
from ...output import Output


def import_(arguments: argparse.Namespace, output: Output) -> int:
    """Import every FILE. The exit code is 0 where each is in the library now, else that of the first that failed."""
    found: list[Imported] = []
    files: list[Path] = []
    for given in arguments.files:
        try:
            files += files_in(Path(given).expanduser())
        except KoboldModulesError as error:
            found.append(Imported(Path(given), "failed", error=error))
    if arguments.name is not None:
        checked_name(arguments.name)
        if len(files) + len(found) > 1:
            raise BadUsage("--name is for one file, and these are several.", "Leave it out, or import them one by one.")
    alone = len(files) + len(found) == 1
    if alone and found:
        assert found[0].error is not None
        raise found[0].error
    for failed in found:
        _tell(failed, output)
    library = Library()
    for file in files:
        imported = bring_in(library, file, name=arguments.name or "", replace=arguments.replace, width=arguments.width)
        if alone and imported.error is not None:
            raise imported.error
        _tell(imported, output)
        found.append(imported)
    library.keep_index()
    if not alone:
        output.say(_summary(found))
    return next((one.error.exit_code for one in found if one.error is not None), 0)


def _tell(one: Imported, output: Output) -> None:
    output.object(
        outcome=one.outcome,
        file=str(one.path),
        notes=list(one.notes),
        **(
            {"name": one.entry.name, "path": str(one.entry.path), "tokens": one.entry.tokens, "width": one.entry.width}
            if one.entry is not None
            else {"error": one.error.message, "hint": one.error.hint}
            if one.error is not None
            else {}
        ),
    )
    if one.error is not None:
        output.say(f"error: {one.error.message} {one.error.hint}".rstrip())
        return
    assert one.entry is not None
    name, size = one.entry.name, f"{one.entry.tokens} virtual tokens, {one.entry.width} wide"
    if one.outcome == "already there":
        output.data(f"{name}: {one.path.name} is in the library already.")
    elif one.outcome == "replaced":
        output.data(f"{name}: {size}, in the place of the module that had this name.")
    else:
        output.data(f"{name}: {size}, now in the library.")
    if one.notes:
        output.say(f"  Put right: {'; '.join(one.notes)}.")
    if one.wanted:
        output.say(
            f"  Another module is called {one.wanted}; this one is {name}. "
            "--replace takes its place, --name gives another name."
        )


def _summary(found: list[Imported]) -> str:
    """Return ``3 imported, 1 already there, 2 failed``."""
    counts = Counter(one.outcome for one in found)
    said = [f"{counts[what]} {what}" for what in ("imported", "replaced", "already there", "failed") if counts[what]]
    return ", ".join(said) + "."
