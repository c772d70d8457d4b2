"""KoboldAI's API and koboldcpp's additions, as KoboldAI Lite calls them: requests by kind, in the order of its page."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.soft_prompt.module import Module
from kobold_modules.soft_prompt.stack import Stack
from tests.server.process import KEPT, NAMES, Running, eventually


OPENING = "Once upon a time, there was a little girl named Lily."
# What KoboldAI Lite sends with every generate call, whatever is switched on (facts: tui-ecosystem C.6).
LITE: dict[str, Any] = {
    "n": 1, "max_context_length": 4096, "max_length": 24, "rep_pen": 1, "temperature": 0, "top_p": 1, "top_k": 0,
    "top_a": 0, "typical": 1, "tfs": 1, "rep_pen_range": 360, "rep_pen_slope": 0.7,
    "sampler_order": [6, 0, 1, 3, 4, 2, 5],
    "memory": "", "trim_stop": True, "genkey": "KCPP1234", "min_p": 0, "dynatemp_range": 0, "dynatemp_exponent": 1,
    "smoothing_factor": 0, "smoothing_curve": 1, "nsigma": 0, "banned_tokens": [], "render_special": False,
    "logprobs": False, "replace_instruct_placeholders": True, "presence_penalty": 0, "logit_bias": {},
    "stop_sequence": ["You:", "\nYou "], "use_default_badwordsids": False, "bypass_eos": False, "quiet": True,
    "grammar": "", "grammar_retain_state": False, "xtc_threshold": 0.2, "xtc_probability": 0, "mirostat": 0,
    "dry_multiplier": 0, "dry_base": 1.75, "dry_allowed_length": 2, "dry_penalty_last_n": 360,
    "dry_sequence_breakers": ["\n", ":", "\"", "*"],
}  # fmt: skip


def test_lites_handshake_is_answered(server: Running, engine: LlamaEngine) -> None:
    context = engine.info.context
    assert server.get("/api/v1/model").json == {"result": "stories260K-F32"}
    assert server.get("/api/v1/info/version").json["result"] >= "1.2.4"
    assert server.get("/api/v1/config/max_context_length").json == {"value": context}
    version = server.get("/api/extra/version").json
    assert (version["result"], version["protected"], version["admin"]) == ("KoboldCpp", False, 1)
    assert not any(version[name] for name in ("txt2img", "vision", "multiplayer", "websearch", "tts", "embeddings"))
    assert server.get("/api/extra/true_max_context_length").json == {"value": context}
    assert server.get("/api/extra/preloadstory").json == {}
    assert server.get("/api/latest/model").json == {"result": "stories260K-F32"}


def test_lites_request_gives_the_engines_text(server: Running, alone: Callable[..., str]) -> None:
    answer = server.post("/api/v1/generate", LITE | {"prompt": OPENING}).json["results"][0]
    assert answer["text"] == alone(OPENING, Stack(), 24)
    assert answer["finish_reason"] == "length"


def test_lites_stream_gives_the_same(server: Running, alone: Callable[..., str]) -> None:
    answer = server.post("/api/extra/generate/stream", LITE | {"prompt": OPENING})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.data.startswith(b"event: message\ndata: ")
    assert "".join(event["token"] for event in answer.events) == alone(OPENING, Stack(), 24)
    assert [event["finish_reason"] for event in answer.events][-2:] == [None, "length"]


def test_soft_prompts_are_listed_set_and_used(
    server: Running, modules: dict[str, Module], alone: Callable[..., str]
) -> None:
    """Issue 18: KoboldAI v1 with soft prompt routes that work."""
    assert server.get("/api/v1/config/soft_prompt").json == {"value": ""}
    listed = [item["value"] for item in server.get("/api/v1/config/soft_prompts_list").json["values"]]
    assert set(listed) == {*NAMES, KEPT}  # not the one for a wider model
    for name in ("noir", "NOIR.zip"):
        assert server.put("/api/v1/config/soft_prompt", name).json == {}
        assert server.get("/api/v1/config/soft_prompt").json == {"value": "noir"}
    written = server.post("/api/v1/generate", LITE | {"prompt": OPENING}).json["results"][0]["text"]
    assert written == alone(OPENING, Stack().add(modules["noir"]), 24)
    assert server.get("/api/v1/model").json == {"result": "stories260K-F32 + noir"}
    once = server.post("/api/v1/generate", LITE | {"prompt": OPENING, "soft_prompt": ""}).json["results"][0]["text"]
    assert once == alone(OPENING, Stack(), 24)
    assert server.get("/api/v1/config/soft_prompt").json == {"value": "noir"}  # a request's own is for itself


@pytest.mark.parametrize(
    "name", ["../noir", "/etc/passwd", "a\\b", "nothing of that name", "x" * 5000, "noir\n", "made for a wider model"]
)
def test_a_soft_prompt_that_is_none_is_422(server: Running, name: str) -> None:
    if name == "noir\n":  # spaces around a name do not count
        assert server.put("/api/v1/config/soft_prompt", name).status == 200
        return
    answer = server.put("/api/v1/config/soft_prompt", name)
    assert answer.status == 422
    assert answer.json["detail"]["value"][0].startswith("Must be a valid soft prompt name.")
    assert server.get("/api/v1/config/soft_prompt").json == {"value": ""}


def test_virtual_tokens_come_off_the_context(server: Running, modules: dict[str, Module], engine: LlamaEngine) -> None:
    server.put("/api/v1/config/soft_prompt", "court")
    left = engine.info.context - modules["court"].tokens
    assert server.get("/api/v1/config/max_context_length").json == {"value": left}
    assert server.get("/api/extra/true_max_context_length").json == {"value": left}
    assert server.get("/props").json["default_generation_settings"]["n_ctx"] == left


def test_the_admin_list_picks_a_stack(server: Running) -> None:
    options = server.get("/api/admin/list_options").json
    assert options[0] == "none"
    assert {KEPT, *NAMES} <= set(options)
    assert server.post("/api/admin/reload_config", {"filename": KEPT}).json == {"success": True}
    assert server.get("/v1/models").json["data"][0]["id"] == KEPT
    assert server.post("/api/admin/reload_config", {"filename": "none"}).json == {"success": True}
    assert server.get("/api/v1/config/soft_prompt").json == {"value": ""}
    assert server.post("/api/admin/reload_config", {"filename": "../x.kcpps"}).status == 422


def test_a_text_can_be_looked_at_and_stopped_by_its_key(narrow: Running) -> None:
    body = LITE | {"prompt": OPENING, "max_length": 450, "genkey": "mine", "ban_eos_token": True, "temperature": 1}
    connection = http.client.HTTPConnection("127.0.0.1", narrow.port, timeout=300)
    connection.request("POST", "/api/extra/generate/stream", json.dumps(body))
    answer = connection.getresponse()
    answer.read(40)
    eventually(lambda: narrow.post("/api/extra/generate/check", {"genkey": "mine"}).json["results"][0]["text"] != "")
    assert narrow.post("/api/extra/abort", {"genkey": "another's"}).json["success"] is False
    assert narrow.post("/api/extra/abort", {"genkey": "mine"}).json["success"] is True
    rest = answer.read()
    connection.close()
    assert json.loads(rest.decode().rstrip().split("data: ")[-1]) == {"token": "", "finish_reason": "stop"}
    assert narrow.post("/api/extra/generate/check", {"genkey": "mine"}).json["results"][0]["text"] == ""


def test_tokens_are_counted_and_spelled(server: Running, engine: LlamaEngine) -> None:
    found = server.post("/api/extra/tokencount", {"prompt": OPENING}).json
    assert found == {"value": len(engine.tokenize(OPENING)), "ids": engine.tokenize(OPENING)}
    assert server.post("/api/extra/detokenize", {"ids": found["ids"]}).json == {"result": OPENING, "success": True}
    assert server.post("/api/extra/detokenize", {"ids": ["a"]}).status == 422
    assert server.post("/api/extra/detokenize", {"ids": [-1]}).status == 400


def test_the_last_probabilities_are_told(server: Running) -> None:
    body = LITE | {"prompt": OPENING, "max_length": 4, "logprobs": True, "genkey": "told"}
    answer = server.post("/api/v1/generate", body).json["results"][0]
    told = server.post("/api/extra/last_logprobs", {"genkey": "told"}).json["logprobs"]
    assert told == answer["logprobs"]
    assert bytes(byte for one in told["content"] for byte in one["bytes"]).decode() == answer["text"]
    assert all(len(one["top_logprobs"]) == 5 for one in told["content"])
    assert server.post("/api/extra/last_logprobs", {"genkey": "never"}).json == {"logprobs": None}


def test_perf_tells_of_the_last_text(server: Running) -> None:
    server.post("/api/v1/generate", LITE | {"prompt": OPENING, "max_length": 5, "sampler_seed": 77})
    told = server.get("/api/extra/perf").json
    assert (told["last_token_count"], told["last_seed"], told["stop_reason"], told["queue"]) == (5, 77, 0, 0)


def test_settings_are_kept_and_used(server: Running) -> None:
    assert server.get("/api/v1/config/max_length").json == {"value": 80}
    assert server.put("/api/v1/config/max_length", 3).json == {}
    assert server.get("/api/v1/config/max_length").json == {"value": 3}
    found = server.post("/api/v1/generate", {"prompt": OPENING, "temperature": 0}).json["results"][0]
    assert found["completion_tokens"] == 3
    assert server.put("/api/v1/config/max_length", "long").status == 422
    assert server.put("/api/v1/config/nothing", 1).status == 404
    server.put("/api/v1/config/max_length", 80)


def test_memory_note_and_lore_reach_the_model(server: Running, alone: Callable[..., str]) -> None:
    """Issue 18: memory, author's note and lorebooks as the clients send them."""
    text = OPENING + " She met Tim.\nThey went to the park.\n"
    dragon = "Tim is a big red dragon."

    def write(**more: Any) -> tuple[str, int, float]:
        """Return the text, how many tokens were read before it, and how likely its first token was."""
        body = LITE | {"prompt": text, "logprobs": True} | more
        found = server.post("/api/v1/generate", body).json["results"][0]
        return found["text"], found["prompt_tokens"], found["logprobs"]["content"][0]["logprob"]

    plain, minded = write(), write(memory=dragon)
    assert minded[0] == alone(text, Stack(), 24, memory=dragon)
    assert minded[1:] != plain[1:]
    noted = alone(text, Stack(), 24, note=dragon, note_depth=1)
    assert write(authors_note=dragon, authors_note_depth=1)[0] == noted != plain[0]
    books: tuple[dict[str, Any], ...] = (
        {"world_info": [{"key": "Tim", "keysecondary": "", "content": dragon, "constant": False}]},
        {"lorebook": {"entries": {"0": {"uid": 0, "key": ["tim"], "content": dragon}}}},
        {"character_book": {"entries": [{"keys": ["Tim"], "content": dragon, "enabled": True}]}},
    )
    for book in books:  # an entry stands where a memory of the same words would
        assert write(**book) == minded, book
    assert write(world_info=[{"key": "nobody here", "content": dragon}]) == plain
    assert server.post("/api/v1/generate", LITE | {"prompt": text, "world_info": {"a": 1}}).status == 422


def test_a_memory_longer_than_the_context_is_shortened(server: Running) -> None:
    answer = server.post("/api/v1/generate", LITE | {"prompt": OPENING, "memory": "Tim is a dragon. " * 2000})
    assert answer.status == 200


def test_a_clients_own_context_is_heeded(server: Running) -> None:
    long = " ".join([OPENING] * 40)
    found = [
        server.post("/api/v1/generate", LITE | {"prompt": long, "max_length": 2, "max_context_length": size}).json
        for size in (100, 400)
    ]
    read = [answer["results"][0]["prompt_tokens"] for answer in found]
    assert read[0] <= 98
    assert 200 < read[1] <= 398


def test_kobolds_own_trimming(server: Running) -> None:
    body = LITE | {"prompt": OPENING, "max_length": 40}
    whole = server.post("/api/v1/generate", body).json["results"][0]["text"]
    trimmed = server.post("/api/v1/generate", body | {"frmttriminc": True}).json["results"][0]["text"]
    assert whole.startswith(trimmed)
    assert trimmed.rstrip()[-1] in '.!?"'


def test_what_is_missing_is_said(server: Running) -> None:
    answer = server.post("/api/v1/generate", {})
    assert (answer.status, answer.json["detail"]["prompt"]) == (422, ["prompt is missing: the text to continue."])
    assert server.put("/api/v1/model", "other").status == 501
    assert server.get("/api/v1/story").status == 404


def test_the_users_own_copy_of_lite_is_served(server: Running, keyed: Running) -> None:
    assert server.get("/lite").data == b"<html>Lite</html>"
    assert keyed.get("/lite", Authorization="Bearer open sesame").status == 404
