"""Letters that were lost before a file was saved: U+FFFD in their place, or question marks.

They cannot be brought back, but a module would learn to write them; a person who is warned still has the original.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


_SIGN = "\ufffd"
# A question mark first, so that the search jumps from one to the next.
_INSIDE = re.compile(r"\?(?<=[^\W\d_]\?)(?=[^\W\d_A-Z]{1,12}\b)")
_QUOTED = re.compile(r"\?(?<![\w?!.\"'”’)]\?)(?=[A-Za-z][a-z' ])")
_SOUP = re.compile(r"\?{2,}(?:[,.;:!]?\s+\?{2,}){3,}")
_EXAMPLE = re.compile(r"[^\W\d_]{1,20}\?[^\W\d_A-Z]{1,20}")
_ADDRESS = re.compile(r"\S*(?:https?:|www\.|\.(?:com|org|net|php|html?))\S*")
_FEWEST = 4
_PER_CHARACTERS = 5_000  # fewer than one in so many is a slip of the keyboard


@dataclass(slots=True)
class LostLetters:
    """What was seen of lost letters in a text that comes in parts.

    Attributes:
        signs: U+FFFD that stood in the file itself.
        inside, quoted, soup: question marks in words, in place of quotes, and in whole words of them.
        length: characters seen.
        example: the first word with a question mark in it.
    """

    signs: int = 0
    inside: int = 0
    quoted: int = 0
    soup: int = 0
    length: int = 0
    example: str = ""

    def look(self, text: str, unread: int = 0) -> None:
        """Count what is lost in the next part; ``unread`` of its U+FFFD are counted elsewhere."""
        self.length += len(text)
        self.signs += text.count(_SIGN) - unread
        if "?" not in text:
            return
        plain = _ADDRESS.sub("", text) if "http" in text or "www." in text else text
        inside = len(_INSIDE.findall(plain))
        self.inside += inside
        self.quoted += len(_QUOTED.findall(plain))
        self.soup += sum(found.group().count("?") for found in _SOUP.finditer(plain))
        if not self.example and (inside or self.soup) and (found := _EXAMPLE.search(plain) or _SOUP.search(plain)):
            self.example = " ".join(found.group().split())[:40]

    @property
    def question_marks(self) -> int:
        """How many question marks stand for lost letters; 0 where they may all be questions."""
        quoted = self.quoted if self.inside >= 2 or self.quoted >= _FEWEST else 0
        count = self.inside + quoted + self.soup
        return count if count >= max(_FEWEST, self.length / _PER_CHARACTERS) else 0

    def sentences(self) -> tuple[str, ...]:
        """Say how many letters were lost."""
        said: list[str] = []
        if self.signs > 0:
            what = "1 character was" if self.signs == 1 else f"{self.signs:,} characters were"
            said.append(
                f"{what} lost before this file was saved (each is a {_SIGN} now). Take an older copy, or put them back."
            )
        if count := self.question_marks:
            example = f', as in "{self.example}"' if self.example else ""
            said.append(
                f"About {count:,} letters or quotes were lost before this file was saved and are question marks "
                f"now{example}. Take an older copy, or put them back."
            )
        return tuple(said)
