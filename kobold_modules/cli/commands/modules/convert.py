"""``convert``: files and folders of old soft prompts into one format, with a report. The library is left alone."""

from __future__ import annotations

import argparse
from pathlib import Path

from ....disk.files import check_target
from ....disk.free_name import free_name
from ....errors import BadUsage, KoboldModulesError
from ....formats import SUFFIXES, describe_lost, read_found, write
from ....formats.check import NAMES
from ....formats.programs import FORMAT_OF, warnings_for
from ....library.importing import files_in
from ....library.slug import slug_of
from ....soft_prompt.deep_prefix import AnyModule, with_rows
from ...output import Output


def convert(arguments: argparse.Namespace, output: Output) -> int:
    """Write each module that is found to ``--out``. The exit code is that of the first that could not be read."""
    format = format_of(arguments, output)
    if format == "llama-lora":
        raise BadUsage(
            "An adapter for koboldcpp is written for one model file, so it is not a thing to convert to.",
            "Import them, then `kobold-modules export MODULE --for koboldcpp --model MODEL.gguf --out FILE.gguf`.",
        )
    folder = Path(arguments.out).expanduser()
    if folder.exists() and not folder.is_dir():
        raise BadUsage(f"{folder} is not a folder.", "--out names the folder that the files go into.")
    files: list[Path] = []
    failed: list[KoboldModulesError] = []
    for given in arguments.files:
        try:
            files += files_in(Path(given).expanduser())
        except KoboldModulesError as error:
            failed.append(error)
            output.failed(error)
    taken: set[str] = set()
    done = 0
    for file in files:
        try:
            target = _convert(file, folder, format, taken, arguments, output)
            done += 1
        except KoboldModulesError as error:
            failed.append(error)
            output.object(file=str(file), path=None, error=error.message, hint=error.hint)
            output.data(f"✗ {file.name}: {error.message}" + (f" {error.hint}" if error.hint else ""))
            continue
        taken.add(target.stem)
    output.say(f"{done} converted to {format}" + (f", {len(failed)} not." if failed else "."))
    return failed[0].exit_code if failed else 0


def _convert(
    file: Path, folder: Path, format: str, taken: set[str], arguments: argparse.Namespace, output: Output
) -> Path:
    found = read_found(file, arguments.width)
    module = found.module
    stem = free_name(slug_of(module.card.name, any_script=True), lambda name: name in taken, "-")
    target = folder / f"{stem}{suffix_of(format)}"
    write_as(module, target, format, replace=arguments.replace)
    output.object(
        file=str(file),
        path=str(target),
        was=found.format,
        name=module.card.name,
        tokens=module.tokens,
        width=module.width,
        notes=list(found.notes),
    )
    what = NAMES.get(found.format, f"{found.format} file")
    output.data(f"✓ {file.name}: a {what}, {module.tokens} virtual tokens, {module.width} wide, is now {target}.")
    for note in found.notes:
        output.data(f"    put right: {note}")
    for lost in [describe_lost(module, format), *warnings_for(module, arguments.program or "")]:
        if lost:
            output.data(f"    {lost}")
    return target


def format_of(arguments: argparse.Namespace, output: Output) -> str:
    """Return the format that ``--to`` or ``--format`` names, or that ``--for`` decides. Raises BadUsage for two."""
    named: str | None = arguments.format
    program = arguments.program
    decided = FORMAT_OF.get(program) if program else None
    if named and decided and named != decided:
        raise BadUsage(f"{program} reads the format {decided}, not {named}.", "Leave one of the two options out.")
    return decided or named or "kobold"


def suffix_of(format: str) -> str:
    """Return the ending of a format's files; nothing for a folder."""
    suffixes: dict[str, str] = {"prompt-embeds": ".json", "llama-lora": ".gguf"}
    suffixes.update({name: suffix for name, suffix in SUFFIXES.items()})
    return suffixes[format]


def write_as(module: AnyModule, target: Path, format: str, *, replace: bool) -> None:
    """Write one module. Raises BadUsage where something is there already that nobody said to replace."""
    if suffix_of(format):
        check_target(target, suffix_of(format), replace=replace)
    if format == "prompt-embeds":
        from ....formats import prompt_embeds

        for beside in (target.with_suffix(".jinja"), target.with_suffix(".txt")):
            check_target(beside, replace=replace)
        prompt_embeds.write([with_rows(module)], target)
    else:
        write(module, target, format, replace=replace)
