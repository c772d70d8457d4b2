"""The page at /: ours alone, asking nobody but this server."""

from __future__ import annotations

import base64
import hashlib
import re

from tests.server.process import Running


def test_the_page_brings_all_it_needs(server: Running) -> None:
    answer = server.get("/")
    html = answer.data.decode()
    assert answer.headers["content-type"].startswith("text/html")
    assert not re.findall(r'(?:src|href)\s*=\s*"', html)  # nothing is loaded from anywhere
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "innerHTML" not in html  # names of modules are strangers' words


def test_the_page_says_how_to_connect_each_front_end(server: Running) -> None:
    html = server.get("/").data.decode()
    for name in ("KoboldAI Lite", "SillyTavern", "OpenAI", "--origin https://lite.koboldai.net", "/v1"):
        assert name in html


def test_stats_say_what_is_going_on(server: Running) -> None:
    before = server.stats()
    server.post("/v1/completions", {"prompt": "Once", "max_tokens": 5, "user": "somebody", "ignore_eos": True})
    after = server.stats()
    assert (after["model"], after["stack"], after["context"]) == ("stories260K-F32", "", 512)
    assert after["finished"] == before["finished"] + 1
    assert after["tokens"] > before["tokens"]
    assert after["clients"] >= 1
    assert (after["writing"], after["waiting"]) == (0, 0)
    assert {"tokens_per_second", "refused", "uptime"} <= set(after)
