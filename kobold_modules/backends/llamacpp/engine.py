"""The engine that writes: llama.cpp through its low-level interface.

A stack's rows are decoded before the text as embeddings, without BOS: exactly what KoboldAI injects and what training
trained through. llama.cpp's asserts end the process it runs in, so programs with a screen keep this engine in a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...disk.stamp import file_stamp
from ...errors import BadUsage
from ...generation.bias import check_ids
from ...generation.cache.prefix import DEFAULT_LIMIT, PrefixCache
from ...generation.chat_template import ChatTemplate
from ...generation.limits import MOST_TOGETHER
from ...generation.protocol import ClosedAtTheEnd, ModelInfo, Request
from ...generation.stack_rows import (
    LEFT_FOR_TEXT,
    Front,
    MixedFront,
    check_context,
    check_length,
    check_shape,
    front_of,
    parts_of,
)
from ...generation.token_healing import Boundary, TokenPrefixes
from ...models.capacity import check_room
from ...models.reference import ModelFile
from ...models.system_memory import room
from ...models.usability.usable import check_can_write
from ...paths import cache_dir
from ...records import Finished, TextChunk
from ...sampling.seed import draw_seed
from ...soft_prompt.deep_prefix import DeepPrefix
from ...soft_prompt.fingerprint import Fingerprint
from ...soft_prompt.stack import Stack
from ..generation_state import GenerationState
from . import scoring
from .batch import EngineBatch, TextBatch, open_take
from .binding import build
from .context import NativeContext
from .deep_support import DeepSupport, deep_support
from .model import NativeModel
from .sampler_chain import usable_seed
from .sequences import Decoder
from .state_files import DEFAULT_LIMIT as DISK_LIMIT
from .state_files import StateFiles
from .thread_choice import thread_choice


DEFAULT_CONTEXT = 4096  # more costs memory whether it is used or not; ask for it with ``context``
DEFAULT_KEPT = 512 * 2**20
KEPT_BESIDE = 8  # texts that stay in the context beside those being written
READ_BETWEEN_STEPS = 64  # tokens of a text that joins a running batch: what the others wait for a word longer


class LlamaEngine(ClosedAtTheEnd):
    """One GGUF model. A context manager; :meth:`close` frees everything.

    Args:
        file: the model, a GGUF file.
        context: tokens to keep room for; 0 means what the model was trained for, at most 4096.
        together: texts that can be written side by side.
        kept: bytes of memory beside the context for texts that stay in it behind other stacks: going back to one costs
            nothing.
        snapshots: bytes of memory for the kept states of stacks alone.
        disk: bytes of the cache folder for them; 0 keeps none.
        exact: float32 keys and values and plain attention, for tests and comparisons; slower.
        progress: is called with how much of the file is loaded (0 to 1); returning False stops the load.

    Raises:
        NoModel, OutOfMemory, EngineFailed: see NativeModel and Decoder.
    """

    def __init__(
        self,
        file: ModelFile,
        *,
        context: int = 0,
        together: int = MOST_TOGETHER,
        kept: int = DEFAULT_KEPT,
        snapshots: int = DEFAULT_LIMIT,
        disk: int = DISK_LIMIT,
        exact: bool = False,
        progress: Callable[[float], bool] | None = None,
    ) -> None:
        check_context(context)
        self._most = together
        sequences = together + KEPT_BESIDE
        self._decoder: Decoder | None = None
        self._deep: DeepSupport | None = None
        check_can_write(file)
        check_room(file, context)
        self._model = NativeModel(file.path, progress)
        try:
            self._model.threads = thread_choice(self._model)
            trained = self._model.context or DEFAULT_CONTEXT
            size = min(trained, context or DEFAULT_CONTEXT)
            cells = _pool(self._model, size, sequences, exact, kept)
            native = NativeContext(self._model, size, cells, sequences, exact)
            files = StateFiles(
                cache_dir() / "states", self._made_with(file.fingerprint, exact), self._model.vocabulary, disk
            )
            self._decoder = Decoder(native, size, PrefixCache(snapshots, files if disk else None))
        except BaseException:
            self.close()
            raise
        self._prefixes = TokenPrefixes(self._model, self._model.vocabulary, within_words=native.forgets)
        self.info = ModelInfo(
            file=file,
            context=self._decoder.context,
            width=self._model.width,
            vocabulary=self._model.vocabulary,
            fingerprint=file.fingerprint,
        )

    @property
    def notice(self) -> str:
        """What a person should read once about llama.cpp on this machine, in a sentence; empty for nearly all."""
        return self._model.notice

    @property
    def refusal(self) -> str:
        """Why this model takes no modules, in a sentence; empty for nearly all."""
        return self._model.injection.refusal

    @property
    def chat_template(self) -> ChatTemplate | None:
        """How the model was taught to hold a conversation; None where its file has no such form."""
        return self._model.chat_template

    def tokenize(self, text: str, special: bool = False) -> list[int]:
        """Return the ids of ``text`` exactly as it will be decoded: no BOS, no prefix space added.

        Words that name special tokens (``<|im_end|>``) stay words, unless they are to be read as ``special``.
        """
        return self._model.tokenize(text, special)

    def generate(
        self, request: Request, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[TextChunk | Finished]:
        """Stream the continuation; the last record is Finished. A cancel ends it within 100 ms.

        The same text, stack, settings and seed give the same continuation (to rounding, see Decoder.open). An empty
        page without a stack begins behind the model's BOS, for a model cannot begin behind nothing. A continuation that
        fills the context goes on behind the end of what was written, as :mod:`prompt` chooses it.

        Raises:
            WrongModel: a module of the stack does not fit.
            BadUsage: the stack, memory or note leaves no room for text.
            EngineFailed: llama.cpp broke.
        """
        return self.together([request], cancelled)

    def together(
        self, requests: Sequence[Request], cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[TextChunk | Finished]:
        """Continue several texts side by side, in one batch; ``sequence`` in each record is the request's number.

        Each take's text is what :meth:`generate` would write alone with its seed, to rounding. Takes of one stack share
        what is read, different stacks cannot: a text's keys and values depend on what stands before it. Takes for whose
        texts the context has no cells left wait until others have finished.

        Raises:
            BadUsage: more than :data:`MOST_TOGETHER` requests; and as :meth:`generate`.
        """
        self._open()
        if len(requests) > self._most:
            raise BadUsage(f"{len(requests)} texts cannot be written side by side; {self._most} can.")
        takes = [self._take(number, request) for number, request in enumerate(requests)]
        return self._write(takes, cancelled)

    def _write(self, takes: list[GenerationState], cancelled: Callable[[], bool]) -> Iterator[TextChunk | Finished]:
        with TextBatch(self._open()) as batch:
            for take in takes:
                batch.add(take)
            while batch:
                yield from batch.step(cancelled)

    def batch(self) -> EngineBatch:
        """Return a batch that texts join and leave while others are being written (see EngineBatch)."""
        return EngineBatch(self._take, TextBatch(self._open(), READ_BETWEEN_STEPS, isolates=True))

    def _take(
        self, number: int, request: Request, *, likely: int | None = None, context: int = 0, special: bool = False
    ) -> GenerationState:
        if request.max_tokens < 0:
            raise BadUsage(f"{request.max_tokens} tokens cannot be written.")
        check_ids(request.sampler, self.info.vocabulary, self.info.name)
        rows = self._rows(request.stack)
        given = request.sampler.seed
        seed = usable_seed(draw_seed() if given is None else given)
        free = min(context or self.info.context, self.info.context) - request.stack.tokens
        if free < LEFT_FOR_TEXT // 2:
            raise BadUsage(
                f"The stack takes {request.stack.tokens} of the {context} tokens that were asked for.",
                "Ask for a larger context, or take modules off.",
            )
        tokenize = partial(self._model.tokenize, special=True) if special else self.tokenize
        return GenerationState(self._model, request, number, rows, free, seed, tokenize, self._prefixes, likely)

    def log_probabilities(self, text: str, stack: Stack) -> NDArray[np.float32]:
        """Return the natural-log probability of ``text``'s tokens but the first (``[n - 1]``; with a stack ``[n]``).

        Raises:
            BadUsage: text and stack together are longer than the context.
            WrongModel: a module of the stack does not fit.
        """
        decoder = self._open()
        rows = self._rows(stack)
        tokens = self.tokenize(text)
        check_length(len(tokens), stack, self.info)
        return scoring.score(decoder, stack.digest, rows, tokens)

    def close(self) -> None:
        """Free the context, then the model. A second call does nothing."""
        if self._decoder is not None:
            self._decoder.flush()
            self._decoder.close()
        self._decoder = None
        self._model.close()

    def _open(self) -> Decoder:
        if self._decoder is None:
            raise BadUsage("This engine has been closed.")
        return self._decoder

    def _made_with(self, fingerprint: Fingerprint, exact: bool) -> dict[str, object]:
        """Return everything that the kept state of a stack depends on, but the stack."""
        return {
            "model": fingerprint.to_dict(),
            "file": [str(self._model.path.resolve()), *file_stamp(self._model.path)],
            "weights": self._model.description,
            "build": build(),
            "keys and values": "F32" if exact else "F16",
            "flash attention": not exact,
        }

    def _rows(self, stack: Stack) -> Front | None:
        """Return the stack as it goes in front of a text, or None for the plain model.

        Raises WrongModel where a deep prefix of it has other keys and values than the model, or the model takes none.
        """
        front = front_of(stack, self.info, self.refusal)
        if not isinstance(front, MixedFront):
            return None if front is None else self._model.injection.rows(front)
        if self._deep is None:
            self._deep = deep_support(self._model.path, self._model.features)
        layout = self._deep.require(self.info.name)
        for part in parts_of(front):
            if isinstance(part, DeepPrefix):
                check_shape(part, layout.layers, layout.kv_heads, layout.head_dim, self.info.name)
        self._open().take_deep(layout)
        return front.with_rows(self._model.injection.rows)

    # -- inspection, see generation.inspect --

    def piece(self, token: int) -> bytes:
        """Return the bytes ``token`` stands for; they may end inside a letter."""
        return self._model.piece(token)

    def boundary(self, request: Request) -> list[Boundary]:
        """Return the tokens at the end of ``request``'s text that are spelled out again. Raises as :meth:`generate`."""
        return self._take(0, request).boundary

    def next_logits(self, request: Request, before: int = 0) -> NDArray[np.float32]:
        """Return the float32 ``[vocabulary]`` logits behind the text but for ``before`` of the tokens held back.

        Raises:
            WrongModel, BadUsage, EngineFailed: as :meth:`generate`.
        """
        decoder, take = self._open(), self._take(0, request)
        take.tokens = [*take.tokens, *take.held[: len(take.held) - before]]
        try:
            open_take(decoder, take)
            assert take.cached is not None
            assert take.cached.logits is not None
            return take.cached.logits.copy()
        finally:
            if take.cached is not None:
                decoder.release(take.cached)
            take.close()

    def uncached_logits(
        self, tokens: list[int], stack: Stack, cancelled: Callable[[], bool] = lambda: False
    ) -> NDArray[np.float32] | None:
        """Return the float32 ``[vocabulary]`` logits behind ``tokens`` behind ``stack``, and keep nothing of it.

        None where it was cancelled, or where it would take the room of the text that was read last.

        Raises:
            WrongModel, BadUsage, EngineFailed: as :meth:`generate`.
        """
        decoder, rows = self._open(), self._rows(stack)
        with decoder.watching(cancelled):
            return scoring.glance(decoder, stack.digest, rows, tokens)

    def score(self, tokens: list[int], stack: Stack) -> NDArray[np.float32]:
        """Score ids as :meth:`log_probabilities` does; they must fit the context together with the stack."""
        return scoring.score(self._open(), stack.digest, self._rows(stack), tokens)

    def score_endings(self, before: list[int], endings: list[list[int]], stack: Stack) -> list[NDArray[np.float32]]:
        """Score each of ``endings`` behind ``before``, which is read once; see OpenEngine."""
        return scoring.score_endings(self._open(), stack.digest, self._rows(stack), before, endings)


def _pool(model: NativeModel, context: int, sequences: int, exact: bool, kept: int) -> int:
    """Count the cells for all sequences: the context, and what ``kept`` bytes hold and ``sequences`` can fill.

    Of memory that is free now, never more than a quarter.
    """
    if model.long_rope:  # llama.cpp chooses its frequencies by the size of the pool, not of the text
        return context
    here = room(gpus=False)
    kept = min(kept, here.free // 4) if here.known else kept
    more = kept // max(1, model.bytes_per_token * (2 if exact else 1))
    return min(sequences * context, context + more)
