"""The options of ``generate`` that are about the text: how long, where to, and what it goes on from."""

from __future__ import annotations

import argparse

from .lore import add_lore_flags
from .typed_text import sign, typed


def add_writing_flags(verb: argparse.ArgumentParser) -> None:
    """Add them to ``verb``, which has the prompt's and the sampler's options already."""
    verb.set_defaults(max_tokens=None)  # 120, unless --words or --until say how long
    length = verb.add_argument_group("how long")
    length.add_argument("--words", type=int, metavar="N", help="write N words and on to the end of the sentence")
    length.add_argument(
        "--until",
        action="append",
        default=[],
        type=sign,
        metavar="TEXT",
        help=r"write until this has been written (it stays; \n is a line break); may be repeated",
    )
    add_memory_flags(verb.add_argument_group("what the model keeps in mind"))
    file = verb.add_argument_group("into a file")
    file.add_argument("--out", metavar="FILE", help="write there, as it comes; what is written survives a kill")
    file.add_argument("--resume", action="store_true", help="continue an unfinished --out")
    file.add_argument("--replace", action="store_true", help="begin --out again, or write over what is at --save-as")
    story = verb.add_argument_group("a saved story")
    story.add_argument(
        "--story",
        metavar="FILE",
        help="continue a story: ours, KoboldAI Lite's .json, .txt or .md; a .kaistory or NovelAI's needs --save-as",
    )
    story.add_argument("--retry", action="store_true", help="write its last take again")
    story.add_argument(
        "--save-as",
        metavar="FILE",
        help="save it there instead: .json, .lite.json (KoboldAI Lite), .txt or .md; with --max-tokens 0 only that",
    )
    many = verb.add_argument_group("many prompts, or one again")
    many.add_argument(
        "--batch",
        metavar="FILE.jsonl",
        help='one {"prompt": ..., "id", "modules", "seed", "max_tokens", "sampler"} a line, one answer a line on '
        "stdout or into --out, which a killed batch continues (- is stdin)",
    )
    many.add_argument(
        "--replay", metavar="ID", help="write a logged text again and say whether it is the same (last; list shows ids)"
    )


def add_memory_flags(group: argparse._ActionsContainer) -> None:
    """Add memory, lorebooks and author's note to ``group``, or to a verb."""
    group.add_argument("--memory", type=typed, default="", metavar="TEXT", help="always before the text")
    add_lore_flags(group)
    group.add_argument("--note", type=typed, default="", metavar="TEXT", help="an author's note, near the text's end")
    group.add_argument("--note-depth", type=_depth, default=3, metavar="N", help="lines before the end (default: 3)")


def _depth(text: str) -> int:
    if not text.strip().isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of lines")
    return int(text)
