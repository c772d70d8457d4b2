"""Templates of p-tuning: issue 17, deliverable 2."""

from __future__ import annotations

import pytest
import torch

from kobold_modules.errors import BadUsage
from kobold_modules.training import TrainingRequest
from kobold_modules.training.template import Template, template_of


def encode(text: str) -> list[int]:
    return [ord(letter) for letter in text]


def test_without_a_template_every_row_is_a_virtual_token() -> None:
    assert template_of("", encode, 10) == Template()


def test_groups_share_what_the_words_leave_and_the_first_gets_what_is_over() -> None:
    found = template_of("{prompt}ab{prompt}c", encode, 8)  # three words of one token each: 5 are left, 3 and 2

    assert found.anchors == (3, 4, 7)
    assert found.ids == tuple(map(ord, "abc"))


def test_groups_may_have_a_number_and_the_text_may_be_named_at_the_end() -> None:
    found = template_of("a{prompt:2}b{prompt}{text}", encode, 9)

    assert found.anchors == (0, 3)


def test_a_word_of_a_template_is_the_embedding_of_its_token() -> None:
    table = torch.arange(20.0).view(10, 2)

    rows = Template((1,), (7,)).applied(torch.zeros(3, 2), table)

    assert rows.tolist() == [[0, 0], [14, 15], [0, 0]]


@pytest.mark.parametrize("tokens", [3, 4])
def test_too_few_tokens_for_a_template_are_told(tokens: int) -> None:
    with pytest.raises(BadUsage, match="leaves"):
        template_of("{prompt}ab{prompt}c", encode, tokens)


def test_tokens_that_no_group_takes_are_told() -> None:
    with pytest.raises(BadUsage, match="leaves 4") as raised:
        template_of("{prompt:2}ab", encode, 8)
    assert "--tokens 4" in raised.value.hint


@pytest.mark.parametrize(
    "text", ["no group", "{prompt} {name}", "{prompt:0} a", "{prompt", "a}{prompt}", "{prompt:-1}"]
)
def test_what_is_no_template_is_refused_before_anything_is_read(text: str) -> None:
    with pytest.raises(BadUsage, match="template"):
        TrainingRequest(files=("a.txt",), name="a", method="p-tuning", template=text)


@pytest.mark.parametrize("text", ["{prompt} {text} {prompt}", "{prompt} {text} and on", "{text}{prompt}"])
def test_virtual_tokens_behind_the_text_are_refused_with_the_reason(text: str) -> None:
    with pytest.raises(BadUsage, match="a story goes on"):
        TrainingRequest(files=("a.txt",), name="a", method="p-tuning", template=text)


def test_a_template_without_p_tuning_is_refused() -> None:
    with pytest.raises(BadUsage, match="belongs to p-tuning"):
        TrainingRequest(files=("a.txt",), name="a", template="{prompt} a")
