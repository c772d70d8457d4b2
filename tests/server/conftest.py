"""One server for most tests, one with few places, one with a key; and the engine alone, to compare with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.generation.protocol import Request
from kobold_modules.models.reference import ModelFile
from kobold_modules.records import TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.module import Module
from kobold_modules.soft_prompt.stack import Stack
from tests.server.process import Running, fill_library, running


KEY = "open sesame"
LITE = "https://lite.koboldai.net"


@pytest.fixture(scope="session")
def model(stories: Path) -> Path:
    return stories / "stories260K-F32.gguf"


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory, model: Path) -> tuple[Path, dict[str, Module]]:
    """Return a home with a library in it, and the modules there that fit the model."""
    home = tmp_path_factory.mktemp("served")
    return home, fill_library(home, model)


@pytest.fixture(scope="session")
def modules(shelf: tuple[Path, dict[str, Module]]) -> dict[str, Module]:
    return shelf[1]


@pytest.fixture(scope="session")
def start(shelf: tuple[Path, dict[str, Module]], model: Path) -> Callable[..., Any]:
    """Return what starts an exact server with options of its own."""
    command = ["-m", "tests.server.exact_server", str(model)]
    return lambda **options: running([*command, json.dumps(options)], shelf[0])


@pytest.fixture(scope="session")
def shared(start: Callable[..., Any]) -> Iterator[Running]:
    with start(origins=[LITE], lite="<html>Lite</html>") as found:
        yield found


@pytest.fixture
def server(shared: Running) -> Iterator[Running]:
    """Return the server that most tests share, with no stack set."""
    yield shared
    shared.put("/api/v1/config/soft_prompt", "")


@pytest.fixture(scope="session")
def narrow(start: Callable[..., Any]) -> Iterator[Running]:
    """Start a server that writes one text at a time, four tokens a second at most, and lets two wait."""
    with start(clients=1, waiting=2, pause=0.25) as found:
        yield found


@pytest.fixture(scope="session")
def keyed(start: Callable[..., Any]) -> Iterator[Running]:
    with start(clients=2, key=KEY) as found:
        yield found


@pytest.fixture(scope="session")
def engine(model: Path) -> Iterator[LlamaEngine]:
    with LlamaEngine(ModelFile.at(model), exact=True) as found:
        yield found


@pytest.fixture(scope="session")
def alone(engine: LlamaEngine) -> Callable[..., str]:
    """Return what the engine writes greedily, nobody beside it: ``alone(text, stack, tokens)``."""

    def write(text: str, stack: Stack, tokens: int, **more: Any) -> str:
        request = Request(
            text=text, stack=stack, max_tokens=tokens, sampler=Sampler(temperature=0, repetition=1), **more
        )
        return "".join(record.text for record in engine.generate(request) if isinstance(record, TextChunk))

    return write
