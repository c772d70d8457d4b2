"""Which of a model's tokens no text uses, so that a module's rows can stand in their places.

A vocabulary holds control tokens that were set aside and never trained (``<|reserved_special_token_7|>``,
``<SPECIAL_42>``, ``<unused3>``). llama.cpp's programs turn their names in a prompt into their ids: they can be typed.
Tokens of the type UNUSED (Qwen's padding of the table) have an id, but their name stays a word. A model with too few of
the first can lend its rarest words instead: those that were merged last, each a word of its own behind a space.

Everything is asked of llama.cpp itself, without weights: a string counts only if it really becomes those ids.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...errors import BadUsage, NoModel
from .binding import library, listen


Kind = Literal["reserved", "unused", "rare"]
KINDS: tuple[Kind, ...] = ("reserved", "unused", "rare")
LONGEST_TEMPLATE = 2**20
MOST_RARE = 40_000  # the last words of a vocabulary that are looked at

_UNUSED, _NORMAL, _CONTROL, _USER_DEFINED = 2, 4, 8, 16  # llama.h: enum llama_token_attr
# What model makers call the tokens they set aside.
_SET_ASIDE = re.compile(
    r"[<\[](?:[|｜▁_]*)(?:reserved|unused|special|extra|place[ _▁-]?holder|dummy|control|empty|pad)"
    r"(?:[ _▁-]?(?:special|token|id|no|usage))*[ _▁-]*\d+(?:[|｜▁_]*)[>\]]",
    re.IGNORECASE,
)
_WORD = re.compile(r"[Ġ▁][A-Za-z]{4,}")
_FIRST = re.compile(r"[A-Za-z]{4,}")  # without a space before it: a field for text may cut spaces off its beginning


@dataclass(frozen=True, slots=True)
class Places:
    """Ids that stand for a module's rows, in their order.

    Attributes:
        text: what to type for them; empty where only ids can be sent.
        kind: ``reserved`` control tokens, ``unused`` rows of the table, or ``rare`` words of the language.
    """

    ids: tuple[int, ...]
    text: str
    kind: Kind


class VocabularyFile:
    """The tokens of a GGUF model as its server sees them. A context manager. Raises NoModel."""

    def __init__(self, path: Path) -> None:
        self._lib: Any = library()
        listen()
        parameters = self._lib.llama_model_default_params()
        parameters.vocab_only = True
        self._name = path.stem
        self._handle: Any = self._lib.llama_model_load_from_file(os.fsencode(path), parameters)
        if not self._handle:
            raise NoModel(f"{path} cannot be read by llama.cpp.", "Download or copy it again.")
        self._vocab = self._lib.llama_model_get_vocab(self._handle)
        self.size = int(self._lib.llama_vocab_n_tokens(self._vocab))

    def __enter__(self) -> VocabularyFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._lib.llama_model_free(self._handle)
        self._handle = None

    @property
    def bos(self) -> int | None:
        """The token that a server puts before every prompt of this model by itself; None where it puts none."""
        if not self._lib.llama_vocab_get_add_bos(self._vocab):
            return None
        bos = int(self._lib.llama_vocab_bos(self._vocab))
        return bos if bos >= 0 else None

    @property
    def chat_template(self) -> str:
        """The model's own Jinja template for chats, or empty."""
        found = self._lib.llama_model_chat_template(self._handle, None)
        return found[:LONGEST_TEMPLATE].decode("utf-8", "replace") if found else ""

    def ids(self, text: str) -> list[int]:
        """Return what a server makes of ``text``, without BOS: names of control tokens become their ids."""
        data = text.encode()
        ids = (self._lib.llama_token * (len(data) + 16))()
        count = int(self._lib.llama_tokenize(self._vocab, data, len(data), ids, len(ids), False, True))
        return list(ids[: max(0, count)])

    def counts(self) -> dict[Kind, int]:
        """Return how many tokens of each kind there are; of rare words, those at the end of the vocabulary."""
        return {kind: sum(1 for _ in self._of(kind)) for kind in KINDS}

    def choose(self, count: int, kind: Kind, taken: Collection[int] = ()) -> Places:
        """Return places for ``count`` rows that are not ``taken``.

        Raises:
            BadUsage: the model has too few of that kind; the sentence says how many, and what to do.
        """
        found = [(token, text) for token, text in self._of(kind) if token not in taken]
        if kind == "rare":
            first = next((word for word in self._rare(_FIRST) if word[0] not in taken and self._begins(*word)), None)
            found = self._typed_alone(found, count - (first is not None))
            found = [first, *found] if first is not None else found
        if len(found) < count:
            raise self._too_few(count, kind, len(found), bool(taken))
        ids = tuple(token for token, _ in found[:count])
        return Places(ids, self.text_of(ids, kind), kind)

    def named(self, ids: Sequence[int]) -> Places:
        """Return places of the ids that a person chose. Raises BadUsage where the model has no such token."""
        for token in ids:
            if not 0 <= token < self.size:
                raise BadUsage(f"{self._name} has no token {token}: its ids are 0 to {self.size - 1}.")
        if len(set(ids)) != len(ids):
            raise BadUsage("An id may stand for one row only, and one is named twice.")
        normal = any(self._attributes(token) & _NORMAL for token in ids)
        kind: Kind = "rare" if normal else "reserved"
        return Places(tuple(ids), self.text_of(ids, kind), kind)

    def text_of(self, ids: Sequence[int], kind: Kind) -> str:
        """Return the string that becomes ``ids``, whatever line follows; empty where there is none."""
        return self._string(ids, [self._text(token) for token in ids], kind)

    def name_of(self, token: int) -> str:
        """Return how ``token`` is spelled in the vocabulary."""
        return self._text(token)

    def _of(self, kind: Kind) -> Iterator[tuple[int, str]]:
        """Yield ``(id, text)`` of the tokens of ``kind``; of rare words, those that no story has come first."""
        if kind == "rare":
            yield from self._rare(_WORD)
            return
        for token in range(self.size):
            attributes = self._attributes(token)
            if kind == "unused":
                if attributes & _UNUSED:
                    yield token, self._text(token)
            elif attributes & (_CONTROL | _USER_DEFINED) and _SET_ASIDE.fullmatch(text := self._text(token)):
                yield token, text

    def _rare(self, pattern: re.Pattern[str]) -> list[tuple[int, str]]:
        """Return the last words of the vocabulary that ``pattern`` matches, those of program code and signs first."""
        last = range(self.size - 1, max(-1, self.size - 1 - MOST_RARE), -1)
        words = [
            (token, text)
            for token in last
            if self._attributes(token) & _NORMAL and pattern.fullmatch(text := self._text(token))
        ]
        return sorted(words, key=lambda word: word[1][2:].islower())

    def _begins(self, token: int, text: str) -> bool:
        """Return whether ``text`` at the beginning of a prompt is ``token`` alone."""
        return self.ids(text) == [token] == self.ids(f"{text} the")[:1]

    def _typed_alone(self, words: list[tuple[int, str]], count: int) -> list[tuple[int, str]]:
        """Return the first ``count`` words that become their own token behind a word and before one."""
        found: list[tuple[int, str]] = []
        for token, text in words:
            word = text[1:]
            if self.ids(f"the {word}\n")[1:2] == [token] and self.ids(f"the {word} the")[1:2] == [token]:
                found.append((token, text))
                if len(found) == count:
                    break
        return found

    def _string(self, ids: Sequence[int], texts: list[str], kind: Kind) -> str:
        """Return the string that becomes ``ids``, whatever line follows; empty where there is none."""
        if kind == "unused":
            return ""
        whole = "".join(text.replace("Ġ", " ").replace("▁", " ") if kind == "rare" else text for text in texts)
        for string in (whole, whole.lstrip(" ")):
            if self.ids(string) == list(ids) == self.ids(string + "\nThe")[: len(ids)]:
                return string
        return ""

    def _too_few(self, count: int, kind: Kind, there: int, shared: bool) -> BadUsage:
        counts = self.counts()
        others = " that no other module of these takes" if shared else ""
        what = {
            "reserved": "reserved tokens that can be typed",
            "unused": "unused tokens",
            "rare": "rare words that can be typed",
        }[kind]
        ways = [f"use a module of at most {there} virtual tokens"] if there else []
        if kind != "rare" and counts["rare"] >= count:
            ways.append(
                "add --ids rare, which takes the places of words that hardly any text has (the last of its vocabulary)"
            )
        if kind != "unused" and counts["unused"] >= count:
            ways.append("add --ids unused, for programs that send ids instead of a string")
        hint = ", or ".join(ways) or "train a module with fewer virtual tokens"
        return BadUsage(
            f"{self._name} has {there or 'no'} {what}{others}, and {count} are needed.", f"{hint[0].upper()}{hint[1:]}."
        )

    def _attributes(self, token: int) -> int:
        return int(self._lib.llama_vocab_get_attr(self._vocab, token))

    def _text(self, token: int) -> str:
        text = self._lib.llama_vocab_get_text(self._vocab, ctypes.c_int32(token))
        return text.decode("utf-8", "replace") if text else ""
