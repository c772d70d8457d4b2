"""What all small windows over a screen share: where they stand, and how what lies behind them is dimmed."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from textual.screen import ModalScreen


Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer]):
    """A window in the middle, over what stays in sight; dismisses with an ``Answer``."""

    CSS_PATH = Path(__file__).with_name("ask.tcss")  # whole, for it is looked for beside each subclass
