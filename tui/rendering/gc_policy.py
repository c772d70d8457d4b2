"""When Python looks for garbage: never for long while somebody types.

A full look goes through all there is: a tenth of a second with ten thousand modules and a novel, and while text streams
in it comes every other second. So what has survived one look is not looked at again (``gc.freeze``), which makes each
look as short as what is new, and looks wait for a moment between two keys. Closed screens that were kept in this way
are found by a look at everything, when nobody has touched anything for a while.
"""

from __future__ import annotations

import gc


PATIENCE = 200  # how much longer than usual a look waits for a moment between two keys
GROWTH = 1.3  # times as much as after the last look at everything: there may be garbage among it

_usual: tuple[int, int, int] | None = None  # Python's own thresholds while ours are in force
_after_all = 0


def settle() -> None:
    """Keep what there is now for good, and look for garbage only among what comes from now on."""
    global _usual
    gc.freeze()
    gc.enable()
    if _usual is None:
        _usual = gc.get_threshold()
        gc.set_threshold(_usual[0], _usual[1], PATIENCE)
        gc.callbacks.append(_keep_survivors)


def collect() -> None:
    """Collect what is new, at a moment that suits."""
    if _usual is not None:
        gc.collect()


def collect_everything() -> bool:
    """Collect everything if much has come since the last time.

    Takes a tenth of a second or more; returns whether it did.
    """
    global _after_all
    kept = gc.get_freeze_count()
    if _usual is None or kept < _after_all * GROWTH:
        return False
    gc.unfreeze()
    gc.collect()  # and what survives is kept
    _after_all = gc.get_freeze_count()
    return True


def release() -> None:
    """Undo :func:`settle`: whatever else runs in this process has its own garbage."""
    global _usual, _after_all
    if _usual is not None:
        gc.callbacks.remove(_keep_survivors)
        gc.set_threshold(*_usual)
        gc.unfreeze()
        _usual, _after_all = None, 0


def _keep_survivors(phase: str, info: dict[str, int]) -> None:
    if phase == "stop" and info["generation"] == 2:
        gc.freeze()
