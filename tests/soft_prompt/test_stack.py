"""Stacks: order, strengths and switches folded into one matrix, and what fits which model."""

from __future__ import annotations

import numpy as np
import pytest

from kobold_modules.errors import WrongModel
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack, check_fit, layer_rows


TRAINED = np.array([[2.0, 4.0], [6.0, 8.0]], np.float32)
START = np.array([[0.0, 0.0], [2.0, 4.0]], np.float32)
NOIR = Module(TRAINED, Card("Noir"), START)
GOTHIC = Module(TRAINED + 10, Card("Gothic"))


def test_an_empty_stack_is_the_plain_model() -> None:
    assert Stack().matrix() is None
    assert Stack().tokens == 0
    assert Stack().label == "no module"


def test_modules_stand_in_their_order() -> None:
    matrix = Stack().add(NOIR).add(GOTHIC).matrix()
    assert matrix is not None
    assert np.array_equal(matrix, np.concatenate([NOIR.vectors, GOTHIC.vectors]))
    assert matrix.flags.c_contiguous
    assert matrix.dtype == np.float32


def test_full_strength_is_the_trained_rows_bit_for_bit() -> None:
    assert layer_rows(Layer(NOIR)) is NOIR.vectors


def test_half_strength_is_half_way_from_the_start() -> None:
    assert layer_rows(Layer(NOIR, 0.5)).tolist() == [[1, 2], [4, 6]]
    assert layer_rows(Layer(NOIR, 1.5)).tolist() == [[3, 6], [8, 10]]


def test_without_a_start_it_leans_towards_its_own_mean() -> None:
    assert layer_rows(Layer(Module(TRAINED, Card("x")), 0.5)).tolist() == [[3, 5], [5, 7]]


def test_what_is_off_or_has_no_strength_takes_no_room() -> None:
    stack = Stack().add(NOIR, 0).add(GOTHIC).change(1, on=False)
    assert stack.matrix() is None
    assert stack.tokens == 0
    assert stack.change(1, on=True).tokens == 2


def test_the_label_names_what_is_active() -> None:
    assert Stack().add(NOIR).add(GOTHIC, 0.5).label == "Noir + Gothic ×0.5"


def test_modules_of_different_widths_do_not_stack() -> None:
    wide = Module(np.ones((1, 3), np.float32), Card("Wide"))
    with pytest.raises(WrongModel, match=r"Noir \+ Wide"):
        Stack().add(NOIR).add(wide).matrix()
    assert Stack().add(NOIR).add(wide, 0).matrix() is not None


def test_layers_are_added_removed_moved_and_changed_in_a_copy() -> None:
    stack = Stack().add(NOIR).add(GOTHIC)
    assert [layer.module for layer in stack.move(1, -1).layers] == [GOTHIC, NOIR]
    assert [layer.module for layer in stack.move(0, 99).layers] == [GOTHIC, NOIR]
    assert [layer.module for layer in stack.remove(0).layers] == [GOTHIC]
    assert stack.change(0, strength=0.25).layers[0].strength == 0.25
    assert [layer.module for layer in stack.layers] == [NOIR, GOTHIC]
    assert stack.layers[0].strength == 1


def test_the_digest_is_that_of_the_matrix() -> None:
    stack = Stack().add(NOIR).add(GOTHIC)
    assert stack.digest == Stack().add(NOIR.with_card(name="Other")).add(GOTHIC).digest
    assert stack.digest == Stack().add(GOTHIC, 0).add(NOIR).add(GOTHIC).digest
    assert stack.digest != stack.move(0, 1).digest
    assert stack.digest != stack.change(0, strength=0.5).digest
    assert stack.digest != Stack().digest


def test_at_half_strength_another_start_is_another_digest() -> None:
    """A kept KV state filed under the trained rows alone would be the wrong one."""
    elsewhere = Module(TRAINED, Card("Noir"), START + 1)
    assert Stack().add(NOIR).digest == Stack().add(elsewhere).digest
    assert Stack().add(NOIR, 0.5).digest != Stack().add(elsewhere, 0.5).digest


# -- fit

MODEL = Fingerprint(100, 2, (1.0, 0.0, 0.0))


def made_for(fingerprint: Fingerprint | None) -> Module:
    return Module(TRAINED, Card("Noir", model="starter", fingerprint=fingerprint))


def test_a_module_on_its_own_model_raises_no_word() -> None:
    assert check_fit(made_for(MODEL), MODEL, "starter") is None
    assert Stack().add(made_for(MODEL)).check(MODEL, "starter") == []


def test_another_width_does_not_fit_and_says_both() -> None:
    with pytest.raises(WrongModel, match="vectors 2 wide, big needs 9") as caught:
        check_fit(made_for(None), Fingerprint(100, 9), "big")
    assert caught.value.exit_code == 4
    assert "starter" in f"{caught.value.message} {caught.value.hint}"


def test_another_model_of_the_same_width_does_not_fit() -> None:
    with pytest.raises(WrongModel, match="as wide as other but another model"):
        check_fit(made_for(MODEL), Fingerprint(100, 2, (0.0, 1.0, 0.0)), "other")


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        (None, "does not say which model"),
        (Fingerprint(100, 2), "no sketch of its model"),
        (Fingerprint(100, 2, (1.0, 0.4, 0.0)), "close relative"),
    ],
)
def test_what_may_fit_is_a_warning(mark: Fingerprint | None, words: str) -> None:
    assert words in (check_fit(made_for(mark), MODEL, "starter") or "")


def test_a_stack_warns_for_each_active_module() -> None:
    stack = Stack().add(made_for(None)).add(made_for(None), 0).add(made_for(Fingerprint(100, 2)))
    assert len(stack.check(MODEL, "starter")) == 2
