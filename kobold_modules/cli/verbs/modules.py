"""The verbs for modules on disk: the library's, and files on their way in and out."""

from __future__ import annotations

import argparse
from typing import Any

from ..options import inspect_options
from .verb import add_verb


CONVERSIONS = ["kobold", "peft", "mkultra", "safetensors", "prompt-embeds"]
EXPORTS = [*CONVERSIONS, "llama-lora"]
PROGRAMS = ["koboldai-client", "united", "text-generation-webui", "koboldcpp", "peft", "vllm"]
MODULE_FILES_HELP = (
    "a .zip, .safetensors, PEFT folder, a soft prompt of mkultra's or Sukima's (.json), PyTorch (.pt, .bin), NumPy "
    "(.npy, .npz), an unpacked zip, or a folder of them"
)
WIDTH_HELP = "width of the model it was made for, where a file does not say: 4096 for GPT-J 6B, 2560 for GPT-Neo 2.7B"
PORT_TEXT_HELP = (
    "the writer's pages, to train on and to measure with, may be repeated (default: those it was trained on, if the "
    "files are there)"
)
IDS_HELP = "where the rows stand: reserved tokens (default), rare words, unused tokens, or ids such as 12,100-120"


def add_module_verbs(verbs: Any) -> None:
    for add in (_list, _show, _import, _export, _convert, _check, _port, _settle, _remove, _trash, _rename):
        add(verbs)


def _list(verbs: Any) -> None:
    add_verb(verbs, "list", "modules.library", "the modules in the library", "list_")


def _show(verbs: Any) -> None:
    verb = add_verb(verbs, "show", "modules.library", "the card of a module")
    verb.add_argument("module", metavar="MODULE")
    inspect_options.add_show_flags(verb)


def _import(verbs: Any) -> None:
    verb = add_verb(verbs, "import", "modules.imports", "add module files to the library", "import_")
    verb.add_argument("files", nargs="+", metavar="FILE", help=MODULE_FILES_HELP)
    verb.add_argument("--name", help="what the module is called here (for one FILE)")
    verb.add_argument("--replace", action="store_true", help="replace a module of the same name")
    verb.add_argument("--width", type=int, default=0, metavar="N", help=WIDTH_HELP)


def _export(verbs: Any) -> None:
    verb = add_verb(verbs, "export", "modules.export", "write a module in another program's format")
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


def _convert(verbs: Any) -> None:
    verb = add_verb(verbs, "convert", "modules.convert", "old soft prompts into files of one format, past the library")
    verb.add_argument("files", nargs="+", metavar="FILE", help=MODULE_FILES_HELP)
    verb.add_argument("--to", dest="format", choices=CONVERSIONS, help="default: kobold, KoboldAI's zip")
    verb.add_argument("--for", dest="program", choices=PROGRAMS, help="the program they are for, instead of --to")
    verb.add_argument("--out", required=True, metavar="FOLDER", help="where the new files go")
    verb.add_argument("--width", type=int, default=0, metavar="N", help=WIDTH_HELP)
    verb.add_argument("--replace", action="store_true", help="write over files that are already there")


def _check(verbs: Any) -> None:
    verb = add_verb(verbs, "check", "modules.library", "check whether and where a module file will load")
    verb.add_argument("file", metavar="FILE")
    verb.add_argument("--model", metavar="MODEL", help="also say whether it fits this model")
    verb.add_argument(
        "--fix", action="store_true", help="write a repaired copy that KoboldAI loads, beside it or to --out"
    )
    verb.add_argument("--out", metavar="FILE.zip", help="where --fix writes (default: NAME-fixed.zip, beside it)")
    verb.add_argument("--width", type=int, default=0, metavar="N", help=WIDTH_HELP)
    verb.add_argument("--replace", action="store_true", help="let --fix write over a file that is already there")


def _port(verbs: Any) -> None:
    verb = add_verb(verbs, "port", "modules.port", "carry a module over to another model of the same family")
    verb.add_argument("module", metavar="MODULE")
    verb.add_argument("--to", dest="target", required=True, metavar="MODEL", help="the model it is to work with")
    verb.add_argument(
        "--from", dest="source", default="", metavar="MODEL", help="default: the one that it was made for"
    )
    _add_porting(verb)
    verb.set_defaults(settle=False)


def _settle(verbs: Any) -> None:
    verb = add_verb(verbs, "settle", "modules.port", "train a module on for other weights of its model", "port")
    verb.add_argument("module", metavar="MODULE")
    verb.add_argument("--on", dest="target", required=True, metavar="MODEL", help="another quantisation of its model")
    _add_porting(verb)
    verb.set_defaults(settle=True, source="")


def _add_porting(verb: argparse.ArgumentParser) -> None:
    """Add what `port` and `settle` share."""
    verb.add_argument("--text", action="append", default=[], metavar="FILE", help=PORT_TEXT_HELP)
    verb.add_argument("--name", default="", metavar="NAME", help="of the new module (default: MODULE for MODEL)")
    verb.add_argument("--minutes", type=float, metavar="M", help="of training behind it (default: 1)")
    verb.add_argument("--steps", type=int, metavar="N", help="train this many steps instead of by the clock")
    verb.add_argument("--no-training", dest="train", action="store_false", help="only carry it over and measure it")
    verb.add_argument("--seed", type=int, default=1, metavar="S", help="order of the texts and chance (default: 1)")
    verb.add_argument("--replace", action="store_true", help="replace a module of the same name")


def _remove(verbs: Any) -> None:
    verb = add_verb(
        verbs, "remove", "modules.library", "remove a module from the library (it goes to the library's trash)"
    )
    verb.add_argument("module", metavar="MODULE")


def _trash(verbs: Any) -> None:
    verb = add_verb(verbs, "trash", "modules.trash", "list removed modules, restore one, or delete them for good")
    what = verb.add_mutually_exclusive_group()
    what.add_argument("--restore", metavar="MODULE", help="put it back into the library")
    what.add_argument("--empty", action="store_true", help="delete all of them for good")


def _rename(verbs: Any) -> None:
    verb = add_verb(verbs, "rename", "modules.library", "rename a module in the library")
    verb.add_argument("module", metavar="MODULE")
    verb.add_argument("name", metavar="NEW-NAME")
