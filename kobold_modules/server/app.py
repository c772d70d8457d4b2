"""The web application: all dialects over one service, the page at /, and every failure as a sentence."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ..errors import KoboldModulesError
from .access import Access, Guard
from .koboldai import KoboldAi
from .koboldcpp import KoboldCpp
from .llamacpp import LlamaCpp
from .openai import OpenAi
from .page import page
from .problem import Problem, body_of, of_error
from .service import Service


class Own:
    """Our own routes: the page, KoboldAI Lite's where the person has it, and what the server is doing."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._began = time.monotonic()

    def routes(self) -> list[Route]:
        found = [
            Route("/", self.page, methods=["GET"]),
            Route("/stats", self.stats, methods=["GET"]),
            Route("/favicon.ico", self.nothing, methods=["GET"]),
        ]
        if self._service.lite:
            found.append(Route("/lite", self.lite, methods=["GET"]))
        return found

    async def page(self, _: Request) -> Response:
        headers = {"Content-Security-Policy": page.policy, "X-Frame-Options": "DENY"}
        return HTMLResponse(page.html, headers=headers)

    async def lite(self, _: Request) -> Response:
        return Response(self._service.lite, media_type="text/html; charset=utf-8")

    async def nothing(self, _: Request) -> Response:
        return Response(status_code=204)

    async def stats(self, _: Request) -> Response:
        return JSONResponse(stats_of(self._service) | {"uptime": round(time.monotonic() - self._began, 1)})


def stats_of(service: Service) -> dict[str, Any]:
    """Return what the server is doing, as /stats and ``serve --json`` tell it."""
    said = asdict(service.writer.stats())
    said.pop("last")
    return {"model": service.name, "stack": service.stacks.current.name, "context": service.room()} | said


def build(service: Service, access: Access) -> ASGIApp:
    """Return the application."""
    koboldai = KoboldAi(service)
    dialects = (Own(service), koboldai, KoboldCpp(service, koboldai), OpenAi(service), LlamaCpp(service))
    app = Starlette(
        routes=[route for dialect in dialects for route in dialect.routes()],
        exception_handlers={
            Problem: _problem,
            KoboldModulesError: _own_error,
            HTTPException: _http_error,
            ClientDisconnect: _gone,
            Exception: _unexpected,
        },
    )
    return Guard(app, access)


def _answer(problem: Problem, request: Request) -> Response:
    return JSONResponse(body_of(problem, request.url.path), problem.status, problem.headers)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return _answer(error, request)


async def _own_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, KoboldModulesError)
    return _answer(of_error(error), request)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = {404: "There is no such route here.", 405: "This route takes another method."}
    problem = Problem(error.status_code, said.get(error.status_code, str(error.detail)))
    answer = _answer(problem, request)
    answer.headers.update(dict(error.headers or {}))
    return answer


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=499)


async def _unexpected(request: Request, error: Exception) -> Response:
    logging.getLogger(__name__).error("a request failed", exc_info=error)
    return _answer(Problem(500, "Something broke while this request was answered; the log has more."), request)
