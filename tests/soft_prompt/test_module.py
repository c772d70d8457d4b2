"""Modules and their cards: what is accepted, what can't change afterwards, what comes back from JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.errors import BadModule
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.module import MOST_ROWS, Card, Module


ROWS = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_a_module_knows_its_size() -> None:
    module = Module(ROWS, Card("Noir"))
    assert (module.tokens, module.width) == (2, 3)


@pytest.mark.parametrize("rows", [np.zeros(3), np.zeros((1, 2, 3)), np.zeros((2, 0)), np.zeros((0, 3))])
def test_only_tables_with_rows_are_modules(rows: np.ndarray) -> None:
    with pytest.raises(BadModule, match="Noir"):
        Module(rows.astype(np.float32), Card("Noir"))


def test_koboldais_limit_on_rows_is_ours() -> None:
    assert Module(np.zeros((MOST_ROWS, 1), np.float32), Card("Most")).tokens == 2047
    with pytest.raises(BadModule, match="1 to 2047"):
        Module(np.zeros((MOST_ROWS + 1, 1), np.float32), Card("Too many"))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_what_is_no_float32_number_is_refused(value: float) -> None:
    with pytest.raises(BadModule, match="not numbers"):
        Module(np.array([[1.0, value]]), Card("Broken"))


def test_other_layouts_and_types_become_float32_in_c_order() -> None:
    module = Module(np.asfortranarray(ROWS.astype(np.float64)), Card("Noir"))
    assert module.vectors.dtype == np.float32
    assert module.vectors.flags.c_contiguous
    assert np.array_equal(module.vectors, ROWS)


def test_a_training_that_goes_on_does_not_change_a_module_made_from_its_buffer() -> None:
    buffer = ROWS.copy()
    whole, view = Module(buffer, Card("Whole")), Module(buffer[:1], Card("View"))
    digests = whole.digest, view.digest
    buffer += 1
    assert (whole.digest, view.digest) == digests
    assert buffer.flags.writeable


def test_the_rows_of_a_module_are_read_only_and_shared_between_its_cards() -> None:
    module = Module(ROWS, Card("Noir"), ROWS)
    with pytest.raises(ValueError, match="read-only"):
        module.vectors[0, 0] = 5
    renamed = module.with_card(name="Gothic")
    assert renamed.vectors is module.vectors
    assert renamed.initial is module.initial
    assert (renamed.card.name, module.card.name) == ("Gothic", "Noir")


def test_initial_rows_must_have_the_same_shape() -> None:
    with pytest.raises(BadModule, match="another shape"):
        Module(ROWS, Card("Noir"), ROWS[:1])


def test_the_digest_is_of_the_rows_and_their_shape_alone() -> None:
    assert Module(ROWS, Card("a")).digest == Module(ROWS, Card("b"), ROWS).digest
    assert Module(ROWS, Card("a")).digest != Module(ROWS.reshape(3, 2), Card("a")).digest
    assert Module(ROWS, Card("a")).digest != Module(ROWS + 1, Card("a")).digest


def full_card() -> Card:
    return Card(
        name="Noir",
        kind="world",
        description="wet",
        author="me",
        model="starter",
        fingerprint=Fingerprint(10, 3, (0.5,)),
        created="2026-11-21",
        tags=("a", "b"),
        training={"steps": 4},
        measured={"bits_per_byte_with": 1.5},
        curve=((0, 3.5), (5, 3.25)),
        samples={"opening": "It"},
        sources=({"name": "a.txt", "words": 5},),
        extra={"later": [1]},
    )


def test_a_card_comes_back_from_json() -> None:
    assert Card.from_dict(json.loads(json.dumps(full_card().to_dict()))) == full_card()


def test_fields_of_newer_versions_are_kept() -> None:
    card = Card.from_dict({"name": "Noir", "mood": {"grim": 5}})
    assert card.extra == {"mood": {"grim": 5}}
    assert card.to_dict()["mood"] == {"grim": 5}


def test_an_unknown_kind_is_imported() -> None:
    assert Card.from_dict({"name": "x", "kind": "spell"}).kind == "imported"
    assert Card.from_dict({"name": "x"}).kind == "imported"


def test_extra_can_not_overrule_a_real_field() -> None:
    assert Card("Noir", extra={"name": "Other"}).to_dict()["name"] == "Noir"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(values, st.sampled_from(sorted(full_card().to_dict())))
def test_a_field_of_any_shape_is_a_card_or_a_value_error(value: object, key: str) -> None:
    try:
        card = Card.from_dict({**full_card().to_dict(), key: value})
    except ValueError:
        return
    assert isinstance(card, Card)


@given(values)
def test_any_json_is_a_card_or_a_value_error(value: object) -> None:
    try:
        Card.from_dict(value)  # type: ignore[arg-type]
    except ValueError:
        return
    assert isinstance(value, dict)
