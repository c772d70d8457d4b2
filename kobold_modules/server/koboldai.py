"""KoboldAI's own API, /api/v1: with soft prompt routes that do what they say.

What is set with PUT is the default of the generate call, as in KoboldAI. A soft prompt is a module of the library or a
stack kept by name.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..errors import KoboldModulesError
from ..sampling.settings import Sampler
from .asking import MOST_COPIES, copies, stack_of, work_of
from .body import Body, flag, number, read_body, text, whole_number
from .job import Job, Work
from .problem import Problem, of_error
from .service import Service


API_VERSION = "1.2.5"
PREFIXES = ("/api/v1", "/api/latest")
LENGTH = 80
DEFAULTS = Sampler(temperature=0.75, top_p=0.92, top_k=100, min_p=0.0, repetition=1.0, repetition_range=320)
LIKELY = 5  # tokens beside each that is written, where probabilities are asked for
# Settings that are kept and used where a request names none; the others of KoboldAI's are kept and change nothing.
SETTINGS = [
    "max_length",
    "max_context_length",
    "rep_pen",
    "rep_pen_range",
    "rep_pen_slope",
    "temperature",
    "tfs",
    "top_a",
    "top_k",
    "top_p",
    "typical",
    "sampler_order",
    "sampler_seed",
    "singleline",
    "frmttriminc",
    "frmtrmblln",
    "frmtrmspch",
    "frmtadsnsp",
    "add_sentence_spacing",
]
_SENTENCE_END = re.compile(r"""[.!?…。！？]["'”’»)\]*_]*(?=\s|$)""")


class KoboldAi:
    """The routes of /api/v1, and what the settings are set to."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.settings: dict[str, Any] = {}

    def routes(self) -> list[Route]:
        found: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
            ("GET", "/model", self.model),
            ("PUT", "/model", self.put_model),
            ("GET", "/info/version", self.version),
            ("POST", "/generate", self.generate),
            ("GET", "/config/soft_prompts_list", self.soft_prompts),
            ("GET", "/config/soft_prompt", self.soft_prompt),
            ("PUT", "/config/soft_prompt", self.put_soft_prompt),
            ("GET", "/config/{setting}", self.setting),
            ("PUT", "/config/{setting}", self.put_setting),
        ]
        return [
            Route(prefix + path, handler, methods=[method]) for prefix in PREFIXES for method, path, handler in found
        ]

    async def model(self, _: Request) -> Response:
        current = self._service.stacks.current.name
        return JSONResponse({"result": self._service.name + (f" + {current}" if current else "")})

    async def put_model(self, _: Request) -> Response:
        raise Problem(501, "Another model needs another start of the server.", kind="not_implemented")

    async def version(self, _: Request) -> Response:
        return JSONResponse({"result": API_VERSION})

    async def soft_prompts(self, _: Request) -> Response:
        return JSONResponse({"values": [{"value": name} for name in self._service.stacks.names()]})

    async def soft_prompt(self, _: Request) -> Response:
        return JSONResponse({"value": self._service.stacks.current.name})

    async def put_soft_prompt(self, request: Request) -> Response:
        body = await read_body(request)
        choose(self._service, text(body, "value").strip(), "value")
        return JSONResponse({})

    async def setting(self, request: Request) -> Response:
        name = _known(request)
        return JSONResponse({"value": self.settings.get(name, self._usual(name))})

    async def put_setting(self, request: Request) -> Response:
        name, body = _known(request), await read_body(request)
        value = body.get("value")
        if name == "sampler_order":
            if not isinstance(value, list) or len(value) > 16:
                raise Problem(422, "The order of samplers should be a list of numbers.", field="value")
        elif number(value) is None:
            raise Problem(422, f"{name} should be a number.", field="value")
        self.settings[name] = value
        return JSONResponse({})

    async def generate(self, request: Request) -> Response:
        body = await self.body(request)
        works = self.works(request, body)
        jobs = self._service.start(works, key_of_body(body))
        await self._service.live.all(jobs, request)
        return JSONResponse({"results": [result_of(job, body) for job in jobs]})

    async def body(self, request: Request) -> Body:
        """Return the request's body on top of what is set. Raises Problem."""
        own = await read_body(request)
        return {**{name: value for name, value in self.settings.items() if name != "sampler_order"}, **own}

    def works(self, request: Request, body: Body) -> list[Work]:
        """Return the work a generate call asks for. Raises Problem."""
        if body.get("prompt") is None:
            raise Problem(422, "prompt is missing: the text to continue.", field="prompt")
        likely = LIKELY if flag(body, "logprobs") else None
        stops = ("\n",) if flag(body, "singleline") else ()
        named = stack_of(self._service, body)
        prompt = text(body, "prompt")
        work = work_of(self._service, request, body, prompt, named, DEFAULTS, LENGTH, likely=likely, stops=stops)
        return copies(work, whole_number(body, ("n",), 1, 1, MOST_COPIES))

    def _usual(self, name: str) -> Any:
        usual: dict[str, Any] = {
            "max_length": LENGTH,
            "max_context_length": self._service.room(),
            "rep_pen": DEFAULTS.repetition,
            "rep_pen_range": DEFAULTS.repetition_range,
            "temperature": DEFAULTS.temperature,
            "top_k": DEFAULTS.top_k,
            "top_p": DEFAULTS.top_p,
            "typical": 1.0,
            "tfs": 1.0,
            "sampler_order": [6, 0, 1, 3, 4, 2, 5],
            "sampler_seed": -1,
        }
        return usual.get(name, 0)


def choose(service: Service, name: str, field: str) -> None:
    """Make the stack called ``name`` the one for all who name none. Raises Problem as KoboldAI says it."""
    if any(letter in name for letter in "/\\") or not name.isprintable():
        raise Problem(422, "Must be a valid soft prompt name.", field=field)
    try:
        service.stacks.choose(name)
    except KoboldModulesError as error:
        problem = of_error(error)
        raise Problem(422, f"Must be a valid soft prompt name. {problem.message}", field=field) from error


def key_of_body(body: Body) -> str:
    """Return the generation key under which a client asks for its text again."""
    key = body.get("genkey")
    return key[:200] if isinstance(key, str) else ""


def result_of(job: Job, body: Body) -> dict[str, Any]:
    """Return a finished text as KoboldAI and koboldcpp return it."""
    found: dict[str, Any] = {
        "text": _formatted(job.text, body),
        "finish_reason": finish_reason(job),
        "prompt_tokens": job.prompt_tokens,
        "completion_tokens": job.finished.tokens if job.finished is not None else 0,
    }
    if job.work.likely is not None:
        from .likelihoods import chat_logprobs

        found["logprobs"] = chat_logprobs(job.likelihoods)
    return found


def finish_reason(job: Job) -> str | None:
    """Return why a text ended: ``length``, or ``stop``; None while it goes on."""
    if job.finished is None:
        return None
    return "length" if job.finished.reason == "length" else "stop"


def _formatted(written: str, body: Body) -> str:
    """Return ``written`` in the shape that KoboldAI's switches ask for."""
    if flag(body, "frmttriminc") and (ends := list(_SENTENCE_END.finditer(written))):
        written = written[: ends[-1].end()]
    if flag(body, "frmtrmblln"):
        written = re.sub(r"\n{2,}", "\n", written)
    if flag(body, "frmtrmspch"):
        written = re.sub(r"[#/@%{}+=~|\^<>]", "", written)
    return written


def _known(request: Request) -> str:
    name = str(request.path_params["setting"])
    if name not in SETTINGS:
        raise Problem(404, "There is no such setting.", kind="not_found_error")
    return name
