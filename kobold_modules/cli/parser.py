"""The verbs and their options. Names and defaults live here; what a verb does lives in the file it names."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Sequence
from typing import Any

from .. import __version__


STEPS_HELP = "train this many steps instead of by the clock (the same seed then gives the same module, bit for bit)"


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse ``argv``; the namespace's ``run(namespace, output)`` does the work. Exits with 2 on bad usage."""
    parser = argparse.ArgumentParser(
        prog="kobold-modules",
        description="Teach the language model on your own machine to write like your pages. "
        "Without a verb, the terminal interface opens.",
    )
    parser.add_argument("--version", action="version", version=f"kobold-modules {__version__}")
    parser.set_defaults(run=_lazily("tui", "run"), model="starter", module=None, json=False)
    verbs = parser.add_subparsers(metavar="VERB", title="verbs")
    for add in (_demo, _train, _generate, _compare, _measure, _shelf, _machine):
        add(verbs)
    return parser.parse_args(argv)


def _lazily(module: str, function: str) -> Callable[..., int]:
    def run(*arguments: Any) -> int:
        result: int = getattr(importlib.import_module(f".{module}", __package__), function)(*arguments)
        return result

    return run


def _verb(verbs: Any, name: str, module: str, summary: str, function: str | None = None) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + "."
    )
    verb.set_defaults(run=_lazily(module, function or name))
    verb.add_argument("--json", action="store_true", help="one JSON object per line on stdout")
    return verb


def _model(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--model",
        default="starter",
        metavar="MODEL",
        help="starter, a .gguf file or a Hugging Face folder (default: starter)",
    )


def _sampler(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--max-tokens", type=int, default=120, metavar="N", help="most tokens to write (default: 120)")
    verb.add_argument("--seed", type=int, metavar="S", help="the same seed gives the same text")
    verb.add_argument("--preset", default="balanced", help="balanced, careful, wild or deterministic")
    verb.add_argument("--temperature", type=float, metavar="T")
    verb.add_argument("--top-k", type=int, metavar="K")
    verb.add_argument("--top-p", type=float, metavar="P")
    verb.add_argument("--min-p", type=float, metavar="P")
    verb.add_argument("--repetition", type=float, metavar="R", help="repetition penalty, 1 is off")
    verb.add_argument(
        "--stop", action="append", default=[], metavar="TEXT", help="end before this text; may be repeated"
    )
    verb.add_argument(
        "--contextsize", type=int, default=0, metavar="N", help="context in tokens (default: the model's own)"
    )


def _prompt(verb: argparse.ArgumentParser) -> None:
    where = verb.add_mutually_exclusive_group()
    where.add_argument("--prompt", metavar="TEXT", help="the text to continue")
    where.add_argument("--prompt-file", metavar="FILE", help="read it from a file (- is stdin)")
    where.add_argument("stdin", nargs="?", choices=["-"], help="read it from stdin")


def _demo(verbs: Any) -> None:
    verb = _verb(
        verbs, "demo", "demo", "train a module on the sample texts and write with it: the whole road in 5 minutes"
    )
    verb.add_argument("--minutes", type=float, default=2.0, metavar="M", help="training time (default: 2)")
    verb.add_argument("--out", default="demo-noir.zip", metavar="FILE.zip", help="where to write KoboldAI's zip")
    verb.add_argument("--no-tui", action="store_true", help="do not offer to open the terminal interface at the end")


def _train(verbs: Any) -> None:
    verb = _verb(verbs, "train", "train", "train a module on your texts")
    verb.add_argument("files", nargs="+", metavar="FILE", help=".txt and .md files, or folders of them")
    _model(verb)
    verb.add_argument("--kind", default="style", choices=["style", "world"])
    verb.add_argument("--name", required=True)
    verb.add_argument("--description", default="")
    verb.add_argument("--author", default="")
    verb.add_argument("--tokens", type=int, metavar="N", help="virtual tokens of the module (1 to 2047)")
    verb.add_argument("--minutes", type=float, metavar="M", help="training time (default: 3)")
    verb.add_argument("--steps", type=int, metavar="N", help=STEPS_HELP)
    verb.add_argument("--seed", type=int, default=1, metavar="S")
    verb.add_argument("--rate", type=float, metavar="R", help="learning rate, as a share of the embeddings' RMS")
    verb.add_argument("--row", type=int, metavar="N", help="tokens in a training row")
    verb.add_argument("--batch", type=int, metavar="N", help="rows a step")
    verb.add_argument("--device", default="auto", help="auto, cpu, cuda[:n] or mps")
    verb.add_argument("--out", metavar="FILE.zip", help="also write KoboldAI's zip here")
    verb.add_argument("--replace", action="store_true", help="take the place of a module of the same name")
    verb.add_argument("--resume", action="store_true", help="go on with this training where it was stopped or killed")
    verb.add_argument("--dry-run", action="store_true", help="read the texts and say what would be trained, then stop")


def _generate(verbs: Any) -> None:
    verb = _verb(verbs, "generate", "generate", "continue a text with modules in front of it")
    _model(verb)
    verb.add_argument(
        "--module",
        action="append",
        default=[],
        metavar="MODULE[:STRENGTH]",
        help="a library name or a file; may be repeated",
    )
    _prompt(verb)
    _sampler(verb)


def _compare(verbs: Any) -> None:
    verb = _verb(verbs, "compare", "generate", "continue one text with several stacks, side by side", "compare")
    _model(verb)
    verb.add_argument(
        "--stack",
        action="append",
        default=[],
        metavar="A,B:0.5",
        help="modules with strengths, or none; may be repeated",
    )
    _prompt(verb)
    _sampler(verb)


def _measure(verbs: Any) -> None:
    verb = _verb(verbs, "measure", "measure", "held-out loss of a text with and without modules")
    _model(verb)
    verb.add_argument("--module", action="append", default=[], metavar="MODULE[:STRENGTH]", help="may be repeated")
    verb.add_argument("--text", action="append", required=True, metavar="HELD_OUT.txt", help="may be repeated")
    verb.add_argument("--device", default="auto")


def _shelf(verbs: Any) -> None:
    verb = _verb(verbs, "list", "shelf", "the modules in the library", "list_")
    verb = _verb(verbs, "show", "shelf", "the card of a module")
    verb.add_argument("module", metavar="MODULE")
    verb = _verb(verbs, "import", "shelf", "put module files into the library", "import_")
    verb.add_argument("files", nargs="+", metavar="FILE")
    verb = _verb(verbs, "export", "shelf", "write a module in another program's format")
    verb.add_argument("module", metavar="MODULE")
    verb.add_argument("--format", default="kobold", choices=["kobold", "peft", "mkultra", "safetensors"])
    verb.add_argument("--out", required=True, metavar="FILE")
    verb = _verb(verbs, "check", "shelf", "say whether and where a module file will load")
    verb.add_argument("file", metavar="FILE")
    verb.add_argument("--model", metavar="MODEL", help="also say whether it fits this model")
    verb = _verb(verbs, "remove", "shelf", "take a module out of the library (it goes to the library's trash)")
    verb.add_argument("module", metavar="MODULE")
    verb = _verb(verbs, "rename", "shelf", "rename a module in the library")
    verb.add_argument("module", metavar="MODULE")
    verb.add_argument("name", metavar="NEW-NAME")


def _machine(verbs: Any) -> None:
    verb = _verb(verbs, "models", "machine", "the models found on this disk")
    verb.add_argument("files", nargs="*", metavar="FILE", help="describe these instead")
    _verb(verbs, "where", "machine", "where everything lives on this machine")
    _verb(verbs, "doctor", "machine", "check that this installation can train and write")
