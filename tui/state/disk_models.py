"""The models on this disk as the screen shows them: the worker's answer, in a writer's words.

No model is read here. Two small things are remembered between sessions: the usual model, and folders to search too.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from textual.content import Content

from kobold_modules.answers import ListedModel, ModelsFound, Verdict
from kobold_modules.byte_size import byte_size

from .remembered import FOLDERS as FOLDERS
from .remembered import USUAL as USUAL


MARKS: dict[str, tuple[str, str]] = {
    "yes": ("✓ yes", "$text-success"),
    "tight": ("~ tight", "$text-warning"),
    "no": ("✗ no", "$text-error"),
}
OWN, FREE, OTHERS, OVER = "■", "·", "▨", "!"


@dataclass(frozen=True, slots=True)
class DiskModel:
    """One model. ``model`` is what a Load job takes; with a ``problem``, everything after it is empty."""

    name: str
    model: str
    path: str
    place: str
    problem: str = ""
    architecture: str = ""
    weights: str = ""
    parameters: int = 0
    context: int = 0
    bytes: int = 0
    parts: int = 1
    no_modules: str = ""
    write: Verdict | None = None
    train: Verdict | None = None

    @property
    def shape(self) -> str:
        """``7.2B Q4_K_M``."""
        return f"{parameters(self.parameters)} {self.weights}".strip()


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of this machine; ``cards`` are (name, total, free)."""

    total: int = 0
    free: int = 0
    cards: tuple[tuple[str, int, int], ...] = ()

    def total_of(self, where: str) -> int:
        return next((total for name, total, _ in self.cards if name == where), self.total)

    @property
    def sentence(self) -> str:
        """``24.0 of 32.0 GB of memory free``, cards behind it."""
        if not self.total:
            return ""
        cards = "".join(f"; {name}: {byte_size(free)} free" for name, _, free in self.cards)
        return f"{byte_size(self.free)} of {byte_size(self.total)} of memory free{cards}"


@dataclass(frozen=True, slots=True)
class Disk:
    """The answer to a Models job. ``offer``: smollm2 is not on this disk and can be fetched."""

    models: tuple[DiskModel, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    memory: Memory = Memory()
    offer: bool = False


def read_disk(found: ModelsFound) -> Disk:
    """Return what the screen shows of the answer to a Models job."""
    memory = Memory(found.memory.total, found.memory.free, found.memory.cards)
    return Disk(tuple(_model(item) for item in found.models), found.left_out, found.notes, memory, bool(found.offer))


def _model(item: ListedModel) -> DiskModel:
    known = {field.name: getattr(item, field.name) for field in fields(DiskModel)}
    return DiskModel(**{name: value for name, value in known.items() if value is not None})


def about(model: DiskModel) -> str:
    """Return ``7.2 billion parameters as Q4_K_M, 4.4 GB on disk, context 32,768; llama, from LM Studio``."""
    if model.problem:
        return model.problem
    said = [f"{_long(model.parameters)} parameters as {model.weights}" if model.parameters else model.weights]
    said.append(f"{byte_size(model.bytes)} on disk" + (f" in {model.parts} parts" if model.parts > 1 else ""))
    if model.context:
        said.append(f"context {model.context:,}")
    place = {"this program": "included with this program", "folder": "", "named": ""}.get(
        model.place, f"from {model.place}"
    )
    return ", ".join(said) + f"; {model.architecture}" + (f", {place}" if place else "") + "."


def parameters(count: int) -> str:
    """Return ``8.0M`` or ``7.2B``."""
    for unit, size in (("B", 10**9), ("M", 10**6), ("K", 10**3)):
        if count >= size:
            return f"{count / size:.1f}{unit}" if count < 100 * size else f"{count / size:.0f}{unit}"
    return str(count) if count else ""


def _long(count: int) -> str:
    for unit, size in (("billion", 10**9), ("million", 10**6)):
        if count >= size:
            return f"{count / size:.1f} {unit}" if count < 100 * size else f"{count / size:.0f} {unit}"
    return f"{count:,}"


def bar(verdict: Verdict, memory: Memory, width: int) -> Content:
    """Draw a model's need in the memory there is: ``■`` the model, ``·`` free, ``▨`` in use, ``!`` beyond it."""
    total = max(memory.total_of(verdict.where), verdict.has, 1)
    free = round(verdict.has / total * width)
    own = max(1, round(min(verdict.needs, total) / total * width))
    if verdict.needs > verdict.has:
        own = max(own, free + 1)
    over = max(0, min(own, width) - free)
    return Content.assemble(
        (OWN * min(own, free), "$text-primary"),
        (FREE * max(0, free - own), "$foreground-muted"),
        (OVER * over, "$text-error"),
        (OTHERS * (width - max(free, min(own, width))), "$foreground-muted"),
    )


def downloading(done: int, total: int, seconds_left: float | None) -> str:
    """Return ``1.2 GB of 2.6 GB, 3 min left``."""
    from kobold_modules.duration import duration

    said = f"{byte_size(done)} of {byte_size(total)}"
    return said + (f", {duration(seconds_left)} left" if seconds_left is not None else "")
