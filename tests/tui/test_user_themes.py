"""Themes of one's own: a folder of TOML files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.theme import Theme

from kobold_modules import paths
from kobold_modules.tui.state.remembered import recall, remember, remembered_file
from kobold_modules.tui.themes import INK, PAPER, extra_variables
from kobold_modules.tui.user_themes import read_themes
from tests.tui.conftest import Open


def test_a_theme_is_named_like_its_file(tmp_path: Path) -> None:
    (tmp_path / "dusk.toml").write_text(
        'primary = "#b48ead"\nbackground = "#20202a"\n[variables]\nborder = "#b48ead"\n'
    )
    (tmp_path / "notes.txt").write_text("mine")
    (theme,), problem = read_themes(tmp_path)
    assert (theme.name, theme.primary, theme.background, theme.dark) == ("dusk", "#b48ead", "#20202a", True)
    assert theme.variables == {"border": "#b48ead"}
    assert problem == ""


def test_no_folder_is_no_theme(tmp_path: Path) -> None:
    assert read_themes(tmp_path / "none") == ([], "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("primary = ", "Invalid value"),
        ("", "needs a line like primary"),
        ('primary = "purplish"', "is not a colour"),
        ('primary = "#b48ead"\nfont = "x"', "font is not a colour"),
        ('primary = "#b48ead"\ndark = "yes"', "true or false"),
        ('primary = "#b48ead"\n[variables]\nx = 1', "should hold texts"),
    ],
)
def test_a_bad_theme_is_a_sentence(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(text)
    (tmp_path / "b.toml").write_text('primary = "red"')
    themes, problem = read_themes(tmp_path)
    assert [theme.name for theme in themes] == ["b"]
    assert said in problem
    assert "a.toml" in problem


async def test_ones_own_theme_is_among_the_others(stage: Open) -> None:
    paths.themes_dir().mkdir(parents=True)
    (paths.themes_dir() / "dusk.toml").write_text('primary = "#b48ead"\ndark = true\n')
    async with stage(size=(80, 24)) as on:
        assert "dusk" in on.app.available_themes
        on.app.theme = "dusk"
        await on.shows("gothic house")


def test_small_things_are_remembered(home: Path) -> None:
    assert recall("export folder") == ""
    remember("export folder", "~/kobold/softprompts")
    remember("something", "else")
    assert recall("export folder") == "~/kobold/softprompts"
    remembered_file().write_text("{")
    assert recall("export folder") == ""


@pytest.mark.parametrize("theme", [INK, PAPER], ids=lambda theme: theme.name)
def test_the_model_s_ink_of_our_themes_is_what_would_be_worked_out(theme: Theme) -> None:
    bare = replace(theme, variables={})
    assert extra_variables(bare) == {"model-ink": theme.variables["model-ink"]}
    assert extra_variables(theme) == {}
