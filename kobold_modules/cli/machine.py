"""The verbs about this machine: where, doctor."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import shutil
from pathlib import Path

from .. import paths
from ..byte_size import byte_size
from ..journal import journal_file
from ..models.find import resolve
from .output import Output, table


def where(arguments: argparse.Namespace, output: Output) -> int:
    places = {
        "modules": paths.modules_dir(),
        "stories": paths.stories_dir(),
        "stacks": paths.stacks_dir(),
        "models": paths.models_dir(),
        "trainings": paths.trainings_dir(),
        "cache": paths.cache_dir(),
        "logs": paths.logs_dir(),
        "journal": journal_file(),
        "config": paths.config_file(),
    }
    output.object(**{name: str(path) for name, path in places.items()})
    output.data(table([(name, str(path)) for name, path in places.items()], ("what", "where")))
    return 0


def doctor(arguments: argparse.Namespace, output: Output) -> int:
    """Load every part once. Exit code 5 if one is broken."""
    findings = [
        _tried("python", platform.python_version),
        *(
            _tried(name, lambda name=name: importlib.metadata.version(name))
            for name in ("torch", "transformers", "textual")
        ),
        _tried("llama.cpp", _try_llama),
        _tried("training", _try_training),
        _tried("library folder", _try_folder),
        _tried("free disk", lambda: byte_size(shutil.disk_usage(_existing(paths.modules_dir())).free)),
        _tried(
            "processors",
            lambda: str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        ),
    ]
    for what, well, text in findings:
        output.object(what=what, ok=well, text=text)
        output.data(f"{'✓' if well else '✗'} {what:<15} {text}")
    return 0 if all(well for _, well, _ in findings) else 5


def _tried(what: str, probe: object) -> tuple[str, bool, str]:
    try:
        return what, True, str(probe())  # type: ignore[operator]
    except Exception as error:  # a doctor reports every illness it meets
        return what, False, f"{type(error).__name__}: {error}"


def _try_llama() -> str:
    from ..engines.base import Request
    from ..engines.llama import LlamaEngine
    from ..sampling import PRESETS

    version = importlib.metadata.version("llama-cpp-python")
    with LlamaEngine(resolve("starter").path) as engine:
        text = "".join(
            getattr(r, "text", "")
            for r in engine.generate(Request("It was", max_tokens=6, sampler=PRESETS["deterministic"]))
        )
    return f"{version} writes: It was{text} ..."


def _try_training() -> str:
    import torch

    from ..models.prompt_loss import PromptLoss
    from ..models.torch_model import load_torch_model

    frozen = load_torch_model(resolve("starter"))
    loss = PromptLoss(frozen)
    prompt = frozen.table[:4].float().clone().requires_grad_(True)
    loss(prompt, torch.arange(32, device=frozen.device)[None]).backward()
    assert prompt.grad is not None
    return f"gradients flow on {frozen.device}" + ("" if loss.shares else " (slow path)")


def _try_folder() -> str:
    folder = paths.made(paths.modules_dir())
    probe = folder / ".doctor"
    paths.write_atomically(probe, b"")
    probe.unlink()
    return str(folder)


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
