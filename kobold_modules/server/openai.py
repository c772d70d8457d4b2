"""OpenAI's API: completions and conversations, with every stack as a model.

``model`` names a stack; what it names must be there, for a text without its stack would look like one with it. With it
come text-generation-webui's two token routes, which SillyTavern asks.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..sampling.settings import Sampler
from .asking import MOST_COPIES, copies, stack_of, work_of
from .body import Body, flag, number, read_body, text, whole, whole_number
from .chat import messages_of, render, stops_of
from .job import Job, Likely
from .koboldai import finish_reason, key_of_body
from .koboldcpp import ids_of
from .likelihoods import chat_logprobs, completion_logprobs
from .problem import Problem
from .service import Service
from .sse import event, side_by_side, stream


DEFAULTS = Sampler(temperature=1.0, min_p=0.0, repetition=1.0)
COMPLETION_LENGTH = 16
CHAT_LENGTH = 512
MOST_PROMPTS = 32


class OpenAi:
    """The routes of /v1."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._began = int(time.time())

    def routes(self) -> list[Route]:
        found: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
            ("GET", "/models", self.models),
            ("GET", "/models/{name:path}", self.model),
            ("POST", "/completions", self.completions),
            ("POST", "/chat/completions", self.chat),
            ("POST", "/internal/encode", self.encode),
            ("POST", "/internal/decode", self.decode),
            ("POST", "/internal/token-count", self.encode),
            ("POST", "/internal/stop-generation", self.stop),
        ]
        return [Route("/v1" + path, handler, methods=[method]) for method, path, handler in found]

    async def models(self, _: Request) -> Response:
        names = self._service.stacks.names()
        current = self._service.stacks.current.name
        # The first is what front ends show as loaded.
        ordered = [current, self._service.name, *names] if current else [self._service.name, *names]
        return JSONResponse({"object": "list", "data": [self._card(name) for name in dict.fromkeys(ordered)]})

    async def model(self, request: Request) -> Response:
        named = stack_of(self._service, {}, str(request.path_params["name"]))
        return JSONResponse(self._card(named.name or self._service.name))

    def _card(self, name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": self._began, "owned_by": "kobold-modules"}

    async def completions(self, request: Request) -> Response:
        body = await read_body(request)
        named = stack_of(self._service, body, body.get("model"))
        likely = _count_of(body, "logprobs")
        works = []
        prompts = _prompts(self._service, body.get("prompt"))
        copied = whole_number(body, ("n",), 1, 1, MOST_COPIES)
        if len(prompts) * copied > MOST_PROMPTS:
            raise Problem(400, f"{MOST_PROMPTS} texts in one request are the most.", field="n")
        for prompt in prompts:
            work = work_of(self._service, request, body, prompt, named, DEFAULTS, COMPLETION_LENGTH, likely=likely)
            works += copies(work, copied)
        jobs = self._service.start(works, key_of_body(body))
        echo = flag(body, "echo")
        return await self._answer(request, body, jobs, _Completion(named.name or self._service.name, echo))

    async def chat(self, request: Request) -> Response:
        body = await read_body(request)
        named = stack_of(self._service, body, body.get("model"))
        messages = messages_of(body.get("messages"))
        likely = whole_number(body, ("top_logprobs",), 0, 0, 20) if flag(body, "logprobs") else None
        chat = self._service.chat
        prompt, room = render(chat, messages), max(1, min(CHAT_LENGTH, self._service.context // 2))
        work = work_of(self._service, request, body, prompt, named, DEFAULTS, room, likely=likely, stops=stops_of(chat))
        jobs = self._service.start(copies(work, whole_number(body, ("n",), 1, 1, MOST_COPIES)), key_of_body(body))
        return await self._answer(request, body, jobs, _Chat(named.name or self._service.name))

    async def _answer(self, request: Request, body: Body, jobs: list[Job], shape: _Shape) -> Response:
        live = self._service.live
        if not flag(body, "stream"):
            await live.all(jobs, request)
            choices = [shape.choice(number, job) for number, job in enumerate(jobs)]
            return JSONResponse(shape.whole(choices) | {"usage": _usage(jobs)})
        await live.begun(jobs[0])
        options = body.get("stream_options")
        with_usage = isinstance(options, dict) and flag(options, "include_usage")

        async def events() -> AsyncIterator[bytes]:
            for at, job in enumerate(jobs):
                if first := shape.first(at, job):
                    yield event(shape.chunk(first))
            end, left = b"", len(jobs)
            async for at, piece in side_by_side(live, jobs):
                if piece is not None:
                    end += event(shape.chunk(shape.piece(at, piece.text, piece.tokens)))
                    if len(jobs) == 1 and jobs[at].is_whole:
                        continue  # its last words go with its end: each write takes time from the engine
                else:
                    end += event(shape.chunk(shape.last(at, finish_reason(jobs[at]))))
                    left -= 1
                if left:
                    yield end
                    end = b""
            if with_usage:
                end += event(shape.chunk() | {"choices": [], "usage": _usage(jobs)})
            yield end + event("[DONE]")

        return stream(events(), request.url.path)

    async def encode(self, request: Request) -> Response:
        ids = self._service.count(text(await read_body(request), "text"))
        return JSONResponse({"tokens": ids, "length": len(ids)})

    async def decode(self, request: Request) -> Response:
        return JSONResponse({"text": self._service.text_of(ids_of((await read_body(request)).get("tokens"), "tokens"))})

    async def stop(self, request: Request) -> Response:
        job = self._service.by_key(key_of_body(await read_body(request)))
        if job is not None:
            job.cancel()
        return JSONResponse({})


class _Shape:
    """How one of the two kinds of answer looks."""

    prefix, kind, streamed = "cmpl", "text_completion", "text_completion"

    def __init__(self, model: str) -> None:
        self._head: dict[str, Any] = {
            "id": f"{self.prefix}-{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": model,
        }

    def whole(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {**self._head, "object": self.kind, "choices": choices}

    def chunk(self, *choices: dict[str, Any]) -> dict[str, Any]:
        return {**self._head, "object": self.streamed, "choices": list(choices)}

    def choice(self, number: int, job: Job) -> dict[str, Any]:
        raise NotImplementedError

    def first(self, number: int, job: Job) -> dict[str, Any] | None:
        """Return what a stream begins with, if anything."""
        raise NotImplementedError

    def piece(self, number: int, written: str, tokens: Sequence[Likely]) -> dict[str, Any]:
        raise NotImplementedError

    def last(self, number: int, reason: str | None) -> dict[str, Any]:
        raise NotImplementedError


class _Completion(_Shape):
    def __init__(self, model: str, echo: bool) -> None:
        super().__init__(model)
        self._echo = echo

    def choice(self, number: int, job: Job) -> dict[str, Any]:
        before = job.work.request.text if self._echo else ""
        logprobs = completion_logprobs(job.likelihoods, len(before)) if job.work.likely is not None else None
        return self._choice(number, before + job.text, logprobs, finish_reason(job))

    def first(self, number: int, job: Job) -> dict[str, Any] | None:
        return self._choice(number, job.work.request.text) if self._echo else None

    def piece(self, number: int, written: str, tokens: Sequence[Likely]) -> dict[str, Any]:
        return self._choice(number, written, completion_logprobs(tokens) if tokens else None)

    def last(self, number: int, reason: str | None) -> dict[str, Any]:
        return self._choice(number, "", None, reason)

    @staticmethod
    def _choice(number: int, written: str, logprobs: Any = None, reason: str | None = None) -> dict[str, Any]:
        return {"text": written, "index": number, "logprobs": logprobs, "finish_reason": reason}


class _Chat(_Shape):
    prefix, kind, streamed = "chatcmpl", "chat.completion", "chat.completion.chunk"

    def choice(self, number: int, job: Job) -> dict[str, Any]:
        logprobs = chat_logprobs(job.likelihoods) if job.work.likely is not None else None
        message = {"role": "assistant", "content": job.text, "refusal": None}
        return {"index": number, "message": message, "logprobs": logprobs, "finish_reason": finish_reason(job)}

    def first(self, number: int, job: Job) -> dict[str, Any] | None:
        return self._delta(number, {"role": "assistant", "content": ""})

    def piece(self, number: int, written: str, tokens: Sequence[Likely]) -> dict[str, Any]:
        return self._delta(number, {"content": written}, chat_logprobs(tokens) if tokens else None)

    def last(self, number: int, reason: str | None) -> dict[str, Any]:
        return self._delta(number, {}, None, reason)

    @staticmethod
    def _delta(number: int, delta: dict[str, Any], logprobs: Any = None, reason: str | None = None) -> dict[str, Any]:
        return {"index": number, "delta": delta, "logprobs": logprobs, "finish_reason": reason}


def _usage(jobs: Sequence[Job]) -> dict[str, int]:
    read = sum(job.prompt_tokens for job in jobs)
    written = sum(job.finished.tokens for job in jobs if job.finished is not None)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _count_of(body: Body, name: str) -> int | None:
    """Return how many likely tokens are asked for; None for none: false, null, or nothing."""
    value = body.get(name)
    if value is None or value is False:
        return None
    if value is True:
        return 1
    found = number(value)
    if found is None:
        raise Problem(400, f"{name} should be a number.", field=name)
    return int(max(0, min(20, found)))


def _prompts(service: Service, value: Any) -> list[str]:
    """Return the texts of a completion: one, or several, each as text or token ids. Raises Problem."""
    if value is None:
        return [""]
    if isinstance(value, str):
        return [whole(value)]
    if isinstance(value, list) and value:
        if all(isinstance(item, str) for item in value):
            return [whole(item) for item in value]
        if all(isinstance(item, int) for item in value):
            return [service.text_of(ids_of(value, "prompt"))]
        if all(isinstance(item, list) for item in value):
            return [service.text_of(ids_of(item, "prompt")) for item in value[: MOST_PROMPTS + 1]]
    raise Problem(400, "prompt should be a text, a list of texts, or token ids.", field="prompt")
