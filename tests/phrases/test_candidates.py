"""Material: candidates and what they are tried on come from all pages, and never from the same place."""

from __future__ import annotations

from itertools import pairwise

from kobold_modules.phrases.candidates import FEWEST, Stretch, material, stretches


def pages(count: int, name: str = "door") -> str:
    return " ".join(f"The {name} number {number} was closed and the lamp was out." for number in range(count))


def test_stretches_are_whole_sentences_in_order() -> None:
    found = stretches([pages(60), pages(60, "gate")], 33)

    assert [one.document for one in found] == sorted(one.document for one in found)
    assert all(one.text.endswith(".") and one.text.startswith("The") for one in found)
    assert all(a.place + 1 == b.place for a, b in pairwise(found) if a.document == b.document)
    assert all(one.words == 33 for one in found)


def test_nothing_is_tried_on_itself_or_its_neighbours() -> None:
    choice = material([pages(300)], 33, 20, seed=1)

    assert len(choice.candidates) == 20
    tried_on = {one.place for one in choice.tried_on}
    assert len(tried_on) == 16
    assert all(abs(one.place - place) > 1 for one in choice.candidates for place in tried_on)
    assert max(tried_on) - min(tried_on) > 60


def test_a_seed_draws_others_and_the_same_ones_again() -> None:
    def places(seed: int) -> list[int]:
        return [one.place for one in material([pages(300)], 33, 8, seed).candidates]

    assert places(1) == places(1)
    assert places(1) != places(2)
    assert places(1) == sorted(places(1))


def test_too_little_text_has_no_candidates() -> None:
    assert material([pages(6)], 33, 8, seed=1).candidates == ()
    assert material([], 33, 8, seed=1).candidates == ()
    assert len(stretches([pages(3 * FEWEST)], 33)) == FEWEST
    assert material([pages(3 * FEWEST)], 33, 8, seed=1).candidates


def test_what_goes_on_from_a_stretch_is_known() -> None:
    choice = material([pages(300)], 33, 20, seed=1)
    one = choice.candidates[0]
    following = choice.following.get((one.document, one.place + 1))

    assert following is None or following == Stretch(following.text, one.document, one.place + 1, 33)
    assert not any(one in choice.following.values() for one in choice.tried_on)
