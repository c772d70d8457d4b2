"""llama-server's own routes: completion, tokens, what is loaded, and its adapters, which are modules here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .. import __version__
from ..errors import KoboldModulesError
from ..sampling.settings import Sampler
from .asking import stack_of, work_of
from .body import flag, number, read_body, read_json, text, whole, whole_number
from .chat import messages_of, render
from .job import Job, Likely
from .koboldai import key_of_body
from .koboldcpp import ids_of
from .likelihoods import probabilities
from .problem import Problem, of_error
from .service import Service
from .sse import event, stream
from .stacks import NONE


DEFAULTS = Sampler(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05, repetition=1.0, repetition_range=64)
_STOP_TYPES = {"length": "limit", "stop": "word", "end": "eos"}


class LlamaCpp:
    """The routes of llama-server."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        found: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
            ("POST", "/completion", self.completion),
            ("POST", "/completions", self.completion),
            ("POST", "/tokenize", self.tokenize),
            ("POST", "/detokenize", self.detokenize),
            ("POST", "/apply-template", self.apply_template),
            ("GET", "/props", self.props),
            ("GET", "/health", self.health),
            ("GET", "/v1/health", self.health),
            ("GET", "/lora-adapters", self.adapters),
            ("POST", "/lora-adapters", self.set_adapters),
        ]
        return [Route(path, handler, methods=[method]) for method, path, handler in found]

    async def completion(self, request: Request) -> Response:
        body = await read_body(request)
        named = stack_of(self._service, body, body.get("model"))
        likely = whole_number(body, ("n_probs",), 0, 0, 20) or None
        prompt = self._prompt(body.get("prompt"))
        work = work_of(self._service, request, body, prompt, named, DEFAULTS, self._service.context // 2, likely=likely)
        job = self._service.start([work], key_of_body(body))[0]
        live = self._service.live
        if not flag(body, "stream"):
            await live.all([job], request)
            return JSONResponse(self._last(job, job.text, job.likelihoods))
        await live.begun(job)

        async def events() -> AsyncIterator[bytes]:
            async for piece in live.pieces(job):
                said: dict[str, Any] = {"index": 0, "content": piece.text, "stop": False}
                if piece.tokens:
                    said["completion_probabilities"] = probabilities(piece.tokens)
                yield event(said)
            yield event(self._last(job, "", ()))

        return stream(events(), request.url.path)

    def _prompt(self, value: Any) -> str:
        if isinstance(value, str):
            return whole(value)
        if isinstance(value, list):  # texts and token ids, mixed
            parts = [
                item if isinstance(item, str) else self._service.text_of(ids_of([item], "prompt")) for item in value
            ]
            return whole("".join(parts))
        raise Problem(400, "prompt should be a text, or a list of texts and token ids.", field="prompt")

    def _last(self, job: Job, written: str, tokens: tuple[Likely, ...] | list[Likely]) -> dict[str, Any]:
        finished = job.finished
        assert finished is not None
        reading = max(0.0, job.first - job.began) if job.first else 0.0
        writing = max(1e-6, finished.seconds - reading)
        said: dict[str, Any] = {
            "index": 0,
            "content": written,
            "stop": True,
            "stop_type": _STOP_TYPES.get(finished.reason, "none"),
            "stopping_word": "",
            "model": self._service.name,
            "tokens_predicted": finished.tokens,
            "tokens_evaluated": job.prompt_tokens,
            "tokens_cached": max(0, job.prompt_tokens - finished.text_decoded - finished.prefix_decoded),
            "truncated": finished.left_out > 0,
            "generation_settings": {"seed": finished.seed, "n_ctx": self._service.context},
            "timings": {
                "prompt_n": finished.text_decoded,
                "prompt_ms": round(1000 * reading, 3),
                "predicted_n": finished.tokens,
                "predicted_ms": round(1000 * writing, 3),
                "predicted_per_second": round(finished.tokens / writing, 2),
            },
        }
        if tokens:
            said["completion_probabilities"] = probabilities(tokens)
        return said

    async def tokenize(self, request: Request) -> Response:
        body = await read_body(request)
        ids = self._service.words.tokenize(text(body, "content"), special=flag(body, "parse_special", True))
        if flag(body, "with_pieces"):
            pieces = [self._service.words.spelling(token) for token in ids]
            return JSONResponse(
                {"tokens": [{"id": token, "piece": _piece(piece)} for token, piece in zip(ids, pieces, strict=True)]}
            )
        return JSONResponse({"tokens": ids})

    async def detokenize(self, request: Request) -> Response:
        ids = ids_of((await read_body(request)).get("tokens"), "tokens")
        return JSONResponse({"content": self._service.text_of(ids)})

    async def apply_template(self, request: Request) -> Response:
        messages = messages_of((await read_body(request)).get("messages"))
        return JSONResponse({"prompt": render(self._service.chat, messages)})

    async def props(self, _: Request) -> Response:
        room = self._service.room()
        return JSONResponse(
            {
                "default_generation_settings": {"n_ctx": room, "params": {}},
                "total_slots": 1,
                "model_path": self._service.name,
                "model_alias": self._service.name,
                "chat_template": self._service.chat.source if self._service.chat is not None else "",
                "bos_token": self._service.bos,
                "eos_token": self._service.eos,
                "modalities": {"vision": False, "audio": False},
                "build_info": f"kobold-modules {__version__}",
            }
        )

    async def health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def adapters(self, _: Request) -> Response:
        current = {layer.module.name: layer.strength for layer in self._service.stacks.current.stack.active}
        modules = self._service.stacks.modules()
        return JSONResponse(
            [{"id": at, "path": entry.name, "scale": current.get(entry.name, 0.0)} for at, entry in enumerate(modules)]
        )

    async def set_adapters(self, request: Request) -> Response:
        """Set the stack for all from a list of ids and scales: what is not in it, or is 0, is off."""
        data = await read_json(request)
        if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
            raise Problem(400, "The body should be a list of adapters: an id and a scale each.")
        modules = self._service.stacks.modules()
        parts: list[tuple[str, float]] = []
        for item in data:
            at, scale = item.get("id"), number(item.get("scale", 0.0))
            if not isinstance(at, int) or isinstance(at, bool) or not 0 <= at < len(modules) or scale is None:
                raise Problem(400, "Each adapter should be an id of GET /lora-adapters and a scale.")
            if scale:
                parts.append((modules[at].name, scale))
        try:
            name = " + ".join(part if scale == 1 else f"{part}:{scale:g}" for part, scale in parts)
            stacks = self._service.stacks
            if parts:
                stacks.current = stacks.joined(parts, name)
            else:
                stacks.choose(NONE)
        except KoboldModulesError as error:
            raise of_error(error) from error
        return JSONResponse({"success": True})


def _piece(piece: bytes) -> str | list[int]:
    """Return a token's text, or its bytes where they are no text by themselves."""
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return list(piece)
