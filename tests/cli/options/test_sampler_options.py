"""Every setting has an option; presets are kept, found and built upon; what makes no sense is a sentence."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

import pytest

from kobold_modules.cli.options.sampler_options import add_sampler_flags, sampler_of
from kobold_modules.errors import BadText, BadUsage
from kobold_modules.sampling.presets import find_preset
from kobold_modules.sampling.settings import PRESETS, Sampler


def settings(*options: str) -> Sampler:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    add_sampler_flags(parser)
    return sampler_of(parser.parse_args(options))


def test_every_setting_can_be_set() -> None:
    parser = argparse.ArgumentParser()
    add_sampler_flags(parser)
    reachable = {action.dest for action in parser._actions}
    assert {field.name for field in fields(Sampler)} <= reachable


def test_options_change_what_the_preset_says() -> None:
    assert settings() == PRESETS["balanced"]
    assert settings("--preset", "wild", "--min-p", "0.2") == Sampler.from_dict({"min_p": 0.2}, PRESETS["wild"])
    changed = settings(
        *("--dry", "0.8", "--dry-breaker", "\\n", "--ban", "slop", "--ban", "a b", "--bias", "dark=2"),
        *("--bias", "#7=-100", "--mirostat", "2", "--typical", "0.9", "--rep-pen", "1.2", "--seed", "4"),
        *("--xtc-probability", "0.5", "--dynatemp-range", "0.3", "--frequency-penalty", "0.1"),
    )
    assert changed == Sampler(
        dry_multiplier=0.8,
        dry_breakers=("\n",),
        banned=("slop", "a b"),
        bias=(("dark", 2.0), ("#7", -100.0)),
        mirostat=2,
        typical_p=0.9,
        repetition=1.2,
        seed=4,
        xtc_probability=0.5,
        dynamic_range=0.3,
        frequency=0.1,
    )


def test_a_file_of_banned_strings(tmp_path: Path) -> None:
    (tmp_path / "slop.txt").write_text("shivers down\n\nbarely above a whisper\r\n", encoding="utf-8-sig")
    assert settings("--ban", "x", "--ban-file", str(tmp_path / "slop.txt")).banned == (
        "x",
        "shivers down",
        "barely above a whisper",
    )
    with pytest.raises(BadText):
        settings("--ban-file", str(tmp_path / "missing.txt"))


def test_a_preset_is_kept_without_its_seed(capsys: pytest.CaptureFixture[str]) -> None:
    settings("--preset", "careful", "--ban", "slop", "--seed", "9", "--save-preset", "mine")
    assert "mine" in capsys.readouterr().err
    assert find_preset("mine") == Sampler.from_dict({"banned": ["slop"]}, PRESETS["careful"])
    assert settings("--preset", "mine", "--ban", "more").banned == ("slop", "more")


@pytest.mark.parametrize(
    "options",
    [
        ("--preset", "tame"),
        ("--bias", "dark"),
        ("--bias", "=2"),
        ("--bias", "dark=much"),
        ("--top-p", "2"),
        ("--ban", ""),
    ],
)
def test_what_makes_no_sense(options: tuple[str, ...]) -> None:
    with pytest.raises(BadUsage):
        settings(*options)


def test_a_ban_file_in_any_encoding(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        (tmp_path / "bans.txt").write_text("naïve café\r\n\r\na “testament” to\r\n", encoding=encoding, newline="")
        assert settings("--ban-file", str(tmp_path / "bans.txt")).banned == ("naïve café", "a “testament” to")
