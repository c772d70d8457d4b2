"""What a preview of texts shows: pages, what was changed in them and why, problems and warnings.

These are values alone, and light to load; :mod:`.previewing` makes them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Changed:
    """One kind of repair: ``what``, in how many places, ``why``, and its first place ``before`` and ``after``.

    ``rule`` is the name by which it is switched off; empty for what is always done.
    """

    what: str
    count: int
    why: str
    before: str = ""
    after: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One file: ``words`` 0 means that it is not used. ``text`` is the beginning of what is left after cleaning.

    ``speakers`` are who speaks in a chat, or wrote in a story. ``structure`` tells in sentences of chapters and scenes,
    of speakers, and of words that are no prose and were left out.
    """

    name: str
    path: str
    words: int
    encoding: str
    changes: tuple[Changed, ...] = ()
    warnings: tuple[str, ...] = ()
    text: str = ""
    structure: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A path that cannot be trained on, and what to do about it."""

    path: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a training on some paths would read. ``problems`` stand in its way, ``warnings`` do not."""

    pages: tuple[Page, ...] = ()
    words: int = 0
    warnings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    passed_over: tuple[str, ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Preview:
        """Parse what :meth:`to_json` made. Raises ValueError for anything else."""
        try:
            data: dict[str, Any] = json.loads(text)
            pages = tuple(
                Page(
                    **page
                    | {
                        "changes": tuple(Changed(**change) for change in page["changes"]),
                        "warnings": tuple(page["warnings"]),
                        "structure": tuple(page["structure"]),
                        "speakers": tuple(page["speakers"]),
                    }
                )
                for page in data["pages"]
            )
            problems = tuple(Problem(**problem) for problem in data["problems"])
            return cls(pages, int(data["words"]), tuple(data["warnings"]), problems, tuple(data["passed_over"]))
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a preview: {error}") from error
