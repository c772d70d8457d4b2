"""A model as one flat object: what a Models job answers, ``models --json`` prints and the screen shows."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .capacity import can_train, can_write
from .discovery.discover import Survey
from .reference import ModelFile
from .system_memory import SystemMemory


def listed(found: ModelFile, here: SystemMemory) -> dict[str, Any]:
    """Return ``found`` with what it can do in ``here``.

    ``write`` and ``train`` are ``fit.Verdict``s as objects; a model with a ``problem`` has neither, nor any facts.
    """
    about: dict[str, Any] = {
        "name": found.name,
        "model": found.model,
        "path": str(found.path),
        "kind": found.kind,
        "place": found.place,
        "problem": found.problem,
    }
    if not found.problem:
        facts = found.facts
        about |= {
            "architecture": facts.architecture,
            "weights": facts.weights,
            "parameters": facts.parameters,
            "context": facts.context,
            "width": facts.width,
            "layers": facts.layers,
            "vocabulary": facts.vocabulary,
            "bytes": facts.bytes,
            "parts": facts.parts,
            "megabytes": round(facts.bytes / 1e6, 1),
            "no_modules": facts.no_modules,
            "write": asdict(can_write(facts, here)),
            "train": asdict(can_train(facts, here)),
        }
    return about


def answered(survey: Survey, here: SystemMemory) -> dict[str, Any]:
    """Return a whole search: ``models``, ``left_out``, ``notes``, ``offer`` and the machine's ``memory``."""
    return {
        "models": [listed(found, here) for found in survey.models],
        "left_out": [{"path": str(path), "reason": reason} for path, reason in survey.left_out],
        "notes": list(survey.notes),
        "offer": survey.offer,
        "memory": {"total": here.total, "free": here.free, "gpus": [asdict(gpu) for gpu in here.gpus]},
    }
