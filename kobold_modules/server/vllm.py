"""A vLLM server as the one who writes: it gets a stack's rows and the text's as one table of embeddings.

vLLM shards, batches and spans machines; all it needs is ``--enable-prompt-embeds``. The text's rows come from the
embedding table of the same model on this disk, so nothing of the stack has to be known there.
"""

from __future__ import annotations

import base64
import http.client
import io
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

import numpy as np
from numpy.typing import NDArray

from ..errors import BadUsage, EngineFailed, KoboldModulesError
from ..generation import prompt
from ..generation.lore import with_lore
from ..generation.protocol import ModelInfo
from ..generation.stack_rows import rows_of
from ..models.embedding_table import rows_at
from ..models.reference import ModelFile
from ..records import Finished
from .job import Job, Likely, Piece, Work
from .queued_writer import QueuedWriter
from .service import Words


SECONDS = 600.0  # for one answer of vLLM's to begin, behind others
_SCALED = ("gemma",)  # whose transformers models multiply a token's row by sqrt(width) before any layer
_START = "Start it with: vllm serve MODEL --enable-prompt-embeds"


class VllmWriter(QueuedWriter):
    """Sends work to a vLLM server, ``most`` texts at a time. Safe to use from any thread.

    Args:
        url: of the server, as ``http://127.0.0.1:8000``.
        file: the model it serves, on this disk: its vocabulary, and the rows of its table.

    Raises:
        BadUsage: ``url`` is none.
        EngineFailed: nobody answers there, or not as vLLM does.
    """

    def __init__(self, url: str, file: ModelFile, words: Words, opening: int, most: int, waiting: int) -> None:
        super().__init__(most, waiting)
        self._url = _checked(url)
        self._file = file
        self._words = words
        self._opening = opening
        self._model, context = self._ask()
        facts = file.facts
        self.info = ModelInfo(file, context, file.fingerprint.width, words.vocabulary, file.fingerprint)
        self._scale = math.sqrt(self.info.width) if facts.architecture.lower().startswith(_SCALED) else 1.0
        self.wake: Callable[[Sequence[Job]], None] = lambda jobs: None
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(most)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End every text where it is."""
        with self._changed:
            self._closing = True
            for job in [*self._running.values(), *self._queue.drain()]:
                job.cancel()
            self._changed.notify_all()

    # -- in one of the writing threads

    def _run(self) -> None:
        while True:
            with self._changed:
                gone = self._queue.remove_unwanted()
                job = self._queue.take(Counter(one.work.client for one in self._running.values()))
                if job is None and not gone:
                    if self._closing:
                        return
                    self._changed.wait(1.0)
                    continue
                if job is not None:
                    self._running[job.number] = job
            for one in gone:
                self._end(one, Finished("cancelled", 0, 0.0, 0))
            if job is not None:
                self._write(job)

    def _write(self, job: Job) -> None:
        job.began = time.monotonic()
        reason, count = "failed", 0
        try:
            embeds, read = self._embeds(job.work)
            job.prompt_tokens = read
            reason, count = self._stream(job, body_of(job.work, self._model, embeds))
        except KoboldModulesError as error:
            job.error = error
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            job.error = EngineFailed(f"vLLM at {self._url.geturl()} broke off: {error}.", "Look into its log.")
        self._end(job, Finished(reason, count, time.monotonic() - job.began, job.work.request.sampler.seed or 0))

    def _embeds(self, work: Work) -> tuple[NDArray[np.float32], int]:
        """Return the stack's rows and the text's, float32 ``[n, width]`` as inputs_embeds, and how many they are."""
        request = work.request
        if work.books:
            request, _ = with_lore(request, work.books, self.info.context, self._words.tokenize)
        stack = rows_of(request.stack, self.info, "")
        free = min(work.context or self.info.context, self.info.context) - request.stack.tokens
        story = prompt.build(request, request.text, request.max_tokens, free, self._tokens)
        tokens = story.tokens or ([] if stack is not None else [self._opening])
        table = rows_at(self._file.path, self._file.parts, tokens) if tokens else np.zeros((0, self.info.width), "f4")
        whole = table if stack is None else np.concatenate([stack, table])
        return np.ascontiguousarray(whole * np.float32(self._scale), dtype=np.float32), len(whole)

    def _tokens(self, text: str) -> list[int]:
        return self._words.tokenize(text, special=True)

    def _stream(self, job: Job, body: dict[str, Any]) -> tuple[str, int]:
        connection = _connection(self._url, SECONDS)
        try:
            path = f"{self._url.path.rstrip('/')}/v1/completions"
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            if answer.status != 200:
                raise EngineFailed(f"vLLM refuses: {_message(answer.read(65536))}", _START)
            reason, count = "", 0
            for line in answer:
                if job.stopped or self._closing:
                    return "cancelled", count
                if not line.startswith(b"data: {"):
                    continue
                said = json.loads(line[6:])
                if "error" in said:
                    raise EngineFailed(f"vLLM broke off: {_message(line[6:])}")
                for choice in said.get("choices", ()):
                    reason = choice.get("finish_reason") or reason
                    self._hand_over(job, choice)
                count = (said.get("usage") or {}).get("completion_tokens", count)
            return {"stop": "end"}.get(reason, reason or "end"), count
        finally:
            connection.close()

    def _hand_over(self, job: Job, choice: dict[str, Any]) -> None:
        text, told = str(choice.get("text") or ""), choice.get("logprobs")
        if not text and not told:
            return
        likely: tuple[Likely, ...] = ()
        if told and job.work.likely is not None:
            tops = told.get("top_logprobs") or [{}] * len(told["tokens"])
            likely = tuple(
                Likely(
                    token.encode(), -1, logprob, tuple((name.encode(), -1, one) for name, one in (top or {}).items())
                )
                for token, logprob, top in zip(told["tokens"], told["token_logprobs"], tops, strict=False)
            )
        job.text += text
        job.likelihoods += likely
        job.first = job.first or time.monotonic()
        job.pieces.append(Piece(text, likely))
        self._rate.count(1)
        self.wake([job])

    def _end(self, job: Job, record: Finished) -> None:
        self._count_end(job, record)
        job.finished = record
        self.wake([job])

    def _ask(self) -> tuple[str, int]:
        """Return the name of the model that is served there, and the tokens it can look at."""
        try:
            connection = _connection(self._url, 20.0)
            try:
                connection.request("GET", f"{self._url.path.rstrip('/')}/v1/models")
                card = json.loads(connection.getresponse().read(2**20))["data"][0]
                return str(card["id"]), int(card.get("max_model_len") or 4096)
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError, KeyError, IndexError, TypeError) as error:
            raise EngineFailed(f"No vLLM answers at {self._url.geturl()}.", _START) from error


def body_of(work: Work, model: str, embeds: NDArray[np.float32]) -> dict[str, Any]:
    """Return the request to vLLM that continues ``embeds``, float32 ``[n, width]``."""
    request, settings = work.request, work.request.sampler
    body: dict[str, Any] = {
        "model": model,
        "prompt_embeds": encoded(embeds),
        "max_tokens": request.max_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p or 1e-6,
        "top_k": settings.top_k or -1,
        "min_p": settings.min_p,
        "repetition_penalty": settings.repetition,
        "frequency_penalty": settings.frequency,
        "presence_penalty": settings.presence,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if settings.seed is not None:
        body["seed"] = settings.seed
    if request.stop:
        body["stop"] = list(request.stop)
    if settings.banned:
        body["bad_words"] = list(settings.banned)
    bias = {word[1:]: number for word, number in settings.bias if word.startswith("#")}
    if bias:
        body["logit_bias"] = bias
    if work.likely is not None:
        body["logprobs"] = work.likely
    return body


def encoded(rows: NDArray[np.float32]) -> str:
    """Return rows as vLLM reads them: base64 of a tensor as torch saves it."""
    import torch

    buffer = io.BytesIO()
    torch.save(torch.from_numpy(rows.copy()), buffer)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises where it is no number
    except ValueError as error:
        raise BadUsage(f"{url} is no address.", "For example: --url http://127.0.0.1:8000") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise BadUsage(f"{url} is no address of a server.", "For example: --url http://127.0.0.1:8000")
    return parts._replace(path=parts.path.rstrip("/").removesuffix("/v1"))


def _connection(url: SplitResult, seconds: float) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    return kind(url.hostname or "", url.port, timeout=seconds)


def _message(data: bytes) -> str:
    """Return the sentence in an error of vLLM's."""
    try:
        said = json.loads(data)
        found = said.get("error", said)
        return str(found.get("message", found) if isinstance(found, dict) else found)[:300]
    except (ValueError, AttributeError):
        return data[:200].decode("utf-8", "replace")
