"""What has no effect is said once; what asks for text of a certain form is refused, and the server lives."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from kobold_modules.server.ignored import FORMS, IGNORED, IgnoredFields, refuse_forms
from kobold_modules.server.problem import Problem
from tests.server.process import Running, running
from tests.server.test_koboldai import LITE
from tests.server.test_sillytavern import EVERYTHING


ROOT_RULE = 'root ::= "yes" | "no"'


def told(*bodies: dict[str, Any]) -> list[str]:
    said: list[str] = []
    ignored = IgnoredFields(said.append)
    for body in bodies:
        ignored.tell(body)
    return said


def test_a_field_is_named_once_with_its_value() -> None:
    bodies = ({"tfs": 0.95, "prompt": "x"}, {"tfs": 0.9}, {"tfs": 0.9, "top_a": "0.2", "sampler_order": [0, 6]})

    assert told(*bodies) == [
        "Without effect here, and said once: tfs 0.95.",
        "Without effect here, and said once: top_a 0.2, sampler_order.",
    ]


def test_what_front_ends_send_to_switch_a_setting_off_is_not_named() -> None:
    off = {name: neutral[0] if neutral else None for name, neutral in IGNORED.items()}

    assert told(off, {"tfs": "1", "top_a": 0.0, "negative_prompt": "", "tools": []}) == []
    assert told(LITE) == ["Without effect here, and said once: rep_pen_slope 0.7."]
    assert told(EVERYTHING) == ["Without effect here, and said once: samplers, sampler_priority."]


def test_a_strangers_value_is_safe_to_show() -> None:
    (line,) = told({"tfs": "\x1b[2J\n" + "x" * 10_000})

    assert line.isprintable()
    assert len(line) < 120


def test_a_listener_that_has_gone_refuses_nobody_a_text() -> None:
    def gone(_: str) -> None:
        raise BrokenPipeError

    IgnoredFields(gone).tell({"tfs": 0.9})


@pytest.mark.parametrize(
    "body",
    [
        *({name: ROOT_RULE} for name in FORMS),
        {"json_schema": {"type": "object"}},
        {"response_format": {"type": "json_object"}},
        {"guided_choice": ["yes", "no"]},
        {"tools": [{"type": "function"}], "tool_choice": "required"},
        {"tools": [{"type": "function"}], "tool_choice": {"type": "function"}},
    ],
)
def test_a_form_that_cannot_be_kept_to_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(Problem, match="cannot hold a model to one") as refused:
        refuse_forms(body)
    assert refused.value.status == 400
    assert refused.value.field in body


@pytest.mark.parametrize("off", [None, "", False, {}, []])
def test_an_empty_form_is_none(off: Any) -> None:
    refuse_forms(dict.fromkeys(FORMS, off))
    refuse_forms({"response_format": {"type": "text"}, "tools": [{}], "tool_choice": "auto"})
    refuse_forms(LITE)
    refuse_forms(EVERYTHING)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/generate", {"prompt": "Is it?"}),
        ("/api/extra/generate/stream", {"prompt": "Is it?"}),
        ("/v1/completions", {"prompt": "Is it?"}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Is it?"}]}),
        ("/completion", {"prompt": "Is it?"}),
    ],
)
@pytest.mark.parametrize("grammar", [ROOT_RULE, "root ::= " + "(" * 60_000 + '"a"' + ")" * 60_000, "not a grammar"])
def test_every_dialect_refuses_a_grammar_and_lives(
    server: Running, path: str, body: dict[str, Any], grammar: str
) -> None:
    answer = server.post(path, body | {"grammar": grammar, "max_tokens": 4})

    assert answer.status == 400
    assert "grammar asks for text of a certain form" in json.dumps(answer.json)
    assert server.post(path, body | {"grammar": "", "max_tokens": 4}).status == 200


def test_who_serves_reads_of_a_smaller_context_and_of_fields_without_effect(stories: Path, home: Path) -> None:
    model = stories / "stories260K-F16.gguf"
    command = ["-m", "kobold_modules", "serve", "--model", str(model), "--port", "0", "--json", "--contextsize", "9999"]
    with running(command, home) as server:
        context = server.stats()["context"]
        for _ in range(2):
            server.post("/v1/completions", {"prompt": "Once", "max_tokens": 2, "tfs": 0.9})
        while server.stats()["finished"] < 2 or not (notes := notes_in(server.lines)):
            time.sleep(0.01)

    assert context == 512
    assert notes_in(server.before) == ["stories260K-F16 was made for 512 tokens, so its context is 512 and not 9,999."]
    assert notes == ["Without effect here, and said once: tfs 0.9."]


def notes_in(lines: list[dict[str, Any]]) -> list[str]:
    return [line["text"] for line in lines if line["record"] == "note"]
