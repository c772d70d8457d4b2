"""A writer's own presets: a file that people may edit, and that says what is wrong with it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from kobold_modules.errors import BadInput, BadUsage
from kobold_modules.sampling.presets import find_preset, load_presets, presets_file, save_preset
from kobold_modules.sampling.settings import PRESETS, Sampler


def write(text: str) -> None:
    presets_file().parent.mkdir(parents=True, exist_ok=True)
    presets_file().write_text(text, encoding="utf-8")


def test_ours_are_there_without_a_file() -> None:
    assert load_presets() == PRESETS
    assert find_preset("careful") == PRESETS["careful"]


def test_a_preset_is_kept_found_and_changed() -> None:
    rainy = Sampler(temperature=0.9, banned=("shivers down", 'say "no"\n'), bias=(("rain", 2.0),), seed=7)
    save_preset("rainy night", rainy)
    save_preset("dry", Sampler(dry_multiplier=0.8))
    assert find_preset("rainy night") == rainy
    assert list(load_presets()) == [*PRESETS, "rainy night", "dry"]
    save_preset("rainy night", Sampler(temperature=1.5))
    assert find_preset("rainy night") == Sampler(temperature=1.5)
    with pytest.raises(BadUsage, match="no preset called rainy day"):
        find_preset("rainy day")


def test_a_hand_written_file_may_build_on_presets() -> None:
    write('[mine]\nbase = "careful"\nrep_pen = 1.2\n\n[more]\nbase = "mine"\ntemperature = 1\n')
    assert find_preset("mine") == Sampler.from_dict({"repetition": 1.2}, PRESETS["careful"])
    assert find_preset("more") == Sampler.from_dict({"repetition": 1.2, "temperature": 1}, PRESETS["careful"])


def test_keeping_a_preset_leaves_the_writers_own_lines_alone() -> None:
    write(
        '# for the rainy book\n[mine]\ntemperature = 0.7  # 0.8 rambles\nrep_pen = 1.1\n\n[other]\nbase = "careful"\n'
    )

    save_preset("mine", Sampler(temperature=0.9, bias=(("rain", 2.0),)))
    save_preset("new", Sampler(dry_multiplier=0.8))

    text = presets_file().read_text(encoding="utf-8")
    assert text.startswith("# for the rainy book\n[mine]\ntemperature = 0.9  # 0.8 rambles\n")
    assert "bias = {rain = 2.0}\n" in text
    assert '[other]\nbase = "careful"\n\n[new]\n' in text
    assert find_preset("mine") == Sampler(temperature=0.9, bias=(("rain", 2.0),))
    assert list(load_presets()) == [*PRESETS, "mine", "other", "new"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[mine", "cannot be read"),
        ("temperature = 1", "outside of a preset"),
        ("[mine]\ntemperature = 9", "The preset mine"),
        ("[mine]\nheat = 9", "no sampler setting heat"),
        ('[mine]\nbase = "yours"', "no preset above it"),
        ("[mine]\nbase = 3", "no preset above it"),
    ],
)
def test_a_broken_file_says_what_is_wrong_with_it(text: str, says: str) -> None:
    write(text)
    with pytest.raises(BadInput) as caught:
        load_presets()
    assert says in caught.value.message


def test_names_that_cannot_be_names() -> None:
    for name in ("", "  ", "a\nb", "x" * 61):
        with pytest.raises(BadUsage):
            save_preset(name, Sampler())


@effort(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.text(min_size=1, max_size=20).filter(lambda name: name.strip() and name.isprintable()),
    st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), max_size=4, unique=True),
    st.floats(0, 5),
)
def test_whatever_is_kept_comes_back(name: str, banned: list[str], temperature: float) -> None:
    settings = Sampler(
        temperature=temperature, banned=tuple(banned), bias=tuple((word, 1.0) for word in banned if word[0] != "#")
    )
    save_preset(name, settings)
    assert find_preset(name.strip()) == settings
