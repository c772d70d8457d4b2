"""The verbs that say what a module is worth: ``measure`` and ``evaluate``."""

from __future__ import annotations

from typing import Any

from ..options import inspect_options
from .verb import add_model, add_verb


def add_measure(verbs: Any) -> None:
    verb = add_verb(verbs, "measure", "measure", "held-out loss of a text with and without modules")
    add_model(verb)
    verb.add_argument("--module", action="append", default=[], metavar="MODULE[:STRENGTH]", help="may be repeated")
    verb.add_argument("--text", action="append", required=True, metavar="HELD_OUT.txt", help="may be repeated")
    verb.add_argument("--device", default="auto", help="auto, cpu, cuda[:n] or mps")
    inspect_options.add_measure_flags(verb)


def add_evaluate(verbs: Any) -> None:
    verb = add_verb(verbs, "evaluate", "evaluate", "what modules are worth: style, recall, reciting, and among others")
    verb.add_argument("modules", nargs="+", metavar="MODULE", help="library names or files")
    verb.add_argument("--model", default="", metavar="MODEL", help="default: the one that the module was made for")
    verb.add_argument(
        "--texts",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="pages of its author that it never saw (default: those its training kept back, if the files are there)",
    )
    verb.add_argument("--questions", default="", metavar="FILE", help="questions on its world, as JSON with choices")
    verb.add_argument(
        "--lore", nargs="+", action="extend", default=[], metavar="FILE", help="lorebooks or texts of its world"
    )
    verb.add_argument(
        "--with",
        nargs="+",
        action="extend",
        default=[],
        dest="beside",
        metavar="MODULE",
        help="up to three modules to stack it with (default: each other MODULE, and words of other voices)",
    )
    verb.add_argument("--quick", action="store_true", help="less than half of the work: wider intervals")
    verb.add_argument("--seed", type=int, default=1, metavar="S", help="of what is written (default: 1)")
    verb.add_argument("--out", default="", metavar="FILE.html", help="write a page with plots here")
    verb.add_argument("--replace", action="store_true", help="write over a page that is already there")
    verb.add_argument("--no-keep", action="store_true", help="do not keep the evidence beside the module")
