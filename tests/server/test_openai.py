"""The openai package, as people use it, against the server: every stack is a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.soft_prompt.module import Module
from kobold_modules.soft_prompt.stack import Stack
from tests.server.conftest import KEY
from tests.server.process import KEPT, NAMES, Running


OPENING = "Once upon a time, there was a little girl named Lily."
PLAIN = "stories260K-F32"


@pytest.fixture
def client(server: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.address}/v1", api_key="none needed", max_retries=0) as found:
        yield found


def test_every_stack_that_fits_is_a_model(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names[0] == PLAIN
    assert set(names) == {PLAIN, KEPT, *NAMES}
    assert client.models.retrieve("noir").id == "noir"
    assert client.models.retrieve(KEPT).id == KEPT


def test_a_completion_is_the_stacks_text(
    client: openai.OpenAI, modules: dict[str, Module], alone: Callable[..., str]
) -> None:
    answer = client.completions.create(model="noir", prompt=OPENING, max_tokens=20, temperature=0)
    assert answer.choices[0].text == alone(OPENING, Stack().add(modules["noir"]), 20)
    assert answer.choices[0].finish_reason == "length"
    assert answer.model == "noir"


def test_a_kept_stack_is_a_model(client: openai.OpenAI, modules: dict[str, Module], alone: Callable[..., str]) -> None:
    answer = client.completions.create(model=KEPT, prompt=OPENING, max_tokens=20, temperature=0)
    stack = Stack().add(modules["noir"]).add(modules["sea story"], 0.5)
    assert answer.choices[0].text == alone(OPENING, stack, 20)


def test_usage_counts_the_stacks_virtual_tokens(
    client: openai.OpenAI, engine: LlamaEngine, modules: dict[str, Module]
) -> None:
    plain, stacked = (
        client.completions.create(
            model=model, prompt=OPENING, max_tokens=7, temperature=0, logit_bias={"2": -100}
        ).usage
        for model in (PLAIN, "gothic")
    )
    assert plain is not None
    assert stacked is not None
    assert plain.prompt_tokens == len(engine.tokenize(OPENING))
    assert stacked.prompt_tokens == plain.prompt_tokens + modules["gothic"].tokens
    assert stacked.completion_tokens == 7
    assert stacked.total_tokens == stacked.prompt_tokens + 7


def test_a_stream_is_the_same_text(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": "noir", "prompt": OPENING, "max_tokens": 30, "temperature": 0}
    whole = client.completions.create(**asked).choices[0].text
    chunks = list(client.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == whole
    assert chunks[-2].choices[0].finish_reason == "length"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 30


def test_log_probabilities_come_with_the_tokens(client: openai.OpenAI) -> None:
    for stream in (False, True):
        answer: Any = client.completions.create(
            model=PLAIN, prompt=OPENING, max_tokens=5, temperature=0, logprobs=3, stream=stream
        )
        choices = [choice for part in answer for choice in part.choices] if stream else answer.choices
        told = [choice.logprobs for choice in choices if choice.logprobs is not None]
        tokens = [token for part in told for token in part.tokens]
        assert "".join(tokens) == "".join(choice.text for choice in choices)
        chances = [chance for part in told for chance in part.token_logprobs]
        tops = [top for part in told for top in part.top_logprobs]
        assert len(tokens) == len(chances) == len(tops) == 5
        assert all(
            len(top) == 3 and max(top.values()) == pytest.approx(chance)
            for top, chance in zip(tops, chances, strict=True)
        )


def test_several_prompts_and_several_copies(client: openai.OpenAI) -> None:
    answer = client.completions.create(
        model=PLAIN, prompt=[OPENING, "A dog ran."], max_tokens=8, temperature=1.2, n=2, seed=5
    )
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    again = client.completions.create(
        model=PLAIN, prompt=[OPENING, "A dog ran."], max_tokens=8, temperature=1.2, n=2, seed=5, stream=True
    )
    texts = ["", "", "", ""]
    for chunk in again:
        for choice in chunk.choices:
            texts[choice.index] += choice.text
    assert texts == [choice.text for choice in answer.choices]
    assert texts[0] != texts[1]


def test_token_ids_are_a_prompt_and_echo_gives_it_back(client: openai.OpenAI, engine: LlamaEngine) -> None:
    asked: dict[str, Any] = {"model": PLAIN, "max_tokens": 6, "temperature": 0, "echo": True}
    words = client.completions.create(prompt=OPENING, **asked).choices[0].text
    ids = client.completions.create(prompt=engine.tokenize(OPENING), **asked).choices[0].text
    assert words == ids
    assert words.startswith(OPENING)


def test_stop_strings_end_it_and_are_not_shown(client: openai.OpenAI) -> None:
    free = client.completions.create(model=PLAIN, prompt=OPENING, max_tokens=40, temperature=0).choices[0].text
    word = free.split()[4]
    cut = client.completions.create(model=PLAIN, prompt=OPENING, max_tokens=40, temperature=0, stop=[word]).choices[0]
    assert cut.text == free[: free.index(word)]
    assert cut.finish_reason == "stop"


def test_a_conversation_is_written_on_as_a_transcript(client: openai.OpenAI, alone: Callable[..., str]) -> None:
    """A model that writes prose has no chat template: it reads a plain transcript."""
    expected = alone("Be kind.\nUser: Hello.\nAssistant:", Stack(), 15, stop=("\nUser:",))
    asked: dict[str, Any] = {
        "model": PLAIN,
        "max_tokens": 15,
        "temperature": 0,
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello."}],
    }
    answer = client.chat.completions.create(**asked)
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content == expected
    chunks = list(client.chat.completions.create(**asked, stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == expected
    told = client.chat.completions.create(**asked, logprobs=True, top_logprobs=2).choices[0].logprobs
    assert told is not None
    assert told.content is not None
    assert bytes(byte for one in told.content for byte in one.bytes or ()).decode() == expected


def test_a_model_that_is_not_there_is_said_so(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="no stack or module called noire"):
        client.completions.create(model="noire", prompt=OPENING)
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("../noir")
    with pytest.raises(openai.UnprocessableEntityError, match="128 wide"):
        client.completions.create(model="made for a wider model", prompt=OPENING)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"temperature": "warm"}, "temperature should be a number"),
        ({"prompt": {"text": "no"}}, "prompt should be a text"),
        ({"prompt": [10**9]}, "no token 1000000000"),
        ({"max_tokens": [3]}, "max_tokens should be a number"),
        ({"stop": 4}, "stop should be a text"),
        ({"logit_bias": {"1": "much"}}, "logit_bias should give a number"),
        ({"n": 16, "prompt": ["a", "b", "c"]}, "texts in one request"),
        ({"lora": 3}, "lora should be the name"),
        ({"stack": "noir:99"}, "too far out"),
    ],
)
def test_a_field_that_makes_no_sense_is_a_sentence(server: Running, changes: dict[str, Any], words: str) -> None:
    answer = server.post("/v1/completions", {"prompt": OPENING, "max_tokens": 2} | changes)
    assert answer.status in (400, 422)
    assert words in answer.json["error"]["message"]
    assert "Traceback" not in answer.data.decode()


@pytest.mark.parametrize(
    "messages",
    [None, [], "hello", [3], [{"role": "cat", "content": "x"}], [{"role": "user", "content": [{"type": "image_url"}]}]],
)
def test_messages_that_are_none_are_refused(server: Running, messages: Any) -> None:
    answer = server.post("/v1/chat/completions", {"messages": messages})
    assert answer.status == 400
    assert answer.json["error"]["param"] == "messages"


def test_the_key_is_openais_key(keyed: Running) -> None:
    for key, lets_in in ((KEY, True), ("wrong", False)):
        with openai.OpenAI(base_url=f"{keyed.address}/v1", api_key=key, max_retries=0) as client:
            if lets_in:
                assert client.completions.create(model="noir", prompt=OPENING, max_tokens=2).choices
            else:
                with pytest.raises(openai.AuthenticationError):
                    client.models.list()
