"""``doctor``: what of this installation works on this machine, each native part tried in a child of its own."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ... import paths, supervised
from ...byte_size import byte_size
from ...exit_status import explain
from ...records import Progress
from ..output import Output


ILL = 5


def doctor(arguments: argparse.Namespace, output: Output) -> int:
    """Try every part once, and report each as it is found. Exit code 5 if one does not work."""
    well = True
    for finding in _findings(output):
        well &= bool(finding["ok"])
        output.object(**finding)
        output.data(f"{'✓' if finding['ok'] else '✗'} {finding['what']:<15} {finding['text']}")
    return 0 if well else ILL


def _findings(output: Output) -> Iterator[dict[str, Any]]:
    yield _tried("python", platform.python_version)
    for name in ("torch", "transformers", "textual"):
        yield _tried(name, lambda name=name: importlib.metadata.version(name))  # type: ignore[misc]
    yield _tried("library folder", _try_folder)
    yield _tried("free disk", lambda: byte_size(shutil.disk_usage(_existing(paths.modules_dir())).free))
    for check, what in (
        ("processor", "processor"),
        ("llama", "llama.cpp"),
        ("training", "training"),
        ("weights", "weights"),
    ):
        if not output.json:
            output.show(Progress(f"trying {what}", 0, 1))
        yield from _in_child(check, what)


def _in_child(check: str, what: str) -> Iterator[dict[str, Any]]:
    """Run ``doctor_checks`` in a child and report what it finds, or how it died."""
    command, environment = (
        supervised.python("kobold_modules.cli.commands.doctor_checks", check),
        supervised.environment(),
    )
    null = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=null, stdout=subprocess.PIPE, stderr=null, env=environment) as child:
        assert child.stdout is not None
        try:
            for line in child.stdout:
                if line.startswith(b"{"):
                    yield json.loads(line)
        except GeneratorExit:
            child.kill()
            raise
    if child.returncode:
        yield {"what": what, "ok": False, "text": explain(child.returncode).message}


def _tried(what: str, probe: Callable[[], object]) -> dict[str, Any]:
    try:
        return {"what": what, "ok": True, "text": str(probe())}
    except Exception as error:  # a doctor reports every illness it meets
        return {"what": what, "ok": False, "text": f"{type(error).__name__}: {error}"}


def _try_folder() -> str:
    folder = paths.made(paths.modules_dir())
    probe = folder / f".doctor-{os.getpid()}"
    paths.write_atomically(probe, b"")
    probe.unlink()
    return str(folder)


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
