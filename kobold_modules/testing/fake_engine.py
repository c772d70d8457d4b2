"""An engine without a model: the same words for the same request, in no time. Ships for tests of what stands above.

What it writes depends on the text, the stack and the seed as a real model's would, so a test can see that a stack
reached the engine. It loads neither llama.cpp nor torch.
"""

from __future__ import annotations

import random
import re
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..errors import BadUsage
from ..generation.protocol import ModelInfo, Request
from ..generation.token_healing import Boundary
from ..models.reference import ModelFile
from ..records import Finished, TextChunk
from ..soft_prompt.fingerprint import Fingerprint, fingerprint_of, sampled_rows
from ..soft_prompt.stack import Stack


_WORDS = """
the a and of in to was it he she they rain lamp street window letter night door shadow voice sea stone hand silver cold
slow quiet turned waited answered watched opened never again behind before under while because almost
"""
WORDS = _WORDS.split()
_TOKEN = re.compile(r"\s*\w+|\s*[^\w\s]|\s+")


def fake_fingerprint(vocabulary: int = 1000, width: int = 8, seed: int = 0) -> Fingerprint:
    """Return the fingerprint of a random table: another ``seed``, another model."""
    rows = np.random.default_rng(seed).standard_normal((len(sampled_rows(vocabulary)), width))
    return fingerprint_of(vocabulary, rows.astype(np.float32))


class FakeEngine:
    """Implements generation.protocol.Engine. ``delay`` is the time of one token in seconds."""

    def __init__(self, name: str = "fake", *, context: int = 2048, width: int = 8, delay: float = 0.0) -> None:
        self.info = ModelInfo(
            ModelFile(name, Path(f"/nowhere/{name}.gguf"), "gguf"), context, width, 1000, fake_fingerprint(1000, width)
        )
        self.delay = delay
        self.closed = False
        self._read: tuple[str, str] = ("", "")

    def tokenize(self, text: str) -> list[int]:
        """Return a token for each word or sign, with the space before it."""
        return [zlib.crc32(word.encode()) % self.info.vocabulary for word in self.words(text)]

    @staticmethod
    def words(text: str) -> list[str]:
        """Return the tokens of ``text`` as text; together they are ``text`` again."""
        return _TOKEN.findall(text)

    def generate(
        self, request: Request, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[TextChunk | Finished]:
        request.stack.check(self.info.fingerprint, self.info.name)
        if self.closed:
            raise BadUsage("This engine has been closed.")
        began = time.perf_counter()
        settings = request.sampler
        seed = random.randrange(2**31) if settings.seed is None else settings.seed
        digest = request.stack.digest
        prefix = 0 if self._read[0] == digest else request.stack.tokens
        kept = self._read[1] if self._read[0] == digest and request.text.startswith(self._read[1]) else ""
        words = self._words(request, seed)
        reason, count, text = "length", 0, ""
        while count < request.max_tokens:
            if self.delay:
                time.sleep(self.delay)
            if cancelled():
                reason = "cancelled"
                break
            piece = next(words)
            count += 1
            met = [at for word in request.stop if (at := piece.find(word)) >= 0]
            piece = piece[: min(met)] if met else piece
            text += piece
            if piece:
                yield TextChunk(piece)
            if met:
                reason = "stop"
                break
        self._read = (digest, request.text)
        decoded = len(self.tokenize(request.text[len(kept) :]))
        yield Finished(reason, count, time.perf_counter() - began, seed, prefix, max(1, decoded))

    def together(
        self, requests: Sequence[Request], cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[TextChunk | Finished]:
        """Write a word of each request in turn; each reads as :meth:`generate` alone would write it."""
        takes = {number: self.generate(request, cancelled) for number, request in enumerate(requests)}
        while takes:
            for number in list(takes):
                record = next(takes[number], None)
                if record is None:
                    del takes[number]
                else:
                    yield msgspec.structs.replace(record, sequence=number)

    @staticmethod
    def _words(request: Request, seed: int) -> Iterator[str]:
        """Yield sentences of eight words without end, one word at a time."""
        draw = random.Random(f"{seed}:{request.stack.digest}:{request.text[-200:]}")
        space = "" if not request.text or request.text[-1:].isspace() else " "
        fresh = not request.text.strip() or request.text.rstrip()[-1:] in ".!?"
        while True:
            for place in range(8):
                word = draw.choice(WORDS)
                yield space + (word.capitalize() if place == 0 and fresh else word) + ("." if place == 7 else "")
                space = " "
            fresh = True

    def log_probabilities(self, text: str, stack: Stack) -> NDArray[np.float32]:
        """Return values between -8 and -1 nats, a little better with a stack."""
        return self.score(self.tokenize(text), stack)

    def piece(self, token: int) -> bytes:
        """Return a word for each token; not the one it came from, for an id forgets that."""
        return f" {WORDS[token % len(WORDS)]}".encode()

    def boundary(self, request: Request) -> list[Boundary]:
        """Return nothing: every text ends at the end of a token."""
        return []

    def next_logits(self, request: Request, before: int = 0) -> NDArray[np.float32]:
        """Return logits as if of a model: other ones for each text and stack."""
        request.stack.check(self.info.fingerprint, self.info.name)
        seed = zlib.crc32(f"{request.stack.digest}:{request.memory}{request.text}{request.note}".encode())
        return np.random.default_rng(seed).normal(0, 2, self.info.vocabulary).astype(np.float32)

    def uncached_logits(
        self, tokens: list[int], stack: Stack, cancelled: Callable[[], bool] = lambda: False
    ) -> NDArray[np.float32] | None:
        """Return logits as if of a model: other ones for each text and stack."""
        stack.check(self.info.fingerprint, self.info.name)
        seed = zlib.crc32(f"{stack.digest}:{tokens}".encode())
        return None if cancelled() else np.random.default_rng(seed).normal(0, 2, self.info.vocabulary).astype("float32")

    def score(self, tokens: list[int], stack: Stack) -> NDArray[np.float32]:
        """Score ids as :meth:`log_probabilities` does."""
        stack.check(self.info.fingerprint, self.info.name)
        values = -1 - 7 * (np.array(tokens, dtype=np.float32) / self.info.vocabulary) + (0.25 if stack.active else 0.0)
        return (values if stack.active else values[1:]).astype(np.float32)

    def score_endings(self, before: list[int], endings: list[list[int]], stack: Stack) -> list[NDArray[np.float32]]:
        """Score each ending behind ``before`` as :meth:`score` does."""
        return [self.score([*before, *ending], stack)[-len(ending) :] for ending in endings]

    def close(self) -> None:
        self.closed = True
