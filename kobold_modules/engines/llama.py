"""The engine that writes: llama.cpp through its low-level interface.

A stack's rows are decoded before the text as embeddings, without BOS: exactly what KoboldAI injects and what training
trained through. llama.cpp's asserts end the process it runs in, so programs with a screen keep this engine in a worker.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from ..errors import BadUsage, WrongModel
from ..fingerprint import Fingerprint
from ..models.native_model import NativeModel
from ..records import Piece, Written
from ..stack import Stack
from .base import ModelInfo, Request
from .context_window import Window, fit
from .decoder import Cancelled, Decoder
from .prefix_cache import DEFAULT_LIMIT, PrefixCache
from .sampler_chain import SamplerChain, usable_seed
from .text_stream import TextStream


DEFAULT_CONTEXT = 4096  # more costs memory whether it is used or not; ask for it with ``context``


class LlamaEngine:
    """One GGUF model. A context manager; :meth:`close` frees everything.

    Args:
        path: the .gguf file.
        name: what to call it; the file's name without its ending by default.
        context: tokens to keep room for; 0 means what the model was trained for, at most 4096.
        fingerprint: of the model, if the caller knows it; read from the file otherwise.
        snapshots: bytes of memory for the kept states of stacks.
        exact: float32 keys and values and plain attention, for tests and comparisons; slower.
        progress: hears how much of the file is loaded (0 to 1); returning False stops the load.

    Raises:
        NoModel, OutOfRoom, EngineFailed: see NativeModel and Decoder.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        name: str | None = None,
        context: int = 0,
        fingerprint: Fingerprint | None = None,
        snapshots: int = DEFAULT_LIMIT,
        exact: bool = False,
        progress: Callable[[float], bool] | None = None,
    ) -> None:
        path = Path(path)
        if context < 0:
            raise BadUsage(f"A context of {context} tokens makes no sense.")
        self._decoder: Decoder | None = None
        self._model = NativeModel(path, progress)
        try:
            if fingerprint is None:
                from ..models.identify import fingerprint_of_file

                fingerprint = fingerprint_of_file(path)
            trained = self._model.context or DEFAULT_CONTEXT
            self._decoder = Decoder(
                self._model, min(trained, context or DEFAULT_CONTEXT), PrefixCache(snapshots), exact
            )
        except BaseException:
            self.close()
            raise
        self.info = ModelInfo(
            name=name or path.stem,
            path=str(path),
            context=self._decoder.context,
            width=self._model.width,
            vocabulary=self._model.vocabulary,
            fingerprint=fingerprint,
        )

    @property
    def refusal(self) -> str:
        """Why this model takes no modules, in a sentence; empty for nearly all."""
        return self._model.injection.refusal

    def tokenize(self, text: str) -> list[int]:
        """Ids of ``text`` exactly as it will be decoded: no BOS, no prefix space added."""
        return self._model.tokenize(text)

    def generate(self, request: Request, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Piece | Written]:
        """Stream the continuation; the last record is Written. A cancel ends it within 100 ms.

        The same text, stack, settings and seed give the same continuation (to rounding, see Decoder.place_text). An
        empty page without a stack begins behind the model's BOS, for a model cannot begin behind nothing.

        Raises:
            WrongModel: a module of the stack does not fit.
            BadUsage: the stack leaves no room for text.
            EngineFailed: llama.cpp broke.
        """
        began = time.perf_counter()
        decoder = self._open()
        if request.max_tokens < 0:
            raise BadUsage(f"{request.max_tokens} tokens cannot be written.")
        rows = self._rows(request.stack)
        settings = request.sampler
        seed = usable_seed(secrets.randbits(31) if settings.seed is None else settings.seed)
        stream = TextStream(request.stop)
        prefix_decoded = text_decoded = count = 0
        reason = "length"
        with decoder.watching(cancelled):
            try:
                prefix_decoded = decoder.place_prefix(request.stack.digest, rows)
                tokens = self._window(request).tokens
                if not tokens and rows is None:
                    tokens = [self._model.opening]
                text_decoded = decoder.place_text(tokens)
                with SamplerChain(settings, seed, self._model.vocabulary, tokens) as chain:
                    while count < request.max_tokens:
                        if cancelled():
                            raise Cancelled
                        token = chain.sample(decoder.logits())
                        if self._model.ends(token):
                            reason = "end"
                            break
                        count += 1
                        text, met = stream.feed(self._model.piece(token))
                        if text:
                            yield Piece(text)
                        if met:
                            reason = "stop"
                            break
                        if count == request.max_tokens or decoder.room < 1:
                            break
                        decoder.append(token)
            except Cancelled:
                reason = "cancelled"
            if rest := stream.finish():
                yield Piece(rest)
        yield Written(reason, count, time.perf_counter() - began, seed, prefix_decoded, text_decoded)

    def log_probabilities(self, text: str, stack: Stack) -> NDArray[np.float32]:
        """Natural-log probability of each token of ``text`` but the first (shape ``[n - 1]``; with a stack ``[n]``).

        Raises:
            BadUsage: text and stack together are longer than the context.
            WrongModel: a module of the stack does not fit.
        """
        decoder = self._open()
        rows = self._rows(stack)
        tokens = self.tokenize(text)
        needed = len(tokens) + stack.tokens
        if needed > decoder.context:
            raise BadUsage(
                f"Text and stack are {needed} tokens, the context of {self.info.name} holds {decoder.context}.",
                "Measure a shorter text, or load the model with a larger context.",
            )
        decoder.place_prefix(stack.digest, rows)
        return decoder.score(tokens)

    def close(self) -> None:
        """Free the context, then the model. A second call does nothing."""
        if self._decoder is not None:
            self._decoder.close()
        self._decoder = None
        self._model.close()

    def __enter__(self) -> LlamaEngine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _open(self) -> Decoder:
        if self._decoder is None:
            raise BadUsage("This engine has been closed.")
        return self._decoder

    def _rows(self, stack: Stack) -> NDArray[np.float32] | None:
        """The stack as it is injected, float32 ``[tokens, width_in]``, or None for the plain model."""
        stack.check(self.info.fingerprint, self.info.name)
        matrix = stack.matrix()
        if matrix is None:
            return None
        if self.refusal:
            raise WrongModel(self.refusal, "Take the modules off, or load another model.")
        if matrix.shape[1] != self._model.width:
            raise WrongModel(
                f"The stack's vectors are {matrix.shape[1]} wide, {self.info.name} needs {self._model.width}."
            )
        if len(matrix) > self.info.context - 64:
            raise BadUsage(
                f"The stack takes {len(matrix)} of the {self.info.context} tokens that {self.info.name} can hold.",
                "Take modules off, or load the model with a larger context.",
            )
        return self._model.injection.rows(matrix)

    def _window(self, request: Request) -> Window:
        """The end of the text that fits with room for what is to be written, which gets at most half of the context."""
        free = self.info.context - request.stack.tokens
        return fit(request.text, max(1, free - min(request.max_tokens, free // 2)), self.tokenize)
