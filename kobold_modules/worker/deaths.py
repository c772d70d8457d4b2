"""How often, and of what, processes that ran a model have died.

Nothing is tried a third time that ends in the same way.
"""

from __future__ import annotations

from pathlib import Path

from ..exit_status import explain, repeats
from ..records import Failed
from .messages import Load


MOST_ALIKE = 2  # deaths by one signal; memory that ran out may be free the next time and does not count


class Deaths:
    """Of one model at a time, since it last worked."""

    def __init__(self) -> None:
        self._model: Load | None = None
        self._status = 0
        self._times = 0

    def note(self, model: Load, status: int) -> None:
        """Note that the process that ran ``model`` ended with ``status``."""
        if not repeats(status):
            return
        alike = model == self._model and status == self._status
        self._model, self._status, self._times = model, status, self._times + 1 if alike else 1

    def forget(self, model: Load | None) -> None:
        """Forget earlier deaths: ``model`` has done some work, or another one was loaded."""
        self._model, self._times = model, 0

    def of(self, model: Load) -> int:
        """Return how often ``model`` has died in the same way."""
        return self._times if model == self._model else 0

    def refusal(self, model: Load) -> Failed | None:
        """Return why ``model`` is not tried once more, if it is not."""
        if self.of(model) < MOST_ALIKE:
            return None
        failed = explain(self._status, "model")
        said = f"{failed.message[0].lower()}{failed.message[1:-1]}"
        message = f"{Path(model.model).name} is not tried a third time: {said}, twice."
        return Failed(message, f"Load another model or another quantisation of this one. {failed.hint}", failed.code)
