"""Serving from the first request to the last: a service over an opened engine, until somebody asks it to end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..backends.llamacpp.model import NativeVocabulary
from ..records import Serving
from .access import Access
from .app import build, stats_of
from .ignored import IgnoredFields
from .listening import Listener
from .live import Live
from .scheduler import Scheduler
from .service import Service, Writer
from .stacks import Named, Stacks


if TYPE_CHECKING:
    from ..backends.llamacpp.engine import LlamaEngine
    from .folder_words import FolderWords
    from .vllm import VllmWriter

CLIENTS = 8  # texts written side by side
WAITING = 64  # requests that may wait for one of these places
EVERY = 1.0  # seconds between two records of what the server is doing


@dataclass(frozen=True, slots=True)
class Serve:
    """How to serve.

    Attributes:
        clients: texts that are written side by side; ``waiting`` more wait for a place.
        start: the stack that is used where a client names none.
        lite: KoboldAI Lite's page, as the person has it; empty for none.
        say: gets sentences for the person who serves.
    """

    access: Access
    start: Named
    clients: int = CLIENTS
    waiting: int = WAITING
    lite: bytes = b""
    say: Callable[[str], None] = lambda sentence: None


def serve(
    engine: LlamaEngine,
    sock: socket.socket,
    settings: Serve,
    tell: Callable[[Serving], None] | None = None,
    ready: Callable[[str], None] = lambda address: None,
) -> bool:
    """Answer at ``sock`` until SIGINT or SIGTERM; return whether it was the first, a person's Ctrl-C.

    Args:
        tell: gets what the server is doing, once a second.
        ready: is called with the address once it answers.
    """
    words = NativeVocabulary(engine.info.file.path)
    try:
        return asyncio.run(_serve(engine, words, sock, settings, tell, ready))
    finally:
        words.close()


def serve_vllm(
    writer: VllmWriter,
    words: NativeVocabulary | FolderWords,
    sock: socket.socket,
    settings: Serve,
    tell: Callable[[Serving], None] | None = None,
    ready: Callable[[str], None] = lambda address: None,
) -> bool:
    """Do as :func:`serve`, with a vLLM server that writes."""

    async def run() -> bool:
        live, info = Live(), writer.info
        writer.wake = live.wake
        stacks = Stacks(info.name, info.fingerprint, settings.start)
        try:
            service = service_of(words, info.name, info.context, stacks, writer, live, settings)
            return await answer(service, sock, settings.access, tell, ready)
        finally:
            writer.close()

    return asyncio.run(run())


async def _serve(
    engine: LlamaEngine,
    words: NativeVocabulary,
    sock: socket.socket,
    settings: Serve,
    tell: Callable[[Serving], None] | None,
    ready: Callable[[str], None],
) -> bool:
    live = Live()
    scheduler = Scheduler(engine, settings.clients, settings.waiting, live.wake)
    try:
        info = engine.info
        stacks = Stacks(info.name, info.fingerprint, settings.start)
        service = service_of(words, info.name, info.context, stacks, scheduler, live, settings)
        return await answer(service, sock, settings.access, tell, ready)
    finally:
        await asyncio.to_thread(scheduler.close)


def service_of(
    words: NativeVocabulary | FolderWords,
    name: str,
    context: int,
    stacks: Stacks,
    writer: Writer,
    live: Live,
    settings: Serve,
) -> Service:
    """Return the service over ``writer``, with what the model's file says of its words."""
    spelled = {
        which: words.spelling(token).decode("utf-8", "replace") if token >= 0 else ""
        for which, token in (("bos", words.bos), ("eos", words.eos))
    }
    return Service(
        name=name,
        context=context,
        ends=tuple(token for token in range(words.vocabulary) if words.ends(token)),
        words=words,
        chat=words.chat_template,
        stacks=stacks,
        writer=writer,
        live=live,
        ignored=IgnoredFields(settings.say),
        keyed=bool(settings.access.key),
        lite=settings.lite,
        bos=spelled["bos"],
        eos=spelled["eos"],
    )


async def answer(
    service: Service,
    sock: socket.socket,
    access: Access,
    tell: Callable[[Serving], None] | None,
    ready: Callable[[str], None],
) -> bool:
    """Answer at ``sock`` until a signal asks to end; return whether that was Ctrl-C's."""
    listener = Listener(build(service, access))
    address = address_of(sock)
    with _signals(listener) as heard:
        telling = asyncio.ensure_future(_telling(service, address, listener, tell, ready))
        try:
            await listener.serve(sockets=[sock])
        finally:
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await telling
    return signal.SIGINT in heard


async def _telling(
    service: Service,
    address: str,
    listener: Listener,
    tell: Callable[[Serving], None] | None,
    ready: Callable[[str], None],
) -> None:
    while not listener.listening:
        await asyncio.sleep(0.01)
    try:
        ready(address)
        while tell is not None:
            tell(Serving(address=address, **stats_of(service)))
            await asyncio.sleep(EVERY)
    except OSError:  # whoever listened to us has gone, and with them the reason to serve
        listener.should_exit = True
        raise


def address_of(sock: socket.socket) -> str:
    """Return the address a person can open: that of this machine where the socket listens at all of them."""
    host, port = sock.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.contextmanager
def _signals(listener: Listener) -> Iterator[list[int]]:
    """Let SIGINT and SIGTERM end ``listener`` in order; the second one does not wait for anybody."""
    heard: list[int] = []

    def on_signal(number: int, _: object) -> None:
        if heard:
            listener.force_exit = True
        heard.append(number)
        listener.should_exit = True

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
