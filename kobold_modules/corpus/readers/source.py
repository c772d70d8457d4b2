"""A file to recognise and to read: its bytes, its zip opened once, or a folder that is one document."""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ...errors import BadText
from ...lorebook.values import decoded
from .container import Container, is_zip
from .limits import MOST_JSON


@dataclass(frozen=True)
class Source:
    """What a reader is given.

    Attributes:
        name: for sentences.
        data: the file's bytes; empty for a folder.
        folder: a folder that is one document (a Scrivener project), else None.
        speakers: whose lines of a chat are wanted; everybody's where it is empty.
    """

    name: str
    data: bytes = field(repr=False)
    folder: Path | None = None
    speakers: tuple[str, ...] = ()

    @cached_property
    def container(self) -> Container | None:
        """The file as a zip, its directory read; None where it is none.

        Raises:
            BadText: if it begins as a zip and is damaged.
        """
        return Container(self.data, self.name) if is_zip(self.data) else None

    @cached_property
    def head(self) -> bytes:
        """The first bytes without a byte-order mark and white space, those of UTF-16 as UTF-8."""
        head = self.data[:4096]
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            head = head.decode("utf-16", "ignore").encode()
        return head.lstrip(b"\xef\xbb\xbf \t\r\n")

    @cached_property
    def json(self) -> Any:
        """The file as decoded JSON; None where it is none, or damaged."""
        if self.head[:1] not in (b"{", b"[") or len(self.data) > MOST_JSON:
            return None
        try:
            return json.loads(decoded(self.data))
        except (ValueError, RecursionError):
            return None

    def holds(self, *names: str) -> bool:
        """Return whether this is a zip with one of ``names`` in it."""
        container = self.container
        return container is not None and any(container.find(name) for name in names)

    def opened(self) -> Container:
        """Return the zip.

        Raises:
            BadText: if this is none.
        """
        if self.container is None:
            raise BadText(f"{self.name} is no zip.")
        return self.container
