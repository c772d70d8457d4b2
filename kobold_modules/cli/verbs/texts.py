"""The verbs that work on a writer's texts and make no module of them: ``phrase`` and ``lore``."""

from __future__ import annotations

from typing import Any

from ..options.text_options import KEEP_HELP, SPEAKER_HELP, TEXTS_HELP
from .verb import add_model, add_verb


PHRASE_FILES_HELP = f"{TEXTS_HELP}; or a MODULE (--model is the one that it was made for), and its pages behind it"
SEARCH_HELP = "passages (default), or words by gradient: autoprompt, pez, or gcg, which reads best (small models)"


def add_phrase(verbs: Any) -> None:
    verb = add_verb(
        verbs, "phrase", "phrase", "find text worth pasting into any program's memory, of pages or of a module"
    )
    verb.add_argument("files", nargs="+", metavar="FILE", help=PHRASE_FILES_HELP)
    add_model(verb)
    verb.set_defaults(model="")  # the starter, or the one that the module was made for
    verb.add_argument("--module", metavar="MODULE[:STRENGTH]", help="also say what this module is worth")
    verb.add_argument("--description", default="", metavar="TEXT", help="compare with this (default: from your pages)")
    verb.add_argument("--passages", type=int, default=3, metavar="N", help="passages at most, 1 to 3 (default: 3)")
    verb.add_argument("--words", type=int, default=300, metavar="N", help="words in all at most (default: 300)")
    verb.add_argument("--candidates", type=int, default=16, metavar="N", help="passages to try (default: 16)")
    verb.add_argument("--seed", type=int, default=1, metavar="S", help="which of them are tried (default: 1)")
    searches = ["passages", "autoprompt", "pez", "gcg"]
    verb.add_argument("--search", default="passages", choices=searches, help=SEARCH_HELP)
    verb.add_argument("--tokens", type=int, default=16, metavar="N", help="of words found by gradient (default: 16)")
    verb.add_argument("--steps", type=int, default=60, metavar="N", help="of a search by gradient (default: 60)")
    verb.add_argument("--keep", action="append", metavar="RULE", help=KEEP_HELP)
    verb.add_argument("--speaker", action="append", metavar="NAME", help=SPEAKER_HELP.replace("train on", "read"))
    verb.add_argument("--out", metavar="FILE", help="also write the phrase here")
    verb.add_argument("--replace", action="store_true", help="write over a file that is already there")


def add_lore(verbs: Any) -> None:
    verb = add_verb(verbs, "lore", "lore", "the entries of a lorebook: keys, tokens, and what is switched off")
    verb.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="of SillyTavern, a character card (.json, .png, .charx), NovelAI, KoboldAI, AI Dungeon, Agnai, RisuAI, "
        "or Markdown with a heading for each entry",
    )
    add_model(verb)
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
