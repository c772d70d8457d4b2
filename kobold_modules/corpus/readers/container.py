"""The zip that most books come in, opened within limits, its faults in a writer's words."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from urllib.parse import unquote

from ...byte_size import byte_size
from ...errors import BadModule, BadText
from ...formats.safe_zip import LOCAL, SafeZip, open_zip
from .limits import CHUNK, MOST_DIRECTORY, MOST_INFLATED, MOST_MEMBER, MOST_MEMBERS, MOST_RATIO, RATIO_FROM


SAVE_AGAIN = "Open it in the program that made it and save it again, or copy it again from where it came from."


def inside(folder: str, address: str) -> str:
    """Return the name in a zip of what ``address`` means in ``folder``; nothing outside of the zip can be reached."""
    path = unquote(address.partition("#")[0]).replace("\\", "/")
    return posixpath.normpath(posixpath.join("/", folder, path)).lstrip("/")


def is_zip(data: bytes) -> bool:
    """Return whether ``data`` begins as a zip does."""
    return data.startswith(LOCAL)


class Container:
    """A book's zip. All that one reading inflates is added up and bounded.

    Raises:
        BadText: from every method, where the zip is damaged, locked or unpacks to more than any book needs.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        self._inflated = 0
        try:
            self._zip: SafeZip = open_zip(data, name, most_members=MOST_MEMBERS, most_directory=MOST_DIRECTORY)
        except BadModule as error:
            raise self._damaged(error) from error
        self._folded = {member.casefold(): member for member in reversed(self._zip.names)}

    @property
    def names(self) -> list[str]:
        """Member names in the order of the zip's directory."""
        return self._zip.names

    def find(self, name: str) -> str | None:
        """Return the member called ``name``, however it spells its capitals; None where there is none."""
        return name if name in self._zip.members else self._folded.get(name.casefold())

    def read(self, name: str, most: int = MOST_MEMBER) -> bytes:
        """Return the whole member, its checksum checked."""
        self._allow(name, most)
        try:
            return self._zip.read(name, most)
        except BadModule as error:
            raise self._damaged(error) from error

    def head(self, name: str, count: int) -> bytes:
        """Return the first ``count`` bytes of the member, or nothing where it does not unpack."""
        try:
            return self._zip.head(name, count)
        except BadModule:
            return b""

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the member in pieces, its checksum checked at the end."""
        self._allow(name, MOST_MEMBER)
        try:
            yield from self._zip.chunks(name, CHUNK)
        except BadModule as error:
            raise self._damaged(error) from error

    def _allow(self, name: str, most: int) -> None:
        """Add the member to what this reading inflates."""
        member = self._zip.members.get(name)
        if member is None:
            raise BadText(f"{self.name} is damaged: it has no {name} in it.", SAVE_AGAIN)
        self._inflated += member.size
        if member.size > most or self._inflated > MOST_INFLATED:
            size = byte_size(max(member.size, self._inflated))
            raise BadText(
                f"{self.name} unpacks to {size}, more than any book needs, and was not read.",
                "If it is a book, save its text as .txt and give that.",
            )
        if member.size > RATIO_FROM and member.size > MOST_RATIO * max(1, member.packed):
            times = member.size // max(1, member.packed)
            raise BadText(
                f"{self.name} unpacks to {times:,} times its size, as only files do that are made to fill a memory.",
                "If it is a book, save its text as .txt and give that.",
            )

    def _damaged(self, error: BadModule) -> BadText:
        if "password" in error.message:
            return BadText(f"{self.name} is locked with a password.", "Save it without one first.")
        if " files; a module has" in error.message:
            return BadText(
                f"{self.name} is a zip of too many files to be a book.", "Unpack it and give the texts in it."
            )
        if " is packed with method " in error.message:
            return BadText(f"{self.name} is packed in a way that no book is.", SAVE_AGAIN)
        return BadText(error.message, SAVE_AGAIN)
