"""The model that a module is asked with: the one that a person names, else the one that its card does."""

from __future__ import annotations

from ..errors import BadUsage, NoModel
from ..models.find import resolve
from ..models.reference import ModelFile
from ..soft_prompt.module import Card


def model_for(named: str, card: Card, option: str = "--model") -> ModelFile:
    """Return the model called ``named``, else the one that ``card`` says its module was made for.

    Args:
        option: what names a model on the command line.

    Raises:
        BadUsage: neither says which; NoModel: it is not found.
    """
    if named:
        return resolve(named)
    if not card.model:
        raise BadUsage(f"{card.name} does not say which model it was made for.", f"Name it: {option} MODEL.")
    try:
        return resolve(card.model)
    except NoModel as error:
        raise NoModel(
            f"{card.name} was made for {card.model}, which is not found by that name.",
            f"Name its file: {option} FILE.gguf.",
        ) from error
