"""Every verb, in the order of the help. Its options are in ``verbs/``, what it does in the file it names."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .. import __version__
from .unknown_options import refuse_unknown
from .verbs import machine, measuring, modules, texts, training, writing
from .verbs.verb import lazily


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse ``argv``; the namespace's ``run(namespace, output)`` does the work. Exits with 2 on bad usage."""
    parser = build_parser()
    words = sys.argv[1:] if argv is None else argv
    refuse_unknown(parser, words)
    return parser.parse_args(words)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with every verb. docs/make_commands.py writes docs/commands.md from it."""
    parser = argparse.ArgumentParser(
        prog="kobold-modules",
        description="Teach the language model on your own machine to write like your pages. "
        "Without a verb, the terminal interface opens.",
    )
    parser.add_argument("--version", action="version", version=f"kobold-modules {__version__}")
    parser.set_defaults(run=lazily("tui", "run"), verb="", model="starter", module=None, json=False)
    verbs = parser.add_subparsers(metavar="VERB", title="verbs")
    training.add_demo(verbs)
    training.add_train(verbs)
    training.add_distil(verbs)
    training.add_prune(verbs)
    writing.add_generate(verbs)
    writing.add_compare(verbs)
    writing.add_serve(verbs)
    measuring.add_measure(verbs)
    measuring.add_evaluate(verbs)
    texts.add_phrase(verbs)
    texts.add_lore(verbs)
    modules.add_module_verbs(verbs)
    machine.add_machine_verbs(verbs)
    return parser
