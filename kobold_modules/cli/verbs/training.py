"""The verbs that train: ``demo`` and ``train``."""

from __future__ import annotations

from typing import Any

from ..options.text_options import KEEP_HELP, SPEAKER_HELP, TEXTS_HELP
from .verb import add_model, add_verb


TOKENS_HELP = "virtual tokens of the module, 1 to 2047 (default: 100; for a world as many as its lore asks for)"
OBJECTIVE_HELP = (
    "study asks about the lore, text reads it as it stands (default: study for a world with entries of lore)"
)
STEPS_HELP = "train this many steps instead of by the clock (the same seed then gives the same module, bit for bit)"
BESIDE_HELP = (
    "a module to stand beside this one in a quarter of its steps, so that both hold in a stack (again for more)"
)
STUDY_HELP = "minutes for the model to write questions of its own before the training (default: 0)"
TEACHER_HELP = "how far examples are learned from what the model expects with the entry in view, 0 to 1 (default: 0)"
EACH_HELP = (
    "a module for each FILE, or for each text and folder in the one FOLDER given, named after it, in one training"
)
SHARED_HELP = "with --each: how many virtual tokens all of these modules have in common, of their --tokens (default: 0)"
STARTS = ["text", "vocabulary", "words", "module", "pruned"]
NEAR_HELP = (
    "keep the rows near the words of a text, and say what that costs (a second module is trained beside it to tell); a "
    "curiosity: it need not mean what it reads as"
)
PRUNE_DIAL_HELP = "train what is left for 1 (default), 3 or 10 minutes at most"
IMITATE_HELP = "texts to learn on (default: those that MODULE was trained on, if the files are there)"
METHOD_HELP = (
    "prompt tuning, plain (default) or residual; p-tuning: virtual tokens that a network makes; or a deep prefix: "
    "keys and values of each layer, which say more with as many tokens and cannot go to KoboldAI"
)
TEMPLATE_HELP = (
    'words of p-tuning that stay as they are between virtual tokens: "{prompt} a tale of the sea {prompt}"; they count '
    "as tokens"
)
RATE_HELP = "learning rate, a share of the embeddings' RMS, or auto to look for one (default: by the number of steps)"


def add_demo(verbs: Any) -> None:
    verb = add_verb(
        verbs, "demo", "demo", "train a module on the sample texts and write with it: the whole way in 5 minutes"
    )
    add_model(verb)
    verb.add_argument("--minutes", type=float, default=2.0, metavar="M", help="training time (default: 2)")
    verb.add_argument("--out", default="demo-noir.zip", metavar="FILE.zip", help="where to write KoboldAI's zip")
    verb.add_argument("--no-tui", action="store_true", help="do not offer to open the terminal interface at the end")


def add_train(verbs: Any) -> None:
    verb = add_verb(verbs, "train", "train", "train a module on your texts")
    verb.add_argument("files", nargs="*", metavar="FILE", help=TEXTS_HELP)
    add_model(verb)
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
    verb.add_argument("--each", action="store_true", help=EACH_HELP)
    verb.add_argument("--shared", type=int, metavar="N", help=SHARED_HELP)
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
    more.add_argument("--method", choices=["prompt", "residual", "p-tuning", "prefix"], help=METHOD_HELP)
    more.add_argument("--encoder", choices=["mlp", "lstm"], help="network of p-tuning (default: mlp)")
    more.add_argument("--template", metavar="TEXT", help=TEMPLATE_HELP)
    more.add_argument("--optimiser", choices=["muon", "adam"], help="Muon (default) or Adam")
    more.add_argument("--start", choices=STARTS, help="what the rows start as")
    more.add_argument("--start-with", metavar="WORDS", help="the words, or the module, that --start means")
    more.add_argument("--near", metavar="TEXT", help=NEAR_HELP)
    more.add_argument("--near-weight", type=float, metavar="G", help="how firmly --near holds (default: 0.25)")
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


def add_distil(verbs: Any) -> None:
    verb = add_verb(verbs, "distil", "distil", "train a module of rows to imitate another one, such as a deep prefix")
    verb.add_argument("module", metavar="MODULE", help="the module in the library that is imitated")
    verb.add_argument("files", nargs="*", metavar="FILE", help=IMITATE_HELP)
    verb.add_argument("--model", default="", metavar="MODEL", help="default: the one that the module was made for")
    verb.add_argument("--name", default="", metavar="NAME", help='name of the new module (default: "MODULE distilled")')
    verb.add_argument("--description", default="", metavar="TEXT", help="a sentence for the card")
    verb.add_argument("--tokens", type=int, metavar="N", help="its virtual tokens (default: as many as MODULE has)")
    verb.add_argument("--dial", choices=["quick", "normal", "thorough"], help="1, 3 or 10 minutes at most")
    verb.add_argument("--minutes", type=float, metavar="M", help="training time instead of the dial's")
    verb.add_argument("--steps", type=int, metavar="N", help=STEPS_HELP)
    verb.add_argument("--seed", type=int, metavar="S", help="order of the texts and chance (default: 1)")
    verb.add_argument("--device", default="auto", help="auto, cpu, cuda[:n] or mps")
    verb.add_argument("--out", metavar="FILE.zip", help="also write KoboldAI's zip here")
    verb.add_argument("--replace", action="store_true", help="replace a module of the same name")
    verb.add_argument("--resume", action="store_true", help="resume this training where it was stopped or killed")


def add_prune(verbs: Any) -> None:
    verb = add_verb(verbs, "prune", "prune", "make a smaller module of those vectors that are worth most")
    verb.add_argument("module", metavar="MODULE", help="a library name or a file")
    verb.add_argument("files", nargs="*", metavar="TEXT", help="its texts (default: those it was trained on)")
    verb.add_argument("--to", type=int, required=True, metavar="N", dest="tokens", help="virtual tokens to keep")
    verb.add_argument("--name", metavar="NAME", help="name of the new module (default: that of the old one and N)")
    verb.add_argument("--model", default="", metavar="MODEL", help="default: the one that the module was made for")
    verb.add_argument("--dial", choices=["quick", "normal", "thorough"], default="quick", help=PRUNE_DIAL_HELP)
    verb.add_argument("--minutes", type=float, metavar="M", help="training time instead of the dial's")
    verb.add_argument("--steps", type=int, metavar="N", help=STEPS_HELP)
    verb.add_argument("--seed", type=int, default=1, metavar="S", help="order of the texts and chance (default: 1)")
    verb.add_argument("--row", type=int, metavar="N", help="tokens in a training row")
    verb.add_argument("--batch", type=int, metavar="N", help="rows per step")
    verb.add_argument("--device", default="auto", help="auto, cpu, cuda[:n] or mps")
    verb.add_argument("--out", metavar="FILE.zip", help="also write KoboldAI's zip here")
    verb.add_argument("--replace", action="store_true", help="replace a module of the same name")
    verb.add_argument("--resume", action="store_true", help="resume where it was stopped or killed")
    verb.add_argument("--detach", action="store_true", help="add it to the queue of trainings")


def _rate(text: str) -> float:
    """Parse a learning rate; ``auto`` is 0, which makes the training find one."""
    return 0.0 if text == "auto" else float(text)
