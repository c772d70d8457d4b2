from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.common_prefix import changed_part, common_prefix


TEXT = st.text("ab ", max_size=12)


@given(TEXT, TEXT)
def test_the_shared_beginning_is_the_longest_there_is(a: str, b: str) -> None:
    shared = common_prefix(a, b)

    assert a[:shared] == b[:shared]
    assert shared in (len(a), len(b)) or a[shared] != b[shared]


def test_lists_of_tokens_are_compared_like_texts() -> None:
    assert common_prefix([5, 6, 7, 8], [5, 6, 9, 8]) == 2
    assert common_prefix([5, 6], [5, 6, 7]) == 2
    assert common_prefix([], [5]) == 0


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("", "", (0, 0, 0)),
        ("", "abc", (0, 0, 3)),
        ("abc", "", (0, 3, 0)),
        ("abc", "abc", (3, 3, 3)),
        ("the lamp", "the old lamp", (4, 4, 8)),
        ("aaaa", "aa", (2, 4, 2)),
        ("one two three", "one 2 three", (4, 7, 5)),
    ],
)
def test_the_changed_part_is_what_the_ends_do_not_share(old: str, new: str, part: tuple[int, int, int]) -> None:
    assert changed_part(old, new) == part


@given(TEXT, TEXT)
def test_putting_in_the_changed_part_makes_the_new_text(old: str, new: str) -> None:
    at, old_end, new_end = changed_part(old, new)

    assert old[:at] + new[at:new_end] + old[old_end:] == new
    assert at <= old_end
    assert at <= new_end
