"""Clients under different stacks, at once, in every dialect: each gets exactly what the engine gives alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kobold_modules.soft_prompt.module import Module
from kobold_modules.soft_prompt.stack import Stack
from tests.server.process import NAMES, Running, eventually


OPENING = "Once upon a time, there was a little girl named Lily."
GREEDY = {"temperature": 0, "rep_pen": 1, "min_p": 0, "top_p": 1, "top_k": 0}


def openai(server: Running, name: str, text: str, tokens: int) -> str:
    body = {"model": name or "none", "prompt": text, "max_tokens": tokens, **GREEDY}
    return str(server.post("/v1/completions", body).json["choices"][0]["text"])


def openai_stream(server: Running, name: str, text: str, tokens: int) -> str:
    body = {"model": name or "none", "prompt": text, "max_tokens": tokens, "stream": True, **GREEDY}
    events = server.post("/v1/completions", body).events
    assert events[-1] == "[DONE]"
    return "".join(event["choices"][0]["text"] for event in events[:-1])


def kobold(server: Running, name: str, text: str, tokens: int) -> str:
    body = {"prompt": text, "max_length": tokens, "soft_prompt": name, **GREEDY}
    return str(server.post("/api/v1/generate", body).json["results"][0]["text"])


def kobold_stream(server: Running, name: str, text: str, tokens: int) -> str:
    body = {"prompt": text, "max_length": tokens, "soft_prompt": name, "genkey": f"key of {name}", **GREEDY}
    return "".join(event["token"] for event in server.post("/api/extra/generate/stream", body).events)


def llamacpp(server: Running, name: str, text: str, tokens: int) -> str:
    body = {"prompt": text, "n_predict": tokens, "lora": [{"name": name, "scale": 1.0}] if name else [], **GREEDY}
    return str(server.post("/completion", body).json["content"])


DIALECTS: tuple[Any, ...] = (openai, kobold, openai_stream, kobold_stream, llamacpp)


def test_eight_clients_get_what_the_engine_gives_alone(
    server: Running, modules: dict[str, Module], alone: Callable[..., str]
) -> None:
    """Issue 18, Serve: several clients at once under different stacks in one batch, nothing mixed up."""
    jobs = []
    for turn in range(3):
        for number, name in enumerate(["", *NAMES]):
            text = f"{OPENING} {'She saw a dog. ' * (number % 3)}{turn}"
            jobs.append((DIALECTS[(turn + number) % len(DIALECTS)], name, text, 20 + 3 * number))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda job: job[0](server, *job[1:]), jobs))
    for (dialect, name, text, tokens), written in zip(jobs, found, strict=True):
        stack = Stack().add(modules[name]) if name else Stack()
        assert written == alone(text, stack, tokens), (dialect.__name__, name)


def test_strengths_and_several_modules_can_be_asked_for(
    server: Running, modules: dict[str, Module], alone: Callable[..., str]
) -> None:
    stack = Stack().add(modules["noir"]).add(modules["gothic"], 0.5)
    expected = alone(OPENING, stack, 25)
    body = {"prompt": OPENING, "max_tokens": 25, **GREEDY}
    for asked in (
        {"stack": "noir + gothic:0.5"},
        {"model": "NOIR+gothic:0.5"},
        {"lora": ["noir", "gothic:0.5"]},
        {"lora": [{"name": "noir", "scale": 1}, {"name": "gothic", "scale": 0.5}]},
        {"model": "stories260K-F32 + noir + gothic:0.5"},
    ):
        answer = server.post("/v1/completions", body | asked)
        assert answer.status == 200, answer.data
        assert answer.json["choices"][0]["text"] == expected


def test_a_client_that_goes_frees_its_place(narrow: Running) -> None:
    """Issue 18, Serve: a disconnect stops the work."""
    import http.client
    import json

    connection = http.client.HTTPConnection("127.0.0.1", narrow.port, timeout=300)
    body = {"prompt": OPENING, "max_length": 400, "ban_eos_token": True, "temperature": 1.0}
    connection.request("POST", "/api/extra/generate/stream", json.dumps(body))
    before = narrow.stats()["tokens"]
    assert b"data" in connection.getresponse().read(60)
    assert narrow.stats()["writing"] == 1
    connection.close()
    eventually(lambda: narrow.stats()["writing"] == 0)
    assert narrow.stats()["tokens"] - before < 400
    assert narrow.post("/v1/completions", {"prompt": OPENING, "max_tokens": 2}).status == 200


def test_one_who_waits_for_a_whole_text_and_goes_frees_it_too(narrow: Running) -> None:
    import http.client
    import json

    connection = http.client.HTTPConnection("127.0.0.1", narrow.port, timeout=300)
    connection.request(
        "POST", "/v1/completions", json.dumps({"prompt": OPENING, "max_tokens": 500, "ignore_eos": True})
    )
    eventually(lambda: narrow.stats()["writing"] == 1)
    connection.close()
    eventually(lambda: narrow.stats()["writing"] == 0)


def test_a_full_queue_says_when_to_come_again(narrow: Running) -> None:
    """Issue 18, Serve: bounded queue, 503 with Retry-After."""
    body = {"prompt": OPENING, "max_tokens": 500, "ignore_eos": True, "stream": True}

    def begin(name: str) -> Any:
        import http.client
        import json

        connection = http.client.HTTPConnection("127.0.0.1", narrow.port, timeout=300)
        connection.request("POST", "/v1/completions", json.dumps(body | {"user": name}))
        return connection

    held = []
    try:
        for number, counts in enumerate(((1, 0), (1, 1), (1, 2))):
            held.append(begin(f"client {number}"))
            eventually(lambda counts=counts: (narrow.stats()["writing"], narrow.stats()["waiting"]) == counts)  # type: ignore[misc]
        for path in ("/v1/completions", "/completion", "/api/v1/generate"):
            answer = narrow.post(path, body | {"user": "late", "stream": False})
            assert answer.status == 503
            assert int(answer.headers["retry-after"]) >= 1
        assert "queue is full" in narrow.post("/api/v1/generate", body | {"user": "late"}).json["detail"]["msg"]
        assert narrow.stats()["refused"] >= 4
    finally:
        for connection in held:
            connection.close()
    eventually(lambda: (narrow.stats()["writing"], narrow.stats()["waiting"]) == (0, 0))
