"""koboldcpp's additions to KoboldAI's API: streams, keys to a generation, tokens, and the admin's list as stack picker.

KoboldAI Lite and SillyTavern ask for the version first and then only for what it has: it is the one whose features are
here, and what is not here is said to be off.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .body import read_body, text
from .koboldai import KoboldAi, choose, finish_reason, key_of_body
from .likelihoods import chat_logprobs
from .problem import Problem
from .service import Service
from .sse import event, stream
from .stacks import NONE


VERSION = "1.83"
_OFF = [
    "txt2img",
    "vision",
    "audio",
    "transcribe",
    "multiplayer",
    "websearch",
    "tts",
    "embeddings",
    "music",
    "savedata",
    "guidance",
]
_STOP_REASONS = {"length": 0, "end": 1, "stop": 2}
MOST_IDS = 1_000_000


class KoboldCpp:
    """The routes of /api/extra and /api/admin."""

    def __init__(self, service: Service, koboldai: KoboldAi) -> None:
        self._service = service
        self._koboldai = koboldai
        self._began = time.monotonic()

    def routes(self) -> list[Route]:
        found: list[tuple[list[str], str, Callable[[Request], Awaitable[Response]]]] = [
            (["GET"], "/api/extra/version", self.version),
            (["GET"], "/api/extra/true_max_context_length", self.context),
            (["GET"], "/api/extra/preloadstory", self.nothing),
            (["GET"], "/api/extra/perf", self.perf),
            (["POST"], "/api/extra/generate/stream", self.stream),
            (["GET", "POST"], "/api/extra/generate/check", self.check),
            (["POST"], "/api/extra/abort", self.abort),
            (["POST"], "/api/extra/tokencount", self.count),
            (["POST"], "/api/extra/tokenize", self.count),
            (["POST"], "/api/extra/detokenize", self.detokenize),
            (["GET", "POST"], "/api/extra/last_logprobs", self.last_logprobs),
            (["GET"], "/api/admin/list_options", self.list_options),
            (["POST"], "/api/admin/reload_config", self.reload_config),
        ]
        return [Route(path, handler, methods=methods) for methods, path, handler in found]

    async def version(self, _: Request) -> Response:
        keyed = self._service.keyed
        said: dict[str, Any] = {"result": "KoboldCpp", "version": VERSION, "protected": keyed}
        said |= dict.fromkeys(_OFF, False)
        return JSONResponse(said | {"jinja": False, "llm": True, "admin": 2 if keyed else 1})

    async def context(self, _: Request) -> Response:
        return JSONResponse({"value": self._service.room()})

    async def nothing(self, _: Request) -> Response:
        return JSONResponse({})

    async def perf(self, _: Request) -> Response:
        stats, latest = self._service.writer.stats(), self._service.latest
        said: dict[str, Any] = {
            "total_gens": stats.finished,
            "queue": stats.waiting,
            "idle": int(not stats.writing and not stats.waiting),
            "uptime": round(time.monotonic() - self._began, 1),
            "quiet": False,
            "hordeexitcounter": 0,
            "total_img_gens": 0,
        }
        last, reading, writing, count = stats.last, 0.0, 0.0, 0
        if last is not None:
            count = last.tokens
            if latest is not None and latest.first:
                reading = max(0.0, latest.first - latest.began)
            writing = max(0.0, last.seconds - reading)
        return JSONResponse(
            said
            | {
                "last_process": round(reading, 3),
                "last_eval": round(writing, 3),
                "last_token_count": count,
                "last_input_count": 0 if latest is None else latest.prompt_tokens,
                "last_seed": -1 if last is None else last.seed,
                "last_eval_speed": round(count / writing, 2) if writing else 0.0,
                "last_process_speed": round(latest.prompt_tokens / reading, 2) if latest and reading else 0.0,
                "stop_reason": -1 if last is None else _STOP_REASONS.get(last.reason, -1),
            }
        )

    async def stream(self, request: Request) -> Response:
        body = await self._koboldai.body(request)
        works = self._koboldai.works(request, {**body, "n": 1})
        job = self._service.start(works, key_of_body(body))[0]
        live = self._service.live
        await live.begun(job)

        async def events() -> AsyncIterator[bytes]:
            async for piece in live.pieces(job):
                if piece.text:
                    yield event({"token": piece.text, "finish_reason": None}, "message")
            yield event({"token": "", "finish_reason": finish_reason(job)}, "message")

        return stream(events(), request.url.path)

    async def check(self, request: Request) -> Response:
        job = self._service.by_key(key_of_body(await read_body(request)))
        running = job is not None and job.finished is None
        return JSONResponse({"results": [{"text": job.text if job is not None and running else ""}]})

    async def abort(self, request: Request) -> Response:
        job = self._service.by_key(key_of_body(await read_body(request)))
        if job is None or job.finished is not None:
            return JSONResponse({"success": False, "done": True})
        job.cancel()
        return JSONResponse({"success": True, "done": False})

    async def count(self, request: Request) -> Response:
        ids = self._service.count(text(await read_body(request), "prompt"))
        return JSONResponse({"value": len(ids), "ids": ids})

    async def detokenize(self, request: Request) -> Response:
        ids = ids_of((await read_body(request)).get("ids"), "ids")
        return JSONResponse({"result": self._service.text_of(ids), "success": True})

    async def last_logprobs(self, request: Request) -> Response:
        job = self._service.by_key(key_of_body(await read_body(request)))
        told = chat_logprobs(job.likelihoods) if job is not None and job.work.likely is not None else None
        return JSONResponse({"logprobs": told})

    async def list_options(self, _: Request) -> Response:
        return JSONResponse([NONE, *self._service.stacks.names()])

    async def reload_config(self, request: Request) -> Response:
        body = await read_body(request)
        choose(self._service, text(body, "filename").strip(), "filename")
        return JSONResponse({"success": True})


def ids_of(value: Any, field: str) -> list[int]:
    """Return token ids out of a body. Raises Problem for anything else."""
    if not isinstance(value, list) or len(value) > MOST_IDS:
        raise Problem(422, f"{field} should be a list of token ids.", field=field)
    if not all(isinstance(item, int) and not isinstance(item, bool) for item in value):
        raise Problem(422, f"{field} should be a list of token ids.", field=field)
    return value
