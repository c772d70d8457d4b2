"""What every engine shares is tested on a real one."""

from __future__ import annotations

from tests.backends.conftest import engine, exact_stories, some_module, stories_table


__all__ = ["engine", "exact_stories", "some_module", "stories_table"]
