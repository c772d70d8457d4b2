"""What pruning a module asks of a training: texts, model and kind are its own where none are named. No torch here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import BadModule, BadText, BadUsage
from ..evaluation.made_for import model_for
from ..library import evidence
from ..library.library import Library
from ..soft_prompt.deep_prefix import with_rows
from ..soft_prompt.module import Card


def prune_settings(
    module: str, tokens: int, files: Sequence[str] = (), model: str = "", name: str = ""
) -> dict[str, Any]:
    """Return the fields of the ``TrainingRequest`` that makes a module of ``tokens`` vectors out of ``module``.

    Args:
        module: a library name or a file.
        files: its texts; those it was trained on where there are none.
        model, name: the module's own, and its name with the number behind it, where they are empty.

    Raises:
        BadUsage: more virtual tokens than it has, or no model; BadModule: no such module, or a deep prefix;
        BadText: no texts at hand; NoModel: its model is not found.
    """
    found = with_rows(Library().find(module))
    card = found.card
    if not 1 <= tokens < found.tokens:
        raise BadUsage(f"{found.name} has {found.tokens} virtual tokens; --to takes 1 to {found.tokens - 1}.")
    noted = {} if files else _noted(module)
    settings: dict[str, Any] = {
        "files": tuple(files) or _files(card, noted),
        "keep": tuple(noted.get("keep") or ()),
        "speaker": tuple(noted.get("speaker") or ()),
        "model": _model(model, card),
        "name": name or f"{found.name} {tokens}",
        "kind": "world" if card.kind == "world" else "style",
        "description": f"{tokens} of the {found.tokens} virtual tokens of {found.name}.",
        "author": card.author,
        "tokens": tokens,
        "start": "pruned",
        "start_with": module,
    }
    return settings | ({"objective": "text"} if card.training.get("objective") == "text" else {})


def _noted(name: str) -> Mapping[str, Any]:
    """Return where the library noted the module's texts to lie; nothing for a module that is not in it."""
    try:
        return evidence.read_sources(Library().entry(name).path.parent)
    except BadModule:
        return {}


def _files(card: Card, noted: Mapping[str, Any]) -> tuple[str, ...]:
    files = tuple(noted.get("files", ()))
    if not files or not all(Path(file).exists() for file in files):
        raise BadText(
            f"The texts that {card.name} was trained on are not where they were.",
            "Name some of the same author: kobold-modules prune MODULE TEXT... --to N",
        )
    return files


def _model(named: str, card: Card) -> str:
    """Return the model to train through: the one that was named, else the module's own, by its name on the card."""
    if named:
        return named
    found = model_for("", card)
    return card.model if found.name == card.model else found.model  # a path would become the new card's name of it
