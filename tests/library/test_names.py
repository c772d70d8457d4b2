"""Names and the folders made of them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.errors import BadUsage
from kobold_modules.library.library import Library, slug_of
from tests.library.conftest import module, names


def test_a_name_that_is_taken_is_bad_usage(library: Library) -> None:
    library.add(module())
    with pytest.raises(BadUsage, match="already a module called Noir in the Rain"):
        library.add(module("NOIR in the rain", 2))
    assert library.find("noir in the rain").digest == module().digest


def test_replacing_puts_the_new_one_in_the_place_of_the_old(library: Library) -> None:
    library.add(module())
    entry = library.add(module("noir IN the rain", 2), replace=True)
    assert names(library) == ["noir IN the rain"]
    assert library.load(entry).digest == module(fill=2).digest


def test_unique_names_count_up(library: Library) -> None:
    assert [library.add(module("Noir"), unique=True).name for _ in range(3)] == ["Noir", "Noir 2", "Noir 3"]
    assert [entry.slug for entry in library.entries()] == ["noir", "noir-2", "noir-3"]


@pytest.mark.parametrize("name", ["", "   ", "\n", "\x1b"])
def test_a_module_needs_a_name(name: str, library: Library) -> None:
    with pytest.raises(BadUsage, match="needs a name"):
        library.add(module(name))


def test_names_of_one_slug_live_side_by_side(library: Library) -> None:
    for name in ("Noir!", "Noir?", "Nöir"):
        library.add(module(name))
    assert sorted(entry.slug for entry in library.entries()) == ["noir", "noir-2", "noir-3"]
    assert library.find("noir?").card.name == "Noir?"
    assert library.find("NÖIR").card.name == "Nöir"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Noir in the Rain", "noir-in-the-rain"),
        ("Élan vital: Œuvre", "elan-vital-uvre"),
        ("CON", "con-module"),
        ("lpt1", "lpt1-module"),
        ("../../etc/passwd", "etc-passwd"),
        ("a" * 100, "a" * 60),
        (".hidden.", "hidden"),
    ],
)
def test_slugs_are_small_ascii(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_names_without_a_letter_of_ascii_have_slugs_of_their_own() -> None:
    slugs = {slug_of("夜想曲"), slug_of("黒い雨"), slug_of("Ночь")}
    assert len(slugs) == 3
    assert all(re.fullmatch(r"module-[0-9a-f]{8}", slug) for slug in slugs)


@given(st.text())
def test_every_name_has_a_slug_that_every_file_system_takes(name: str) -> None:
    slug = slug_of(name)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,68}[a-z0-9])?", slug)
    assert slug not in {"con", "prn", "aux", "nul", "com1", "lpt9"}


def test_a_unicode_name_is_kept_in_the_card(library: Library) -> None:
    library.add(module("夜想曲 “Nocturne” 🌙"))
    assert names(library) == ["夜想曲 “Nocturne” 🌙"]
    assert library.find("夜想曲 “nocturne” 🌙").card.name == "夜想曲 “Nocturne” 🌙"
