"""The verbs that write with modules: ``generate``, ``compare`` and ``serve``."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from ...generation.limits import MOST_TOGETHER
from ...plain_text import one_line
from ..options import inspect_options
from ..options.sampler_options import add_sampler_flags
from ..options.typed_text import typed
from ..options.writing_options import add_memory_flags, add_writing_flags
from .verb import add_model, add_verb


def add_generate(verbs: Any) -> None:
    verb = add_verb(verbs, "generate", "generate", "continue a text with modules in front of it")
    add_model(verb)
    verb.add_argument(
        "--module",
        action="append",
        default=[],
        metavar="MODULE[:STRENGTH]",
        help="a library name or a file; may be repeated",
    )
    _prompt(verb)
    _sampler(verb)
    add_writing_flags(verb)
    inspect_options.add_generate_flags(verb)


def add_compare(verbs: Any) -> None:
    verb = add_verb(verbs, "compare", "compare", "continue one text with several stacks, side by side")
    add_model(verb)
    verb.add_argument(
        "--stack",
        action="append",
        default=[],
        metavar="A,B:0.5",
        help="modules with strengths, a saved stack, or none; may be repeated",
    )
    verb.add_argument(
        "--takes", type=int, default=1, metavar="N", help=f"takes of each stack, a seed each ({MOST_TOGETHER} in all)"
    )
    add_memory_flags(verb)
    _prompt(verb)
    _sampler(verb)


def add_serve(verbs: Any) -> None:
    verb = add_verb(
        verbs, "serve", "serve", "let KoboldAI Lite, SillyTavern and other programs write with your modules, over HTTP"
    )
    add_model(verb)
    verb.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="where to listen (default: this machine)")
    verb.add_argument("--port", type=int, default=5001, metavar="N", help="port to listen at (default: 5001)")
    verb.add_argument("--stack", metavar="A,B:0.5", help="used where a client names none: modules, or a saved stack")
    verb.add_argument("--module", action="append", default=[], metavar="MODULE[:STRENGTH]", help="the same, one by one")
    verb.add_argument(
        "--contextsize", type=int, default=0, metavar="N", help="context in tokens (default: the model's own)"
    )
    verb.add_argument("--clients", type=int, default=8, metavar="N", help="texts written side by side (default: 8)")
    verb.add_argument("--queue", type=int, default=64, metavar="N", help="requests that may wait (default: 64)")
    verb.add_argument(
        "--api-key", metavar="KEY", help="what clients must know; KOBOLD_MODULES_API_KEY keeps it out of the history"
    )
    verb.add_argument(
        "--origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="a web page that may use this server, as https://lite.koboldai.net; may be repeated",
    )
    verb.add_argument(
        "--backend", choices=["llama.cpp", "vllm"], default="llama.cpp", help="who writes (default: llama.cpp, here)"
    )
    verb.add_argument("--url", metavar="URL", help="of the vLLM server, started with --enable-prompt-embeds")
    verb.add_argument("--lite", metavar="FILE", help="your copy of KoboldAI Lite's index.html, to be served at /lite")


def _prompt(verb: argparse.ArgumentParser) -> None:
    where = verb.add_mutually_exclusive_group()
    where.add_argument("--prompt", type=typed, metavar="TEXT", help="the text to continue")
    where.add_argument("--prompt-file", metavar="FILE", help="read it from a file (- is stdin)")
    where.add_argument("stdin", nargs="?", type=partial(_dash, verb), metavar="-", help="read it from stdin")


def _dash(verb: argparse.ArgumentParser, word: str) -> str:
    if word != "-":
        verb.error(f"the text to continue is given with --prompt or --prompt-file; what is {one_line(word, 60)!r}?")
    return word


def _sampler(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--max-tokens", type=int, default=120, metavar="N", help="most tokens to write (default: 120)")
    verb.add_argument(
        "--contextsize", type=int, default=0, metavar="N", help="context in tokens (default: the model's own)"
    )
    add_sampler_flags(verb)
