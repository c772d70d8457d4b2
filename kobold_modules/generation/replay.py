"""A logged continuation turned back into the request that made it.

Everything the text depended on is looked up again and compared: the model's file, each module's vectors, the text that
stood before it. Where one of them is not what it was, the text cannot come back, and a sentence says which it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..common_prefix import common_prefix
from ..errors import BadInput, BadModule, BadUsage, KoboldModulesError, WrongModel
from ..library.library import Library
from ..sampling.settings import Sampler
from ..soft_prompt.deep_prefix import AnyModule
from ..soft_prompt.layer import Layer
from ..soft_prompt.stack import Stack
from .log import entries, journal_file, keeping, model_stamp, sha256
from .protocol import Request


MOST_SKIPPED = 10**9


def find(name: str) -> dict[str, Any]:
    """Find the logged continuation called ``name``, by its id, an unambiguous beginning of it, or ``last``.

    Raises BadUsage, saying what to do.
    """
    known = entries(most=100_000)
    if not known:
        hint = "The log is switched off." if keeping() == "nothing" else "Write something first."
        raise BadUsage(f"Nothing is logged in {journal_file()}.", hint)
    if name == "last":
        return known[-1]
    found = [entry for entry in known if str(entry["id"]).startswith(name)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise BadUsage(f"There is no {name!r} in the log.", "--replay list shows the latest.")
    raise BadUsage(f"{len(found)} continuations in the log begin with {name!r}.", "Write more of the id.")


def model_of(entry: dict[str, Any]) -> Path:
    """Return the model that wrote ``entry``. Raises WrongModel if the file is gone or another one."""
    model = _part(entry, "model")
    path = Path(str(model.get("path", "")))
    name = str(model.get("name") or path.name)
    try:
        stamp = model_stamp(path)
    except OSError as error:
        raise WrongModel(f"{name} is not at {path} any more.", "Put it back, then replay.") from error
    if stamp != model.get("stamp"):
        raise WrongModel(f"{path} has been changed since it wrote this.", "Another model writes another text.")
    return path


def request_of(entry: dict[str, Any], prompt: str | None = None) -> Request:
    """Return the request of ``entry``; ``prompt`` for where the log holds none.

    Raises:
        WrongModel: a module has been changed since.
        BadModule: a module is gone.
        BadUsage: the prompt is not in the log, or ``prompt`` is another one.
        BadInput: the entry is damaged.
    """
    # Texts logged before there was token healing were written without it.
    sampler = Sampler.from_dict({"token_healing": False, **_part(entry, "sampler")})
    stop, most = entry.get("stop"), entry.get("max_tokens")
    depth = entry.get("note_depth", 3)
    if sampler.seed is None or not isinstance(stop, list) or type(most) is not int or type(depth) is not int:
        raise _damaged(entry)
    try:
        return Request(
            text=_prompt(entry, prompt),
            stack=_stack(entry),
            max_tokens=most,
            sampler=sampler,
            stop=tuple(map(str, stop)),
            memory=_words(entry, "memory"),
            lore=_lore(entry),
            note=_words(entry, "note"),
            note_depth=depth,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(entry) from error


def same(entry: dict[str, Any], text: str) -> bool | None:
    """Return whether ``text`` is what was written then; None if the log does not know what that was.

    A continuation that was stopped by hand counts as far as it went.
    """
    ended = entry.get("ended")
    if not isinstance(ended, dict) or not isinstance(ended.get("characters"), int):
        return None
    return sha256(text[: ended["characters"]]) == ended.get("sha256")


def difference(entry: dict[str, Any], text: str) -> int | None:
    """Return where ``text`` first differs from what was written then, in characters; None if that is not known."""
    before = entry.get("ended", {}).get("text")
    if not isinstance(before, str):
        return None
    return common_prefix(before, text)


def _prompt(entry: dict[str, Any], given: str | None) -> str:
    prompt = _part(entry, "prompt")
    if given is not None:
        if sha256(given) != prompt["sha256"]:
            raise BadUsage("This is not the prompt that was continued then.", "It must be the same, to the space.")
        return given
    if not isinstance(prompt.get("text"), str):
        raise BadUsage("The log keeps no texts, so the prompt must be given again.", "Add --prompt or --prompt-file.")
    skipped = prompt.get("skipped", 0)
    if not isinstance(skipped, int) or not 0 <= skipped <= MOST_SKIPPED:
        raise _damaged(entry)
    # What was left out of the log lies before everything the model could read: only its length matters.
    return " " * skipped + str(prompt["text"])


def _words(entry: dict[str, Any], part: str) -> str:
    words = entry.get(part, "")
    if not isinstance(words, str):
        raise BadUsage(f"The log keeps no texts, and this was written with a {part}, so it cannot be replayed.")
    return words


def _lore(entry: dict[str, Any]) -> tuple[str, ...]:
    texts = entry.get("lore", [])
    if not isinstance(texts, list):
        raise BadUsage("The log keeps no texts, and this was written with a lorebook, so it cannot be replayed.")
    return tuple(map(str, texts))


def _stack(entry: dict[str, Any]) -> Stack:
    stack = _part(entry, "stack")
    layers = tuple(_layer(item) for item in stack["modules"])
    whole = Stack(layers)
    if whole.digest != stack["digest"]:
        label = stack.get("label", "")
        raise WrongModel(f"The stack {label} is folded otherwise by this version, so its text cannot come back.")
    return whole


def _layer(item: dict[str, Any]) -> Layer[AnyModule]:
    """Find the module of ``item`` with the very vectors it had: where it was, by its name, or under another one."""
    name, there = str(item["name"]), False
    library = Library()
    for text in (str(item.get("source", "")), name):
        try:
            module = library.find(text) if text else None
        except KoboldModulesError:
            continue
        there = there or module is not None
        if module is not None and module.digest == item["digest"]:
            return Layer(module, float(item["strength"]), bool(item["on"]))
    for entry in library.listing():
        if [entry.tokens, entry.width] == item.get("shape") and not entry.problem:
            module = library.load(entry)
            if module.digest == item["digest"]:
                return Layer(module, float(item["strength"]), bool(item["on"]))
    if there:
        raise WrongModel(f"The module {name} has been changed since.", "Only the old one writes the old text.")
    raise BadModule(f"The module {name} is not here any more.", "Import it again, then replay.")


def _part(entry: dict[str, Any], name: str) -> dict[str, Any]:
    part = entry.get(name)
    if not isinstance(part, dict):
        raise _damaged(entry)
    return part


def _damaged(entry: dict[str, Any]) -> BadInput:
    return BadInput(f"The log's entry {entry.get('id')} is damaged.", f"See {journal_file()}.")
