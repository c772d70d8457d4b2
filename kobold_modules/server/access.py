"""Who may talk to the server: checks of Host, Origin and key in front of every route.

A page in a browser can reach servers on one's own machine. So a request with an Origin is answered only where the page
is our own or its origin was named, and a Host that is a name of somebody else's (DNS rebinding) is refused.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problem import Problem, body_of


OPEN = {"/", "/health", "/v1/health", "/api/v1/info/version", "/api/latest/info/version", "/api/extra/version"}
_METHODS = "GET, POST, PUT, OPTIONS"
_HEADERS = "content-type, authorization, x-api-key, genkey, client-agent, apikey, accept"
_SAFE = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


@dataclass(frozen=True, slots=True)
class Access:
    """What is let in.

    Attributes:
        host: what the server listens at.
        origins: pages of other servers that may use this one, as ``https://lite.koboldai.net``; ``null`` is a page
            opened from a file.
        key: what a request must know; empty: nothing.
    """

    host: str = "127.0.0.1"
    origins: frozenset[str] = frozenset()
    key: str = ""
    own_names: frozenset[str] = field(default_factory=lambda: frozenset({"localhost", *_machine()}))

    def check(self, method: str, path: str, headers: dict[str, str]) -> None:
        """Raise Problem for a request that must not be answered."""
        host = headers.get("host", "")
        if not self.knows_host(host):
            raise Problem(
                403,
                "This server answers only to its own address. If a name of yours leads here, start it with "
                "--origin http://NAME:PORT.",
                kind="wrong_host",
            )
        origin = headers.get("origin", "")
        if origin and not self.allows(origin, host):
            raise Problem(
                403,
                "Pages of another origin may not use this server. If this page is yours, start it with --origin "
                f"{origin if _is_origin(origin) else 'ORIGIN'}.",
                kind="wrong_origin",
            )
        if self.key and path not in OPEN and method != "OPTIONS" and not self.knows_key(headers):
            raise Problem(401, "This server needs the key it was started with: Authorization: Bearer KEY.")

    def knows_host(self, host: str) -> bool:
        """Return whether ``host``, a request's Host, is ours: an address, a name of this machine, or a named one."""
        name = _name_of(host)
        if name is None:
            return False
        if name in self.own_names or name == self.host.lower():
            return True
        if any(name == (urlsplit(origin).hostname or "") for origin in self.origins):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True  # nobody can make a name that is an address lead here

    def allows(self, origin: str, host: str) -> bool:
        """Return whether a page of ``origin`` may use the server that it calls ``host``."""
        if origin.lower() in self.origins:
            return True
        return origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")

    def knows_key(self, headers: dict[str, str]) -> bool:
        """Return whether the request knows the key; it takes as long for a wrong one."""
        said = headers.get("authorization", "")
        scheme, _, given = said.partition(" ")
        candidates = [given.strip() if scheme.lower() == "bearer" else "", headers.get("x-api-key", "")]
        key = self.key.encode("utf-8", "replace")
        return any([hmac.compare_digest(one.encode("utf-8", "replace"), key) for one in candidates])


class Guard:
    """ASGI around the app: lets in what Access allows, and says to browsers what they may do."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, doubled = _headers(scope["headers"])
        path = str(scope["path"])
        origin = headers.get("origin", "")
        cors = _cors(origin) if origin.lower() in self._access.origins else []

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *cors, *_SAFE]}
            await send(message)

        try:
            if doubled:
                raise Problem(400, f"The header {doubled} is there twice.")
            self._access.check(scope["method"], path, headers)
        except Problem as problem:
            await _answer(with_headers, problem.status, body_of(problem, path), problem.headers)
            return
        if scope["method"] == "OPTIONS":
            await _answer(with_headers, 200, {}, {"Allow": _METHODS})
            return
        await self._app(scope, receive, with_headers)


async def _answer(send: Send, status: int, body: object, headers: dict[str, str]) -> None:
    data = json.dumps(body).encode()
    lines = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    lines += [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": data})


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> tuple[dict[str, str], str]:
    """Return the headers by name, and the name of one that decides over access and is there more than once."""
    found: dict[str, str] = {}
    doubled = ""
    for name, value in raw:
        key = name.decode("latin-1").lower()
        if key in found and key in ("host", "origin", "authorization", "x-api-key"):
            doubled = key
        found[key] = value.decode("latin-1")
    return found, doubled


def _cors(origin: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"access-control-allow-origin", origin.encode("latin-1", "replace")),
        (b"access-control-allow-methods", _METHODS.encode()),
        (b"access-control-allow-headers", _HEADERS.encode()),
        (b"access-control-allow-private-network", b"true"),
        (b"access-control-max-age", b"600"),
        (b"vary", b"Origin"),
    ]


def _name_of(host: str) -> str | None:
    """Return the name in a Host header, without its port; None where there is none."""
    if not host or any(letter in host for letter in "/\\@?# \t"):
        return None
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return None
    return name.rstrip(".").lower() if name else None


def _is_origin(text: str) -> bool:
    if text == "null":
        return True
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and text.isascii() and len(text) < 200
    except ValueError:
        return False


def checked_origin(text: str) -> str | None:
    """Return ``text`` as a browser writes an origin; None where it is none: a scheme, a name and maybe a port."""
    if text == "null":
        return text
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
        return None
    usual = port is None or port == {"http": 80, "https": 443}[parts.scheme]
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{name}{'' if usual else f':{port}'}".lower()


def _machine() -> set[str]:
    name = socket.gethostname().lower()
    short = name.split(".")[0]
    return {name, short, f"{short}.local"} - {""}
