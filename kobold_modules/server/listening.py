"""Listening: a socket that is ours before the model is loaded, and uvicorn with limits of time and size."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import BadUsage


HEADER_SECONDS = 15.0  # for the head of a request to arrive
IDLE_SECONDS = 60  # that an open connection may wait for its next request
MOST_HEADER_BYTES = 32 * 1024
MOST_CONNECTIONS = 512
SHUTDOWN_SECONDS = 3


def listen_at(host: str, port: int) -> socket.socket:
    """Return a socket bound to ``host`` and ``port`` (0: any free one). Raises BadUsage where that cannot be."""
    if not 0 <= port <= 65535:
        raise BadUsage(f"{port} is no port; they go from 1 to 65535.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise BadUsage(f"There is no address {host} here.", "127.0.0.1 is this machine alone, 0.0.0.0 all.") from error
    family, kind, protocol, _, address = found[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(1)  # another server that looks now finds the port taken
    except OSError as error:
        sock.close()
        if isinstance(error, PermissionError):
            raise BadUsage(f"You may not listen at port {port}.", "Ports below 1024 are the system's.") from error
        if error.errno in _TAKEN:
            raise BadUsage(
                f"Port {port} is taken: another program listens at {host}.", "End it, or give --port another number."
            ) from error
        raise BadUsage(f"{host} cannot be listened at: {error.strerror or error}.", "Give another --host.") from error
    return sock


def _taken() -> set[int]:
    import errno

    return {errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", errno.EADDRINUSE)}


_TAKEN = _taken()


class LimitedProtocol(H11Protocol):
    """HTTP that hangs up where the head of a request does not arrive: uvicorn itself waits for ever."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._patience: asyncio.TimerHandle | None = self.loop.call_later(HEADER_SECONDS, self._hang_up)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        waiting = self.cycle is None or self.cycle.response_complete
        if not waiting and self._patience is not None:
            self._patience.cancel()
            self._patience = None
        elif waiting and self._patience is None:
            self._patience = self.loop.call_later(HEADER_SECONDS, self._hang_up)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        super().connection_lost(exc)

    def _hang_up(self) -> None:
        self._patience = None
        if (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing():
            self.transport.close()


class Listener(uvicorn.Server):
    """uvicorn that leaves the signals to the command line."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=LimitedProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=MOST_HEADER_BYTES,
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
                limit_concurrency=MOST_CONNECTIONS,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    @property
    def listening(self) -> bool:
        return bool(self.started)
