"""What no verb knows is named itself, and never the value behind it."""

from __future__ import annotations

import argparse

import pytest

from kobold_modules.cli import main
from kobold_modules.cli.parser import build_parser, parse
from kobold_modules.cli.unknown_options import ELSEWHERE, refuse_unknown


def said(capsys: pytest.CaptureFixture[str], line: str) -> str:
    """Return what the command line says of bad usage, which has to be one line."""
    with pytest.raises(SystemExit) as exit_:
        main(line.split("|") if "|" in line else line.split())
    err = capsys.readouterr().err
    assert exit_.value.code == 2
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    ("line", "blamed", "suggested"),
    [
        ("compare --words 20", "compare has no option --words", "--max-tokens"),
        ("compare --takse 20 --prompt x", "compare has no option --takse", "--takes"),
        ("generate|--promt=It was a dark night", "generate has no option --promt", "--prompt"),
        ("train a.txt --num_virtual_tokens 20", "train has no option --num_virtual_tokens", "--tokens"),
        ("measure --txet a.txt --text b.txt", "measure has no option --txet", "--text"),
        ("evaluate mod --txts a.txt b.txt", "evaluate has no option --txts", "--texts"),
        ("phrase a.txt --max_words 20", "phrase has no option --max_words", "--words"),
        ("serve --ctx-size 4096", "serve has no option --ctx-size", "--contextsize"),
        ("export a --fromat peft", "export has no option --fromat", "--format"),
        ("show a --wroth b.txt", "show has no option --wroth", "--worth"),
        ("models -help", "models has no option -help", "--help"),
        ("--jsno list", "no option --jsno stands before a verb", "--json"),
        ("trian a.txt", "there is no verb trian", "train"),
    ],
)
def test_an_unknown_word_is_named_with_the_nearest(
    capsys: pytest.CaptureFixture[str], line: str, blamed: str, suggested: str
) -> None:
    assert f"{blamed}; did you mean {suggested}?" in said(capsys, line)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("list --model starter", "list has no option --model. --model belongs to demo, train, distil and others."),
        ("measure --temperature -1", "--temperature belongs to generate and compare."),
        ("--model starter list", "no option --model stands before a verb. A verb's options stand behind it"),
        ("where --qqq", "where has no option --qqq. `kobold-modules where --help` lists its options."),
        ("generate --prompt -Ah", "--prompt needs a value; one that begins with a dash is written --prompt=-Ah."),
    ],
)
def test_where_none_is_near_it_says_where_to_look(capsys: pytest.CaptureFixture[str], line: str, says: str) -> None:
    assert says in said(capsys, line)


def test_no_control_character_of_a_word_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b" not in said(capsys, "list|--\x1b[2Jall")


@pytest.mark.parametrize(
    "line",
    [
        "generate|--prompt|- It was",  # a dash and a space is text
        "generate|--prompt=-Ah",
        "generate|--temp|0.5|-",  # a beginning of --temperature
        "train|a.txt|--seed|-1",
        "generate|-|--peek",
        "train|--|--a-file-of-that-name",
        "evaluate|a|--with|b|c|--quick",
    ],
)
def test_what_argparse_understands_is_left_to_it(line: str) -> None:
    refuse_unknown(build_parser(), line.split("|"))

    assert parse(line.split("|")).verb == line.split("|")[0]


def test_what_others_call_an_option_is_an_option_of_ours() -> None:
    verbs = next(one for one in build_parser()._actions if isinstance(one, argparse._SubParsersAction)).choices
    ours = {option.lstrip("-") for verb in verbs.values() for option in verb._option_string_actions}

    assert set(ELSEWHERE.values()) <= ours


def test_text_to_continue_that_stands_alone_is_told_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["generate", "Once", "upon"])

    assert exit_.value.code == 2
    assert "the text to continue is given with --prompt or --prompt-file; what is 'Once'?" in capsys.readouterr().err
