"""The stacks a client may ask for, by name: what the library holds that fits the model, and the stacks kept by name.

A name is looked up among names and never opened as a file, so that no client can reach a file by it.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ..errors import BadInput, BadModule, BadUsage, KoboldModulesError, WrongModel
from ..library import stack_file
from ..library.folder import Entry
from ..library.library import Library
from ..library.slug import key_of
from ..plain_text import one_line
from ..soft_prompt.deep_prefix import AnyModule
from ..soft_prompt.fingerprint import Fingerprint
from ..soft_prompt.layer import Layer
from ..soft_prompt.stack import Stack, check_fit


NONE = "none"
FURTHEST = 4.0  # strengths from -4 to 4
MOST_NAMES = 64  # modules in one request
LONGEST_ASKED = 2000  # characters of what a client asks for
_KEPT = 64  # stacks that stay in memory


@dataclass(frozen=True, slots=True)
class Named:
    """A stack, what it is called, and where each of its modules is found again."""

    name: str
    stack: Stack
    sources: tuple[str, ...] = ()


PLAIN = Named("", Stack())


class Stacks:
    """What can be asked for. Safe to use from any thread.

    Args:
        model, fingerprint: the loaded model, which is also the name of the plain model.
        start: the stack that is used where a client names none, until one sets another.

    Attributes:
        current: that stack.
    """

    def __init__(self, model: str, fingerprint: Fingerprint, start: Named = PLAIN) -> None:
        self.model = model
        self.current = start
        self._start = start
        self._fingerprint = fingerprint
        self._library = Library()
        self._lock = threading.Lock()
        self._modules: dict[tuple[str, int, int], AnyModule] = {}

    def modules(self) -> list[Entry]:
        """Return the library's modules that fit the model, by name."""
        with self._lock:
            return [entry for entry in self._library.listing() if not entry.problem and self._fits(entry)]

    def names(self) -> list[str]:
        """Return every name that can be asked for: the current one first, kept stacks, then modules."""
        found = [self.current.name] if self.current.name else []
        found += [name for name in self._start_names() if name not in found]
        found += [name for name in stack_file.names() if self._whole(name)]
        found += [entry.name for entry in self.modules()]
        return list(dict.fromkeys(name for name in found if name))

    def find(self, asked: str) -> Named:
        """Return what ``asked`` names: a stack or module, or several as ``noir + world:0.5``; nothing is ``none``.

        The model's own name is the plain model, alone or in front of a plus.

        Raises:
            BadModule: there is none of that name.
            BadUsage: a strength makes no sense.
            WrongModel: it does not fit the model.
        """
        if len(asked) > LONGEST_ASKED:
            raise BadUsage("That is too long for the name of a stack.")
        whole = " ".join(asked.split())
        if key_of(whole) in ("", NONE, key_of(self.model)):
            return PLAIN
        if (found := self._one(whole)) is not None:
            return found
        parts = [part.strip() for part in whole.split("+")]
        if len(parts) > 1 and key_of(parts[0]) == key_of(self.model):
            rest = whole.split("+", 1)[1].strip()
            if (found := self._one(rest)) is not None:
                return found
            parts = parts[1:]
        return self.joined((_split(part) for part in parts), whole)

    def joined(self, parts: Iterable[tuple[str, float]], name: str) -> Named:
        """Return the stack of ``parts``, each a name and a strength, called ``name``. Raises as :meth:`find`."""
        layers: list[Layer[AnyModule]] = []
        sources: list[str] = []
        for count, (part, strength) in enumerate(parts):
            if count >= MOST_NAMES:
                raise BadUsage(f"A stack has at most {MOST_NAMES} modules.")
            if not math.isfinite(strength) or abs(strength) > FURTHEST:
                raise BadUsage(f"A strength of {strength:g} is too far out; 0 is off, 1 is as trained.")
            found = self._numbered(part) or self._one(part)
            if found is None:
                raise self._unknown(part)
            layers += [replace(layer, strength=layer.strength * strength) for layer in found.stack.layers]
            sources += found.sources
        return Named(one_line(name), Stack(tuple(layers)), tuple(sources))

    def choose(self, asked: str) -> Named:
        """Make what ``asked`` names the stack for all who name none. Raises as :meth:`find`."""
        self.current = self.find(asked)
        return self.current

    def _start_names(self) -> list[str]:
        return [self._start.name] if self._start.name else []

    def _one(self, name: str) -> Named | None:
        """Return the stack or module of exactly that name (case does not matter), with or without ``.zip``."""
        for candidate in dict.fromkeys((name, name.removesuffix(".zip"))):
            if not candidate or key_of(candidate) == NONE:
                continue
            if key_of(candidate) == key_of(self._start.name):
                return self._start
            with self._lock:
                entry = self._library.named(candidate) or self._filed(candidate)
                if entry is not None:
                    return self._of_entry(entry)
            if (path := stack_file.named(candidate)) is not None:
                kept = stack_file.read(path)
                with self._lock:
                    stack, _ = stack_file.gather(kept, self._library)
                stack.check(self._fingerprint, self.model)
                return Named(kept.name, stack, tuple(layer.module.name for layer in kept.layers))
        return None

    def _numbered(self, name: str) -> Named | None:
        """Return the module at ``#N`` of :meth:`modules`, as llama-server's clients ask for adapters."""
        if not name.startswith("#") or not name[1:].isdecimal() or len(name) > 10:
            return None
        modules, number = self.modules(), int(name[1:])
        return self._one(modules[number].name) if number < len(modules) else None

    def _filed(self, slug: str) -> Entry | None:
        """Return the module whose folder is called ``slug``, which is what KoboldAI's zip in it is called."""
        return self._library.listing().filed(slug)

    def _of_entry(self, entry: Entry) -> Named:
        if entry.problem:
            raise BadModule(entry.problem)
        check_fit(entry, self._fingerprint, self.model)
        stamp = (entry.slug, entry.size, entry.modified_ns)
        module = self._modules.get(stamp)
        if module is None:
            if len(self._modules) >= _KEPT:
                self._modules.clear()
            module = self._modules[stamp] = self._library.load(entry)
        return Named(entry.name, Stack((Layer(module),)), (entry.name,))

    def _fits(self, entry: Entry) -> bool:
        try:
            check_fit(entry, self._fingerprint, self.model)
        except WrongModel:
            return False
        return True

    def _whole(self, name: str) -> bool:
        """Return whether the kept stack called ``name`` can be used: its modules are there and fit."""
        with contextlib.suppress(KoboldModulesError):
            return self._one(name) is not None
        return False

    def _unknown(self, name: str) -> BadModule:
        shown = one_line(name, 80)
        return BadModule(
            f"There is no stack or module called {shown} for {self.model}.",
            "GET /v1/models lists the names; `none` is the plain model.",
        )


def asked_for(fields: dict[str, Any]) -> str | list[tuple[str, float]] | None:
    """Return the stack that a request's extra fields ask for; None where it names none.

    ``stack`` and ``soft_prompt`` are names; ``lora`` is a name, or a list of names or of ``{"name", "scale"}``.

    Raises:
        BadInput: a field is of the wrong type.
    """
    for key in ("stack", "soft_prompt", "lora"):
        value = fields.get(key)
        if value is None:
            continue
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            return [_layer(item, key) for item in value[: MOST_NAMES + 1]]
        raise BadInput(f"{key} should be the name of a stack, or a list of names.")
    return None


def _layer(item: Any, key: str) -> tuple[str, float]:
    if isinstance(item, str):
        return _split(item)
    if isinstance(item, dict):
        name = next((item[one] for one in ("name", "module", "id", "path") if one in item), None)
        scale = next((item[one] for one in ("strength", "scale") if one in item), 1.0)
        usable = isinstance(scale, int | float) and not isinstance(scale, bool)
        if isinstance(name, str) and usable:
            return name, float(scale)
        if isinstance(name, int) and not isinstance(name, bool) and usable:
            return f"#{name}", float(scale)
    raise BadInput(f'{key} should list names, or objects like {{"name": "noir", "scale": 0.5}}.')


def _split(part: str) -> tuple[str, float]:
    """Split ``noir:0.5`` into name and strength; what is no number behind the colon is part of the name."""
    head, colon, tail = part.rpartition(":")
    if colon and head.strip():
        with contextlib.suppress(ValueError):
            return head.strip(), float(tail)
    return part.strip(), 1.0
