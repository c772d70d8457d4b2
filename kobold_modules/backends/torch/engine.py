"""The engine for Hugging Face folders that have no GGUF: transformers, with the same stacks, samplers and promises.

Slower than llama.cpp on a processor and about as fast on a graphics card. A stack's rows go in as ``inputs_embeds``
before the text, without BOS, and what was read stays read (see torch_context).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ...errors import BadUsage
from ...generation.bias import check_ids
from ...generation.cache.prefix import Snapshot
from ...generation.cache.sequences import CachedSequence
from ...generation.protocol import ClosedAtTheEnd, ModelInfo, Request
from ...generation.stack_rows import check_context, check_length, rows_of
from ...generation.token_healing import Boundary, TokenPrefixes
from ...models.capacity import check_folder_room
from ...models.folder_vocabulary import FolderVocabulary
from ...models.reference import ModelFile
from ...models.usability.usable import check_can_write
from ...records import Finished, TextChunk
from ...sampling.seed import draw_seed
from ...soft_prompt.stack import Stack
from ..generation_state import GenerationState
from ..llamacpp.interruptions import Cancelled
from ..llamacpp.sampler_chain import usable_seed
from ..sequential import sequentially
from .context import TorchContext
from .load import load_torch_model


DEFAULT_CONTEXT = 4096


class HfEngine(ClosedAtTheEnd):
    """One Hugging Face folder. A context manager; :meth:`close` frees everything.

    Implements generation.protocol.Engine.

    Args:
        file: the model, a Hugging Face folder.
        context: tokens to keep room for; 0 means what the model was trained for, at most 4096.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        progress: is called with 0 before and 1 after loading; returning False before it stops the load.

    Raises:
        NoModel: the folder holds no model that transformers knows.
        OutOfMemory: it does not fit into memory.
        EngineFailed: there is no such device.
    """

    def __init__(
        self,
        file: ModelFile,
        *,
        context: int = 0,
        device: str = "auto",
        progress: Callable[[float], bool] | None = None,
    ) -> None:
        check_context(context)
        check_can_write(file)
        check_folder_room(file, context, device)
        if progress is not None and not progress(0.0):
            from ...errors import EngineFailed

            raise EngineFailed(f"Loading {file.name} was stopped.")
        self._frozen = load_torch_model(file, device)
        self._words = FolderVocabulary(file.path, int(self._frozen.model.config.get_text_config().vocab_size))
        self._prefixes = TokenPrefixes(self._words, self._words.vocabulary)
        self._context: TorchContext | None = TorchContext(self._frozen)
        trained = self._frozen.context or DEFAULT_CONTEXT
        self.info = ModelInfo(
            file=file,
            context=min(trained, context or DEFAULT_CONTEXT),
            width=int(self._frozen.table.shape[1]),
            vocabulary=self._words.vocabulary,
            fingerprint=self._frozen.fingerprint,
        )
        self._refusal = (
            ""
            if self._context.takes_rows()
            else f"{file.name} cannot take modules: rows put in front of its text do not count as the words they are."
        )
        if progress is not None:
            progress(1.0)

    @property
    def notice(self) -> str:
        """As of LlamaEngine: nothing to tell."""
        return ""

    @property
    def refusal(self) -> str:
        """Why this model takes no modules, in a sentence; empty for nearly all."""
        return self._refusal

    def tokenize(self, text: str) -> list[int]:
        """Return the ids of ``text`` exactly as it will be read: no BOS, no prefix space added."""
        return self._words.tokenize(text)

    def generate(
        self, request: Request, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[TextChunk | Finished]:
        """Stream the continuation; the last record is Finished. A cancel ends it between two layers.

        Raises:
            WrongModel: a module of the stack does not fit.
            BadUsage: the stack, memory or note leaves no room for text.
            EngineFailed, OutOfMemory: torch broke.
        """
        return self._write(self._opened(), self._take(request), cancelled)

    def _write(
        self, context: TorchContext, take: GenerationState, cancelled: Callable[[], bool]
    ) -> Iterator[TextChunk | Finished]:
        cached = take.cached = CachedSequence(0, take.key)
        if take.rows is not None:  # only how many they are is of interest here
            cached.prefix = Snapshot(len(take.rows), np.zeros(0, np.uint8), np.zeros(0, np.float32))
        try:
            try:
                self._read(context, take, cached, take.tokens, cancelled)
                while not take.reason:
                    if cancelled():
                        raise Cancelled
                    if piece := take.draw():
                        yield piece
                    if take.reason:
                        break
                    if take.went_back or take.must_slide:
                        if not take.went_back:
                            take.rewind()
                        take.went_back = False
                        self._read(context, take, cached, take.tokens, cancelled)
                    else:
                        self._read(context, take, cached, [*cached.tokens, take.token], cancelled, counts=False)
            except Cancelled:
                take.reason = "cancelled"
            summary = take.summary()
            if rest := take.rest():
                yield rest
            yield summary
        finally:
            take.close()

    def _read(
        self,
        context: TorchContext,
        take: GenerationState,
        cached: CachedSequence,
        tokens: list[int],
        cancelled: Callable[[], bool],
        counts: bool = True,
    ) -> None:
        with context.watching(cancelled):
            logits, rows_read, tokens_read = context.read(take.key, take.rows, tokens)
        cached.tokens, cached.logits = list(tokens), logits
        take.rows_decoded += rows_read
        take.tokens_decoded += tokens_read if counts else 0

    def _take(self, request: Request) -> GenerationState:
        if request.max_tokens < 0:
            raise BadUsage(f"{request.max_tokens} tokens cannot be written.")
        check_ids(request.sampler, self.info.vocabulary, self.info.name)
        rows = self._rows(request.stack)
        given = request.sampler.seed
        seed = usable_seed(draw_seed() if given is None else given)
        free = self.info.context - request.stack.tokens
        return GenerationState(self._words, request, 0, rows, free, seed, self.tokenize, self._prefixes)

    def together(
        self, requests: Sequence[Request], cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[TextChunk | Finished]:
        """Stream several continuations, one after another; ``sequence`` in each record is the number of its request."""
        for request in requests:
            self._rows(request.stack)  # a stack that does not fit is refused before anything is written
        return sequentially(self, requests, cancelled)

    def log_probabilities(self, text: str, stack: Stack) -> NDArray[np.float32]:
        """Return the natural-log probability of ``text``'s tokens but the first (``[n - 1]``; with a stack ``[n]``).

        Raises:
            BadUsage: text and stack together are longer than the context.
            WrongModel: a module of the stack does not fit.
        """
        tokens = self.tokenize(text)
        check_length(len(tokens), stack, self.info)
        return self.score(tokens, stack)

    # -- inspection, see generation.inspect --

    def piece(self, token: int) -> bytes:
        """Return the bytes ``token`` stands for; they may end inside a letter."""
        return self._words.piece(token)

    def boundary(self, request: Request) -> list[Boundary]:
        """Return the tokens at the end of ``request``'s text that are spelled out again."""
        return self._take(request).boundary

    def next_logits(self, request: Request, before: int = 0) -> NDArray[np.float32]:
        """Return the float32 ``[vocabulary]`` logits behind the text but for ``before`` of the tokens held back."""
        context, take = self._opened(), self._take(request)
        tokens = [*take.tokens, *take.held[: len(take.held) - before]]
        logits, _, _ = context.read(take.key, take.rows, tokens)
        return logits

    def uncached_logits(
        self, tokens: list[int], stack: Stack, cancelled: Callable[[], bool] = lambda: False
    ) -> NDArray[np.float32] | None:
        """Return the float32 ``[vocabulary]`` logits behind ``tokens`` behind ``stack``, and keep nothing of it.

        None where it was cancelled.
        """
        context = self._opened()
        try:
            with context.watching(cancelled):
                return context.glance(self._rows(stack), tokens)
        except Cancelled:
            return None

    def score(self, tokens: list[int], stack: Stack) -> NDArray[np.float32]:
        """Score ids as :meth:`log_probabilities` does; they must fit the context together with the stack."""
        return self._opened().score(stack.digest, self._rows(stack), tokens)

    def score_endings(self, before: list[int], endings: list[list[int]], stack: Stack) -> list[NDArray[np.float32]]:
        """Score each of ``endings`` behind ``before``; see OpenEngine."""
        return [self.score([*before, *ending], stack)[-len(ending) :] for ending in endings]

    def close(self) -> None:
        """Free the model. A second call does nothing."""
        if self._context is None:
            return
        self._context.close()
        self._context = None
        device = self._frozen.device
        del self._frozen
        if device.startswith("cuda"):
            import torch

            torch.cuda.empty_cache()

    def _opened(self) -> TorchContext:
        if self._context is None:
            raise BadUsage("This engine has been closed.")
        return self._context

    def _rows(self, stack: Stack) -> NDArray[np.float32] | None:
        """Return the stack's raw rows, float32 ``[tokens, width]``, or None for the plain model."""
        return rows_of(stack, self.info, self.refusal)
