"""Work beside the screen for parts that are no Textual node themselves, as ``@work`` is for methods of one."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode


def run_in_background(
    node: DOMNode, work: Callable[[], Coroutine[Any, Any, Any]], group: str, exclusive: bool = False
) -> None:
    """Run ``work`` as a worker of ``node``, which ends with it.

    Args:
        node: the screen or widget.
        work: makes the coroutine when it is its turn; one that was made and never begun would be warned of.
        group: by which it can be cancelled.
        exclusive: whether it takes the place of those of its group that are still running.
    """
    made: Any = work
    node.run_worker(made, group=group, exclusive=exclusive)
