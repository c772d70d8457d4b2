from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.library.slug import key_of, slug_of


@pytest.mark.parametrize(
    ("name", "ascii", "any_script"),
    [
        ("Noir in the Rain", "noir-in-the-rain", "noir-in-the-rain"),
        ("my_story: part 2?", "my-story-part-2", "my-story-part-2"),
        ("Über Nacht", "uber-nacht", "über-nacht"),
        ("雨の夜", "story-960ea65a", "雨の夜"),
        ("…", "story-ab5df625", "story"),
        ("CON", "con-story", "con-story"),
        ("../../etc/passwd", "etc-passwd", "etc-passwd"),
    ],
)
def test_a_name_becomes_one_that_every_file_system_takes(name: str, ascii: str, any_script: str) -> None:
    assert slug_of(name, "story", any_script=True) == any_script
    assert slug_of(name, "story") == ascii


@given(st.text(max_size=200), st.booleans())
def test_whatever_the_name_there_is_a_short_slug_and_names_alike_have_the_same(name: str, any_script: bool) -> None:
    slug = slug_of(name, any_script=any_script, longest=40)

    assert 1 <= len(slug) <= 40 + len("-module")
    assert not set(slug) & set('/\\:*?"<>|. ')
    assert slug == slug_of(key_of(name), any_script=any_script, longest=40)
