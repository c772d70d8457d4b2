"""A queue of its own for every test."""

from __future__ import annotations

from tests.worker.conftest import queue


__all__ = ["queue"]
