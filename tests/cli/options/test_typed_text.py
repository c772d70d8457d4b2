r"""G03: ``\n`` and its like in options that hold a text to look for."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.cli import main
from kobold_modules.cli.options.sampler_options import sampler_of
from kobold_modules.cli.options.typed_text import typed, unescaped
from kobold_modules.cli.parser import parse


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"\n", "\n"),
        (r"\n\n", "\n\n"),
        (r"a\tb", "a\tb"),
        (r"\\n", r"\n"),
        (r"\d+", r"\d+"),
        ("C:\\", "C:\\"),
        ("\n", "\n"),
    ],
)
def test_escapes(written: str, meant: str) -> None:
    assert unescaped(written) == meant


def test_bytes_in_another_encoding_are_read() -> None:
    assert typed("caf\udce9") == "café"
    assert typed("café") == "café"


def test_options_that_look_for_a_text_understand_them(tmp_path: Path) -> None:
    (tmp_path / "bans.txt").write_text("over\\n\nliteral \\* star\n")
    bans = ("--ban", r"one\ntwo", "--ban-file", str(tmp_path / "bans.txt"))
    others = ("--bias", r"\n=-2", "--dry-breaker", r"\n", "--prompt", r"C:\new")
    asked = parse(["generate", "--stop", r"\n", "--until", r"end.\n", *bans, *others])
    sampler = sampler_of(asked)

    assert asked.stop == ["\n"]
    assert asked.until == ["end.\n"]
    assert sampler.banned == ("one\ntwo", "over\n", r"literal \* star")
    assert sampler.bias == (("\n", -2.0),)
    assert sampler.dry_breakers == ("\n",)
    assert asked.prompt == r"C:\new"  # a prompt is taken as typed


def test_a_line_break_stops_the_text(capsys: pytest.CaptureFixture[str], starter: Path) -> None:
    prompt = '"Where are you going?" she asked.\n\n"Home," he said.\n\n'
    code = main(["generate", "--prompt", prompt, "--stop", r"\n", "--max-tokens", "200", "--seed", "1"])

    assert code == 0
    printed = capsys.readouterr()
    assert "\n" not in printed.out.removeprefix(prompt).rstrip("\n")
    assert "a stop text was reached" in printed.err


@pytest.mark.parametrize("option", ["--stop", "--until"])
def test_an_empty_text_is_refused(capsys: pytest.CaptureFixture[str], option: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["generate", "--prompt", "x", option, ""])
    assert ended.value.code == 2
    assert "is empty" in capsys.readouterr().err
