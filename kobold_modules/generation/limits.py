"""The number of texts written side by side, which every command checks and the engine makes room for."""

from __future__ import annotations


MOST_TOGETHER = 8
