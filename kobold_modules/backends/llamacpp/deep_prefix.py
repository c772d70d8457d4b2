"""Deep prefixes into a llama.cpp context: their keys and values become what a sequence holds, without being computed.

llama.cpp has no call for it, but takes back what it once gave of a sequence (``llama_state_seq_set_data``). So the
bytes of such a sequence are built (``sequence_state``) in the form in which this context keeps its own, and laid out as
was found out for the model (``deep_support``).
"""

from __future__ import annotations

from ...errors import EngineFailed
from ...soft_prompt.deep_prefix import DeepPrefix
from .binding import log
from .context import NativeContext
from .interruptions import Full
from .kv_layout import KvLayout
from .sequence_state import Form, UnknownState, build, parse


class DeepWriter:
    """Writes deep prefixes into sequences of ``native``, laid out as ``layout`` says."""

    def __init__(self, native: NativeContext, layout: KvLayout) -> None:
        self._native = native
        self._layout = layout
        self._forms: tuple[Form, ...] | None = None

    def place(self, sequence: int, prefix: DeepPrefix, at: int) -> None:
        """Write ``prefix`` behind the ``at`` positions that ``sequence`` holds; its keys are turned by as many.

        Raises:
            Full: no cells are left; nothing has changed.
            EngineFailed: llama.cpp did not take it.
        """
        native = self._native
        try:
            state = build(self._layout.bodies(prefix, at, self._own_forms()))
        except UnknownState as error:
            raise _failed(str(error)) from error
        # A state replaces all that a sequence holds, so behind other rows it comes by way of a sequence of its own.
        target = native.scratch if at else sequence
        log.clear()
        if not native.load(target, state):
            reason = log.reason()
            if "cells" in reason or not reason:
                raise Full
            raise _failed(reason)
        if at:
            native.copy(target, sequence, at + prefix.tokens)
            native.forget(target)

    def _own_forms(self) -> tuple[Form, ...]:
        """Return in which form the context keeps its numbers, read from a word of its own."""
        if self._forms is None:
            native = self._native
            try:
                native.decode_tokens(native.scratch, [0], 0, 0)
                forms = tuple(body.form for body in parse(native.save(native.scratch)))
            finally:
                native.forget(native.scratch)
            if not self._layout.fits(forms):
                raise UnknownState("its layers are kept in another order than was found out")
            self._forms = forms
        return self._forms


def _failed(reason: str) -> EngineFailed:
    return EngineFailed(
        f"A deep prefix could not be written into the model's cache: {reason}.",
        "Take the deep modules off, or load the model again.",
    )
