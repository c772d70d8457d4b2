"""SillyTavern's request bodies by kind of back end, from what its source sends: names in several spellings at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.soft_prompt.module import Module
from kobold_modules.soft_prompt.stack import Stack
from tests.server.process import NAMES, Running


OPENING = "Once upon a time, there was a little girl named Lily."
TOKENS = 16
# Every back end of its kind "Text Completion" gets these, under all their names.
EVERYTHING: dict[str, Any] = {
    "max_new_tokens": TOKENS, "max_tokens": TOKENS, "n_predict": TOKENS, "num_predict": TOKENS, "temperature": 0,
    "top_p": 1, "typical_p": 1, "typical": 1, "min_p": 0, "repetition_penalty": 1, "rep_pen": 1, "repeat_penalty": 1,
    "rep_pen_range": 0, "repeat_last_n": 0, "repetition_penalty_range": 0, "encoder_repetition_penalty": 1,
    "no_repeat_ngram_size": 0, "penalty_alpha": 0, "num_beams": 1, "length_penalty": 1, "min_length": 0,
    "frequency_penalty": 0, "presence_penalty": 0, "top_k": 0, "min_tokens": 0, "seed": -1, "sampler_seed": -1,
    "add_bos_token": True, "ban_eos_token": False, "skip_special_tokens": True, "include_reasoning": True, "top_a": 0,
    "tfs": 1, "epsilon_cutoff": 0, "eta_cutoff": 0, "mirostat_mode": 0, "mirostat": 0, "mirostat_tau": 5,
    "mirostat_eta": 0.1, "truncation_length": 512, "max_context_length": 512, "num_ctx": 512,
    "stopping_strings": ["\nLily:", "\nTom:"], "stop": ["\nLily:", "\nTom:"], "guidance_scale": 1,
    "negative_prompt": "",
    "dynatemp_low": 1, "dynatemp_high": 1, "dynatemp_range": 0, "dynatemp_exponent": 1, "smoothing_factor": 0,
    "smoothing_curve": 1, "dry_allowed_length": 2, "dry_multiplier": 0, "dry_base": 1.75, "dry_penalty_last_n": 0,
    "dry_sequence_breakers": "[\"\\n\", \":\", \"\\\"\", \"*\"]", "xtc_threshold": 0.1, "xtc_probability": 0,
    "nsigma": 0, "top_n_sigma": 0, "sampler_priority": ["temperature", "top_k"], "samplers": ["top_k", "temperature"],
    "custom_token_bans": "", "banned_strings": [], "logit_bias": [], "json_schema": None, "grammar": "",
    "cache_prompt": True, "prompt": OPENING,
}  # fmt: skip


def text_of(events: list[Any]) -> str:
    return "".join(event["choices"][0]["text"] for event in events if event != "[DONE]")


def test_koboldcpp_sends_no_model(server: Running, alone: Callable[..., str]) -> None:
    assert server.get("/v1/models").json["data"][0]["id"] == "stories260K-F32"
    body = EVERYTHING | {"stream": True, "use_default_badwordsids": False, "sampler_order": [6, 0, 1, 3, 4, 2, 5]}
    assert text_of(server.post("/v1/completions", body).events) == alone(OPENING, Stack(), TOKENS)
    assert server.post("/api/extra/tokencount", {"prompt": OPENING}).json["value"] > 5
    assert server.post("/api/extra/abort", {}).status == 200


def test_llamacpp(server: Running, modules: dict[str, Module], alone: Callable[..., str]) -> None:
    assert server.get("/props").json["model_alias"] == "stories260K-F32"
    body = EVERYTHING | {"stream": True, "n_probs": 4}
    events = server.post("/completion", body).events
    assert "".join(event["content"] for event in events) == alone(OPENING, Stack(), TOKENS)
    assert [event["stop"] for event in events][-2:] == [False, True]
    assert (events[-1]["stop_type"], events[-1]["tokens_predicted"]) == ("limit", TOKENS)
    told = [one for event in events for one in event.get("completion_probabilities", ())]
    assert "".join(one["token"] for one in told) == "".join(event["content"] for event in events)
    assert all(len(one["top_logprobs"]) == 4 for one in told)
    picked = server.post("/completion", EVERYTHING | {"model": "gothic"}).json["content"]
    assert picked == alone(OPENING, Stack().add(modules["gothic"]), TOKENS)


def test_generic_openai_sends_few_fields_and_a_model(
    server: Running, modules: dict[str, Module], alone: Callable[..., str]
) -> None:
    few = ("prompt", "temperature", "top_p", "frequency_penalty", "presence_penalty", "stop", "seed", "max_tokens")
    body = {name: EVERYTHING[name] for name in few} | {"model": "farce", "logit_bias": {}, "n": 1, "stream": False}
    written = server.post("/v1/completions", body).json["choices"][0]["text"]
    assert written == alone(OPENING, Stack().add(modules["farce"]), TOKENS)


def test_text_generation_webui_asks_for_tokens_and_probabilities(server: Running, engine: LlamaEngine) -> None:
    encoded = server.post("/v1/internal/encode", {"text": OPENING}).json
    assert encoded == {"tokens": engine.tokenize(OPENING), "length": len(engine.tokenize(OPENING))}
    assert server.post("/v1/internal/decode", {"tokens": encoded["tokens"]}).json == {"text": OPENING}
    body = EVERYTHING | {"stream": True, "logprobs": 3, "custom_token_bans": "5,6"}
    events = server.post("/v1/completions", body).events
    maps = [top for event in events[:-2] for top in event["choices"][0]["logprobs"]["top_logprobs"]]
    assert len(maps) == TOKENS
    assert all(len(top) == 3 for top in maps)


@pytest.mark.parametrize("path", ["/api/v1/generate", "/api/extra/generate/stream"])
def test_classic_kobold(server: Running, alone: Callable[..., str], path: str) -> None:
    body = {
        "prompt": OPENING, "gui_settings": False, "sampler_order": [6, 0, 1, 2, 3, 4, 5], "max_context_length": 512,
        "max_length": TOKENS, "rep_pen": 1, "rep_pen_range": 512, "rep_pen_slope": 0, "temperature": 0, "tfs": 1,
        "top_a": 0, "top_k": 0, "top_p": 1, "min_p": 0, "typical": 1, "use_world_info": False, "singleline": False,
        "stop_sequence": ["\nTom:"], "streaming": True, "can_abort": True, "mirostat": 0, "mirostat_tau": 5,
        "mirostat_eta": 0.1, "use_default_badwordsids": False, "grammar": "", "sampler_seed": None,
        "api_server": "http://127.0.0.1:5001/api",
    }  # fmt: skip
    answer = server.post(path, body)
    if path.endswith("stream"):
        written = "".join(event["token"] for event in answer.events)
    else:
        written = answer.json["results"][0]["text"]
    assert written == alone(OPENING, Stack(), TOKENS)


def test_a_field_of_ones_own_chooses_a_stack(
    server: Running, modules: dict[str, Module], alone: Callable[..., str]
) -> None:
    """Its "additional parameters" reach the server in every kind that does not filter."""
    expected = alone(OPENING, Stack().add(modules["noir"]), TOKENS)
    for own in ({"stack": "noir"}, {"soft_prompt": "noir"}, {"lora": "noir"}, {"lora": [{"name": "noir"}]}):
        assert server.post("/v1/completions", EVERYTHING | own).json["choices"][0]["text"] == expected
        assert server.post("/completion", EVERYTHING | own).json["content"] == expected


def test_llama_servers_adapters_are_modules(
    server: Running, modules: dict[str, Module], alone: Callable[..., str]
) -> None:
    listed = server.get("/lora-adapters").json
    assert {one["path"] for one in listed} == set(NAMES)
    ids = {one["path"]: one["id"] for one in listed}
    once = server.post("/completion", EVERYTHING | {"lora": [{"id": ids["noir"], "scale": 0.5}]}).json["content"]
    assert once == alone(OPENING, Stack().add(modules["noir"], 0.5), TOKENS)
    assert server.ask("POST", "/lora-adapters", [{"id": ids["court"], "scale": 1.0}]).json == {"success": True}
    assert [one["path"] for one in server.get("/lora-adapters").json if one["scale"]] == ["court"]
    assert server.ask("POST", "/lora-adapters", []).json == {"success": True}
    assert server.get("/api/v1/config/soft_prompt").json == {"value": ""}
    assert server.ask("POST", "/lora-adapters", [{"id": 99, "scale": 1}]).status == 400
    assert server.ask("POST", "/lora-adapters", {"id": 1}).status == 400
