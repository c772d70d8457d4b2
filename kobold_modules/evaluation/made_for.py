"""The model that a module is asked with: the one that a person names, else the one that its card does."""

from __future__ import annotations

from ..errors import BadUsage, NoModel
from ..models.discovery.discover import with_table_of
from ..models.find import resolve
from ..models.reference import ModelFile
from ..soft_prompt.fingerprint import Fit
from ..soft_prompt.module import Card


def model_for(named: str, card: Card, option: str = "--model") -> ModelFile:
    """Return the model called ``named``, else the one that the module of ``card`` was made for.

    That one is looked for by the name that the card has for it, and where nothing of that name is it, by its embedding
    table: a file that was renamed is the same model.

    Args:
        option: what names a model on the command line.

    Raises:
        BadUsage: neither says which; NoModel: it is not found.
    """
    if named:
        return resolve(named)
    if not card.model and not card.fingerprint:
        raise BadUsage(f"{card.name} does not say which model it was made for.", f"Name it: {option} MODEL.")
    found: ModelFile | None = None
    missing: NoModel | None = None
    if card.model:
        try:
            found = resolve(card.model)
        except NoModel as error:
            missing = error
    if found is not None and (not card.fingerprint or card.fingerprint.fit(found.fingerprint) is not Fit.MISMATCH):
        return found
    found = (with_table_of(card.fingerprint) if card.fingerprint else None) or found
    if found is not None:
        return found
    raise NoModel(
        f"{card.name} was made for {card.model or 'a model'}, which is not found by that name.",
        f"Name its file: {option} FILE.gguf.",
    ) from missing
