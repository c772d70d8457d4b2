"""S09: what a KoboldAI save holds beside its text is used where it has its like here, and named where it has not."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.stories.lite_settings import LiteSettings, listed, settings_in


def test_stop_strings_and_banned_phrases_are_read_from_either_place() -> None:
    old = settings_in({"extrastopseq": "THE END||$||\\n***||$||", "tokenbans": "shiver"})
    new = settings_in({"savedsettings": {"extrastopseq": "THE END", "tokenbans": "shiver||$||a testament to"}})

    assert (old.stop, old.banned) == (("THE END", "\n***"), ("shiver",))
    assert (new.stop, new.banned) == (("THE END",), ("shiver", "a testament to"))


def test_what_has_no_like_here_is_named() -> None:
    found = settings_in(
        {
            "worldinfo": [{"key": "Nora", "content": "A detective."}, {"key": "Pier", "content": "Burnt."}],
            "savedsettings": {"opmode": 4, "logitbiasdict": {"12": -3}, "regexreplace_data": [{"p": "a"}]},
            "documentdb_data": "a long text",
        }
    ).unused

    assert found == (
        "logit biases",
        "replacements by pattern",
        "the text database",
        "the instruct mode",
        "sampler settings",
    )


def test_an_empty_save_has_nothing_to_name() -> None:
    empty = {"worldinfo": [], "extrastopseq": "", "tokenbans": "", "savedsettings": {}, "completed_imgs_meta": {}}
    assert settings_in(empty) == LiteSettings()


def test_lists_in_words() -> None:
    assert [listed(words) for words in ((), ("a",), ("a", "b"), ("a", "b", "c"))] == ["", "a", "a and b", "a, b and c"]


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_keys = st.sampled_from(["worldinfo", "worldinfo_v2", "savedsettings", "extrastopseq", "tokenbans", "opmode", "biases"])


@given(st.dictionaries(_keys, _values))
def test_members_of_any_kind_are_no_error(rest: dict[str, Any]) -> None:
    assert all(isinstance(words, str) for words in settings_in(rest).unused)
