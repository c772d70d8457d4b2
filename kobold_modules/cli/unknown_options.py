"""What was typed that no verb knows is named itself, with the nearest that there is.

argparse sorts an unknown option's value among the arguments first, and then blames the value. So the words are looked
at before argparse sees them, by its own rules: what begins with a dash is an option, unless it is ``-`` alone or a
number or has a space in it; and the beginning of an option's name stands for it.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Never

from ..plain_text import one_line


# What other programs call it, and a person who comes from them may type: llama.cpp, KoboldCpp, PEFT, transformers.
ELSEWHERE = {
    **dict.fromkeys(("words", "length", "max-length", "n-predict", "predict", "max-new-tokens"), "max-tokens"),
    **dict.fromkeys(("ctx-size", "context", "context-length", "n-ctx", "max-context-length"), "contextsize"),
    **dict.fromkeys(("repeat-penalty", "repetition-penalty"), "repetition"),
    **dict.fromkeys(("num-virtual-tokens", "virtual-tokens"), "tokens"),
    **dict.fromkeys(("lr", "learning-rate"), "rate"),
    **dict.fromkeys(("output", "o"), "out"),
    **dict.fromkeys(("force", "overwrite", "yes", "y"), "replace"),
    **dict.fromkeys(("soft-prompt", "lora"), "module"),
    "m": "model",
    "p": "prompt",
    "f": "prompt-file",
}
_NUMBER = re.compile(r"-\d+|-\d*\.\d+")  # as argparse has it
_WITH_A_VALUE = re.compile(r"--?[A-Za-z][\w-]*=")
_NEAR = 0.6  # the share of two words' letters that are in common
_MOST_NAMED = 3  # verbs that have an option


def refuse_unknown(parser: argparse.ArgumentParser, argv: Sequence[str]) -> None:
    """Exit with 2 and a sentence if ``argv`` has a verb, or an option before or behind it, that there is not."""
    verbs = _verbs(parser)
    for at, word in enumerate(argv):
        name = _name(word)
        if not _is_option(word):
            if word not in verbs:
                near = next(iter(get_close_matches(word.lower(), list(verbs), 1, _NEAR)), "")
                _exit(parser, f"there is no verb {_shown(word)}", near, "`kobold-modules --help` lists them.")
            _refuse_behind(word, verbs, argv[at + 1 :])
            return
        if not _meant(parser, name):
            every = [option for each in (parser, *verbs.values()) for option in each._option_string_actions]
            hint = "A verb's options stand behind it; `kobold-modules VERB --help` lists them."
            near = "" if name in every else _nearest(every, name)
            _exit(parser, f"no option {_shown(name)} stands before a verb", near, hint)


def _refuse_behind(verb: str, verbs: Mapping[str, argparse.ArgumentParser], words: Sequence[str]) -> None:
    parser = verbs[verb]
    waiting = ""  # the option whose one value comes next
    for word in words:
        if word == "--":
            return
        if not _is_option(word):
            waiting = ""
            continue
        name = _name(word)
        meant = _meant(parser, name)
        if not meant and waiting:
            sentence = f"{waiting} needs a value; one that begins with a dash is written {waiting}={_shown(word)}"
            _exit(parser, sentence)
        if not meant:
            having = [other for other, each in verbs.items() if name in each._option_string_actions]
            hint = f"{name} belongs to {_listed(having)}." if having else f"`{parser.prog} --help` lists its options."
            _exit(parser, f"{verb} has no option {_shown(name)}", _nearest(parser._option_string_actions, name), hint)
        waiting = meant[0] if "=" not in word and parser._option_string_actions[meant[0]].nargs is None else ""


def _verbs(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    found = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return dict(found.choices)


def _is_option(word: str) -> bool:
    if not word.startswith("-") or word == "-" or _NUMBER.fullmatch(word):
        return False
    return " " not in word or _WITH_A_VALUE.match(word) is not None


def _name(word: str) -> str:
    return word.partition("=")[0]


def _meant(parser: argparse.ArgumentParser, name: str) -> list[str]:
    """Return the options that ``name`` may stand for: itself, or those that begin with it."""
    options = parser._option_string_actions
    if name in options:
        return [name]
    return [option for option in options if name.startswith("--") and option.startswith(name)]


def _nearest(options: Iterable[str], name: str) -> str:
    """Return which of ``options`` is spelled most like ``name``, or does what others call so; empty for none."""
    known = {option.lstrip("-"): option for option in options if option.startswith("--")}
    known = {word: known[ours] for word, ours in ELSEWHERE.items() if ours in known} | known
    bare = name.strip("-").replace("_", "-").lower()
    return next((known[near] for near in get_close_matches(bare, known, 1, _NEAR)), "")


def _listed(names: Sequence[str]) -> str:
    if len(names) > _MOST_NAMED:
        return f"{', '.join(names[:_MOST_NAMED])} and others"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _shown(word: str) -> str:
    return one_line(word, 60)


def _exit(parser: argparse.ArgumentParser, sentence: str, near: str = "", hint: str = "") -> Never:
    asked = f"; did you mean {near}?" if near else "."
    parser.exit(2, f"{parser.prog}: error: {sentence}{asked}{f' {hint}' if hint else ''}\n")
