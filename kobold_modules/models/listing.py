"""Models as a Models job answers them, ``models --json`` prints them and the screen shows them."""

from __future__ import annotations

from ..answers import ListedModel, MemoryHere, ModelsFound
from .capacity import can_train, can_write
from .discovery.discover import Survey
from .reference import ModelFile
from .system_memory import SystemMemory


def listed(found: ModelFile, here: SystemMemory) -> ListedModel:
    """Return ``found`` with what it can do in ``here``."""
    name, path = found.name, str(found.path)
    if found.problem:
        return ListedModel(
            name=name, model=found.model, path=path, kind=found.kind, place=found.place, problem=found.problem
        )
    facts = found.facts
    return ListedModel(
        name=name,
        model=found.model,
        path=path,
        kind=found.kind,
        place=found.place,
        problem="",
        architecture=facts.architecture,
        weights=facts.weights,
        parameters=facts.parameters,
        context=facts.context,
        width=facts.width,
        layers=facts.layers,
        vocabulary=facts.vocabulary,
        bytes=facts.bytes,
        parts=facts.parts,
        megabytes=round(facts.bytes / 1e6, 1),
        no_modules=facts.no_modules,
        write=can_write(facts, here),
        train=can_train(facts, here),
    )


def answered(survey: Survey, here: SystemMemory) -> ModelsFound:
    """Return a whole search, with the machine's memory."""
    return ModelsFound(
        tuple(listed(found, here) for found in survey.models),
        tuple((str(path), reason) for path, reason in survey.left_out),
        tuple(survey.notes),
        survey.offer,
        MemoryHere(here.total, here.free, tuple((gpu.name, gpu.total, gpu.free) for gpu in here.gpus)),
    )
