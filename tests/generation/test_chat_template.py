"""A conversation in a model's own form, from templates of strangers."""

from __future__ import annotations

import pytest

from kobold_modules.generation.chat_template import ChatMessage, ChatTemplate


CHATML = ChatTemplate(
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "<|im_end|>",
)
NO_SYSTEM = ChatTemplate(
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system turn') }}"
    "{% endif %}<start_of_turn>{{ m['role'] }}\n{{ m['content'] | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
MERGED = ChatTemplate(
    "{% set system = messages[0]['content'] if messages[0]['role'] == 'system' else '' %}"
    "{% for m in messages if m['role'] != 'system' %}[INST] {{ system }} {{ m['content'] }} [/INST]{% endfor %}"
)


def test_turns_are_rendered_and_the_answer_is_opened() -> None:
    turns = [ChatMessage("user", "Who?"), ChatMessage("assistant", "Mirren."), ChatMessage("user", "Where?")]

    assert CHATML.render(turns).endswith("<|im_start|>user\nWhere?<|im_end|>\n<|im_start|>assistant\n")
    assert CHATML.render(turns, opening=False).endswith("Where?<|im_end|>\n")


def test_the_lore_is_the_systems_turn_and_the_question_stands_behind_it_alone() -> None:
    view, prompt = CHATML.question("Who?", "Mirren keeps the toll.\n\n")

    assert view == "<|im_start|>system\nMirren keeps the toll.<|im_end|>\n"
    assert prompt == "<|im_start|>user\nWho?<|im_end|>\n<|im_start|>assistant\n"


@pytest.mark.parametrize("template", [NO_SYSTEM, MERGED], ids=["no system", "merged"])
def test_without_a_systems_turn_of_its_own_the_lore_stands_before_the_conversation(template: ChatTemplate) -> None:
    view, prompt = template.question("Who?", "Mirren keeps the toll.\n\n")

    assert view == "Mirren keeps the toll.\n\n"
    assert "Who?" in prompt
    assert "Mirren" not in prompt


@pytest.mark.parametrize(
    "source",
    [
        "{% for m in messages %}",
        "{{ messages[9]['content'] }}{{ messages.nothing.there }}",
        "{{ raise_exception('never') }}",
        "{{ 1 / 0 }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages | nosuchfilter }}",
        "{% for i in range(99999999) %}x{% endfor %}",
    ],
    ids=["unclosed", "undefined", "refuses", "arithmetic", "out of the sandbox", "filter", "endless"],
)
def test_a_template_that_does_not_work_is_one_error(source: str) -> None:
    with pytest.raises(ValueError, match="chat template"):
        ChatTemplate(source).render([ChatMessage("user", "Who?")])
