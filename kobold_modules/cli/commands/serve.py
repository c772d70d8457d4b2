"""``serve``: let the programs that writers use write with modules, over HTTP."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import BadInput, BadUsage
from ...models.find import resolve
from ...plain_text import one_line
from ...records import Note
from ...soft_prompt.stack import Stack
from .. import INTERRUPTED
from ..options.stack import parse_stack, sources_of, split_list
from ..output import Output


if TYPE_CHECKING:
    from socket import socket

    from ...models.reference import ModelFile
    from ...server.access import Access
    from ...server.serving import Serve
    from ...server.stacks import Named

KEY_VARIABLE = "KOBOLD_MODULES_API_KEY"
MOST_CLIENTS = 48
MOST_LITE = 32 * 2**20  # bytes of KoboldAI Lite's page
LOOPBACK = ("127.", "::1", "localhost")


def serve(arguments: argparse.Namespace, output: Output) -> int:
    """Listen until Ctrl-C, which ends with 130; SIGTERM ends with 0."""
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise BadUsage(
            "serve needs two small packages that are not installed: starlette and uvicorn.",
            "pip install 'kobold-modules[serve]'",
        ) from error
    from ...server.listening import listen_at
    from ...server.serving import Serve

    _check(arguments)
    access, items = _access(arguments), _items(arguments)
    lite = _lite(arguments.lite)
    file = resolve(arguments.model)
    stack, sources = parse_stack(items), sources_of(items)

    def say(sentence: str) -> None:
        output.show(Note(sentence))

    settings = Serve(access, _named(items, stack, sources), arguments.clients, arguments.queue, lite, say)
    sock = listen_at(arguments.host, arguments.port)  # before the model is loaded, which takes longer
    with sock:
        interrupted = (_over_vllm if arguments.backend == "vllm" else _over_llamacpp)(
            arguments, output, file, stack, sock, settings
        )
    output.say("  Stopped.")
    return INTERRUPTED if interrupted else 0


def _over_llamacpp(
    arguments: argparse.Namespace, output: Output, file: ModelFile, stack: Stack, sock: socket, settings: Serve
) -> bool:
    from ...backends.llamacpp.engine import LlamaEngine
    from ...generation.stack_rows import smaller_context
    from ...server.serving import serve as serve_at

    if file.kind != "gguf":
        raise BadUsage(
            f"{file.name} is a Hugging Face folder; serve writes with llama.cpp, which needs a GGUF file.",
            "Give the model as GGUF, or have vLLM write: --backend vllm --url ...",
        )
    output.say(f"  loading {one_line(file.name)} ...")
    with LlamaEngine(file, context=arguments.contextsize, together=arguments.clients) as engine:
        if engine.notice:
            output.show(Note(engine.notice))
        if arguments.contextsize > engine.info.context:
            output.show(Note(smaller_context(engine.info, arguments.contextsize)))
        for warning in stack.check(engine.info.fingerprint, engine.info.name):
            output.say(f"warning: {warning}")
        tell = output.show if arguments.json else None
        return serve_at(engine, sock, settings, tell, lambda address: _ready(address, arguments, output))


def _over_vllm(
    arguments: argparse.Namespace, output: Output, file: ModelFile, stack: Stack, sock: socket, settings: Serve
) -> bool:
    from ...backends.llamacpp.model import NativeVocabulary
    from ...server.folder_words import FolderWords
    from ...server.serving import serve_vllm
    from ...server.vllm import VllmWriter

    for warning in stack.check(file.fingerprint, file.name):
        output.say(f"warning: {warning}")
    if arguments.contextsize:
        output.show(Note("--contextsize has no effect with vLLM, whose own --max-model-len decides."))
    words = NativeVocabulary(file.path) if file.kind == "gguf" else FolderWords(file.path)
    try:
        writer = VllmWriter(arguments.url, file, words, words.opening, arguments.clients, arguments.queue)
        tell = output.show if arguments.json else None
        return serve_vllm(writer, words, sock, settings, tell, lambda address: _ready(address, arguments, output))
    finally:
        words.close()


def _check(arguments: argparse.Namespace) -> None:
    if not 1 <= arguments.clients <= MOST_CLIENTS:
        raise BadUsage(f"{arguments.clients} texts cannot be written side by side; 1 to {MOST_CLIENTS} can.")
    if not 1 <= arguments.queue <= 10_000:
        raise BadUsage("The queue should have 1 to 10,000 places.")
    if (arguments.backend == "vllm") != (arguments.url is not None):
        raise BadUsage(
            "--backend vllm and --url go together.", "For example: --backend vllm --url http://127.0.0.1:8000"
        )


def _access(arguments: argparse.Namespace) -> Access:
    from ...server.access import Access, checked_origin

    origins = set()
    for typed in arguments.origin:
        origin = checked_origin(typed)
        if origin is None:
            raise BadUsage(
                f"{one_line(typed, 80)} is no origin.", "An origin is like https://lite.koboldai.net, without a path."
            )
        origins.add(origin)
    key = arguments.api_key if arguments.api_key is not None else os.environ.get(KEY_VARIABLE, "")
    if arguments.api_key is not None and not key.strip():
        raise BadUsage("The key is empty.", f"Leave --api-key out, or set {KEY_VARIABLE}.")
    if not key.isprintable():
        raise BadUsage("The key has characters that no header can carry.", "Letters, digits and signs.")
    return Access(arguments.host, frozenset(origins), key.strip())


def _items(arguments: argparse.Namespace) -> list[str]:
    if arguments.stack is not None and arguments.module:
        raise BadUsage("--stack and --module do not go together.", "--stack takes several: A,B:0.5")
    return split_list(arguments.stack) if arguments.stack is not None else list(arguments.module)


def _named(items: list[str], stack: Stack, sources: list[str]) -> Named:
    """Return the stack that is set at the beginning, called as it was typed; a file by the name of its module."""
    from ...server.stacks import PLAIN, Named

    if not stack.active:
        return PLAIN
    name = " + ".join(items)
    if any(Path(item).exists() for item in items) or "/" in name or "\\" in name:
        name = stack.label.replace(" ×", ":")
    return Named(one_line(name), stack, tuple(sources))


def _lite(path: str | None) -> bytes:
    """Return KoboldAI Lite's page out of the person's own copy. Raises BadInput."""
    if path is None:
        return b""
    try:
        file = Path(path).expanduser()
        if file.stat().st_size > MOST_LITE:
            raise BadInput(f"{path} is larger than KoboldAI Lite's page.")
        data = file.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.") from error
    if b"<html" not in data[:65536].lower():
        raise BadInput(f"{path} is no page.", "Give KoboldAI Lite's index.html (lite.koboldai.net saves it).")
    return data


def _ready(address: str, arguments: argparse.Namespace, output: Output) -> None:
    output.say(f"  Open {address} to see what is served and to try it.")
    output.say(f"  KoboldAI and SillyTavern (KoboldCpp): {address}   OpenAI programs: {address}/v1")
    if arguments.lite is not None:
        output.say(f"  KoboldAI Lite: {address}/lite")
    if not arguments.host.startswith(LOOPBACK):
        guarded = arguments.api_key or os.environ.get(KEY_VARIABLE)
        output.say(
            "  Other machines can reach it."
            + ("" if guarded else " Whoever does can write with your model and read its modules' names: set --api-key.")
        )
    output.say("  Ctrl-C ends it.")
