"""Who is let in: Host, Origin and key; and what no request can do to the server."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from kobold_modules.server.access import Access, checked_origin
from kobold_modules.server.body import DEEPEST, MOST_BYTES
from kobold_modules.server.problem import Problem
from tests.server.conftest import KEY, LITE
from tests.server.process import Running


STORY = {"prompt": "Once", "max_tokens": 1}


@pytest.mark.parametrize(
    "host", ["127.0.0.1:5001", "localhost", "LOCALHOST:80", "[::1]:5001", "192.168.1.7:5001", "localhost."]
)
def test_our_own_addresses_are_known(host: str) -> None:
    assert Access().knows_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:5001",
        "a@localhost",
        "localhost/x",
        "[::1",
        "\x00",
    ],
)
def test_a_name_of_somebody_elses_is_not(host: str) -> None:
    """DNS rebinding: a stranger's page whose name leads to this machine."""
    assert not Access().knows_host(host)


def test_a_named_origin_is_also_a_host() -> None:
    access = Access("0.0.0.0", frozenset({"https://writer.example"}))
    assert access.knows_host("writer.example")
    assert not access.knows_host("other.example")


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("https://lite.koboldai.net", "https://lite.koboldai.net"),
        ("HTTPS://Lite.KoboldAI.net/", "https://lite.koboldai.net"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("null", "null"),
        ("lite.koboldai.net", None),
        ("https://x.example/path", None),
        ("*", None),
        ("http://x:notaport", None),
        ("javascript:alert(1)", None),
    ],
)
def test_origins_are_read_as_browsers_write_them(typed: str, origin: str | None) -> None:
    assert checked_origin(typed) == origin


def test_a_wrong_key_is_refused_wherever_it_stands() -> None:
    access = Access(key="k\u00fc")
    for headers in (
        {"authorization": "Bearer k\u00fc"},
        {"authorization": "bearer  k\u00fc"},
        {"x-api-key": "k\u00fc"},
    ):
        access.check("POST", "/v1/completions", {"host": "localhost", **headers})
    for headers in (
        {},
        {"authorization": "k\u00fc"},
        {"authorization": "Bearer "},
        {"authorization": "Basic k\u00fc"},
        {"x-api-key": "K\u00fc"},
    ):
        with pytest.raises(Problem, match="needs the key"):
            access.check("POST", "/v1/completions", {"host": "localhost", **headers})


def test_a_strangers_page_cannot_use_the_server(server: Running) -> None:
    for headers in (
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": f"evil.example:{server.port}", "Origin": f"http://evil.example:{server.port}"},
    ):
        for method, path in (
            ("GET", "/v1/models"),
            ("POST", "/v1/completions"),
            ("OPTIONS", "/v1/completions"),
            ("GET", "/"),
        ):
            answer = server.ask(method, path, STORY if method == "POST" else None, headers)
            assert answer.status == 403
            assert "access-control-allow-origin" not in answer.headers


def test_a_named_page_can(server: Running) -> None:
    preflight = server.ask("OPTIONS", "/api/extra/generate/stream", None, {"Origin": LITE})
    assert preflight.status == 200
    assert preflight.headers["access-control-allow-origin"] == LITE
    for wanted in ("content-type", "authorization", "genkey"):
        assert wanted in preflight.headers["access-control-allow-headers"]
    answer = server.ask("POST", "/v1/completions", STORY, {"Origin": LITE})
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, LITE)
    refused = server.ask("POST", "/v1/completions", {"model": "nobody"}, {"Origin": LITE})
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (404, LITE)


def test_our_own_page_can(server: Running) -> None:
    answer = server.ask("POST", "/v1/completions", STORY, {"Origin": server.address})
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers


def test_without_the_key_only_what_tells_nothing_is_open(keyed: Running) -> None:
    for path in ("/", "/health", "/api/extra/version", "/api/v1/info/version"):
        assert keyed.get(path).status == 200
    assert keyed.get("/api/extra/version").json["protected"] is True
    for path in (
        "/v1/models",
        "/stats",
        "/api/v1/model",
        "/api/admin/list_options",
        "/props",
        "/lora-adapters",
        "/nothing",
    ):
        answer = keyed.get(path)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert keyed.post("/completion", STORY).status == 401
    assert keyed.post("/completion", STORY, Authorization=f"Bearer {KEY}").status == 200
    assert keyed.put("/api/v1/config/soft_prompt", "noir").status == 401


def test_two_hosts_or_two_origins_are_none(server: Running) -> None:
    for doubled in (
        b"Host: localhost\r\nHost: evil.example",
        b"Host: localhost\r\nOrigin: null\r\nOrigin: " + LITE.encode(),
    ):
        assert b" 400 " in server.raw(b"GET /health HTTP/1.1\r\n" + doubled + b"\r\n\r\n").split(b"\r\n")[0]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "no valid JSON"),
        (b"\xff\xfe", 400, "not UTF-8"),
        (b"[]", 400, "should be a JSON object"),
        (b"3", 400, "should be a JSON object"),
        (b'{"prompt": NaN}', 400, "no valid JSON"),
        (b'{"temperature": 1e999, "prompt": "a"}', 422, "temperature should be a number"),
        (b'{"prompt": "a", "seed": ' + b"9" * 5000 + b"}", 400, "no valid JSON"),
        (b'{"a":' * 100_000, 400, "no valid JSON"),
        (b'{"a":' * (DEEPEST + 1) + b"1" + b"}" * (DEEPEST + 1), 400, "levels deep"),
        (b'{"prompt": ["a", 3]}', 400, "prompt should be"),
    ],
    ids=["cut", "binary", "list", "number", "nan", "infinite", "digits", "nested", "deep", "mixed"],
)  # fmt: skip
def test_bad_bodies_are_a_sentence(server: Running, body: bytes, status: int, words: str) -> None:
    answer = server.post("/v1/completions", body)
    assert answer.status == status
    assert words in answer.json["error"]["message"]


def test_a_body_that_is_too_large_is_not_read(server: Running) -> None:
    head = f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {MOST_BYTES + 1}\r\n\r\n"
    assert b" 413 " in server.raw(head.encode() + b"{").split(b"\r\n")[0]
    with socket.create_connection(("127.0.0.1", server.port), timeout=300) as sock:  # and one that does not say so
        sock.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        part = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        try:
            for _ in range(MOST_BYTES // 0x100000 + 1):
                sock.sendall(part)
        except OSError:
            return  # it hung up in the middle, which is an answer, too
        assert b" 413 " in sock.recv(4096)


def test_long_heads_and_nonsense_are_refused_and_harm_nothing(server: Running) -> None:
    server.raw(b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    server.raw(b"\x16\x03\x01\x02\x00\x01\x00")
    server.raw(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n")
    assert server.get("/health").json == {"status": "ok"}


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/lite/../stats/x",
        "//evil.example/",
        "/v1/models/..%2f..%2fnoir",
    ],
)
def test_no_path_leads_to_a_file(server: Running, path: str) -> None:
    answer = server.get(path)
    assert answer.status == 404
    assert "root:" not in answer.data.decode()


@pytest.mark.parametrize("field", ["stack", "soft_prompt", "lora", "model"])
def test_no_name_is_a_path(server: Running, field: str, tmp_path: Path, modules: dict[str, Any]) -> None:
    from kobold_modules.formats import kobold

    file = tmp_path / "reachable.zip"
    file.write_bytes(kobold.pack(modules["noir"]))
    for name in (str(file), f"../../../../{file}", f"noir + {file}"):
        answer = server.post("/v1/completions", {**STORY, field: name})
        assert answer.status == 404
        assert "no stack or module" in answer.json["error"]["message"]


def test_what_strangers_send_is_shown_on_one_safe_line(server: Running) -> None:
    answer = server.post("/v1/completions", {**STORY, "model": "\x1b[31mred\n\u202eevil" + "x" * 500})
    said = answer.json["error"]["message"]
    assert all(letter.isprintable() for letter in said)
    assert len(said) < 400
    assert "Traceback" not in json.dumps(answer.json)
