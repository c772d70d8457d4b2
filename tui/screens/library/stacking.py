"""Modules of the shelf put on the stack, or taken off it again."""

from __future__ import annotations

from collections.abc import Sequence

from kobold_modules.library.library import Entry

from ...state.app_state import AppState
from ...state.phrases import counted
from ...widgets.status_line import Mood


def put_on_stack(app_state: AppState, entries: Sequence[Entry], toggle: bool) -> tuple[str, Mood, str]:
    """Put ``entries`` at the end of the stack. Return a sentence, its mood and a hint.

    Args:
        app_state: whose stack.
        entries: at least one.
        toggle: whether a single module that is there already leaves.
    """
    stack = app_state.stack
    new = [entry for entry in entries if stack.index(entry) is None]
    for entry in new:
        stack = stack.add(entry)
    app_state.stack = stack
    first = entries[0]
    if len(entries) > 1:
        return f"{counted(len(new), 'module')} added to the stack.", "good", "F3 opens the bench."
    if new:
        fits, sentence, hint = app_state.fit(first)
        if sentence:
            return sentence, "warning" if fits else "error", hint
        return f"{first.name} was added to the stack.", "good", "F3 opens the bench."
    if toggle and (at := stack.index(first)) is not None:
        app_state.stack = stack.remove(at)
        return f"{first.name} was removed from the stack.", "calm", ""
    return f"{first.name} is already on the stack.", "calm", "space removes it."
