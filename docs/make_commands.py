"""Write docs/commands.md: every verb with its options, read from the parser, and a session that is really run.

    python docs/make_commands.py            # write it
    python docs/make_commands.py --check    # exit with 1 if it would change

tests/test_docs.py runs the check, so the page cannot fall behind the program.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path


ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "commands.md"

# Each is run in the folder that holds demo-noir.zip, notes.txt and skerry.md, one after another in one library.
SESSION = (
    "check demo-noir.zip --model starter",
    "import demo-noir.zip --name noir",
    "list",
    "export noir --format safetensors --out noir.safetensors",
    "check noir.safetensors",
    "check notes.txt",
    "lore skerry.md --to skerry.json",
    "rename noir 'rain and neon'",
    "remove 'rain and neon'",
    "trash",
    "trash --restore 'rain and neon'",
    "generate --module farce --prompt 'The lift stopped.'",
    "generate --module 'rain and neon' --preset still --prompt 'The lift stopped.'",
    "train missing.txt --name mine",
)

HEAD = """\
# The command line

Written by `python docs/make_commands.py` from the parser and from commands that it really runs; `tests/test_docs.py`
compares. `kobold-modules` alone opens the interface; `kobold-modules VERB --help` prints what stands here.

`--json` prints one JSON object per line on stdout; what is said to a person goes to stderr. Exit codes: 0 done,
2 usage, 3 unreadable or malformed input, 4 the module does not fit the model, 5 the engine failed, 6 no memory or disk,
130 interrupted.

"""


def page() -> str:
    """Return the whole page."""
    from kobold_modules.cli.parser import build_parser

    verbs = _verbs(build_parser())
    parts = [HEAD, "## Verbs\n\n"]
    parts += [f"- [`{name}`](#{name}): {summary}\n" for name, summary, _ in verbs]
    for name, _, verb in verbs:
        parts.append(f"\n## {name}\n\n{verb.description}\n\n```text\n{_usage(name, verb)}\n```\n")
        parts.append("".join(_options(verb)))
    parts.append("\n## A session\n\n```text\n" + "\n".join(_session()) + "\n```\n")
    return "".join(parts)


def _verbs(parser: argparse.ArgumentParser) -> list[tuple[str, str, argparse.ArgumentParser]]:
    """Return name, summary and parser of each verb, in the parser's order."""
    subparsers = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    summaries = {choice.dest: choice.help or "" for choice in subparsers._choices_actions}
    return [(name, summaries[name], verb) for name, verb in subparsers.choices.items() if name in summaries]


def _usage(name: str, verb: argparse.ArgumentParser) -> str:
    """Return the line of usage: argparse's own wraps differently from one Python to the next."""
    named = [action for action in verb._actions if not action.option_strings]
    return " ".join(["kobold-modules", name, *(_positional(action) for action in named), "[options]"])


def _positional(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        word = action.metavar
    else:
        word = "|".join(map(str, action.choices)) if action.choices else action.dest
    return {"*": f"[{word} ...]", "+": f"{word} [...]", "?": f"[{word}]"}.get(str(action.nargs), word)


def _options(verb: argparse.ArgumentParser) -> Iterator[str]:
    """Yield Markdown of the options: a table a group."""
    for group in verb._action_groups:
        actions = [
            action
            for action in group._group_actions
            if action.help != argparse.SUPPRESS and not isinstance(action, argparse._HelpAction)
        ]
        if not actions:
            continue
        title = {"positional arguments": "Arguments", "options": "Options"}.get(
            group.title or "", (group.title or "").capitalize()
        )
        yield f"\n{title}{f' ({group.description})' if group.description else ''}:\n\n| | |\n|---|---|\n"
        for action in actions:
            yield f"| {_code(_spelling(action))} | {_cell(_what(action))} |\n"


def _spelling(action: argparse.Action) -> str:
    if not action.option_strings:
        return _positional(action)
    value = ""
    if action.nargs != 0:
        metavar = action.metavar if isinstance(action.metavar, str) else None
        value = " " + (metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper()))
    return ", ".join(action.option_strings) + value


def _what(action: argparse.Action) -> str:
    return (action.help or "").replace("%%", "%").replace("%(default)s", str(action.default))


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _session() -> Iterator[str]:
    """Yield the lines of the session: each command, what it prints, and its exit code where that is not 0."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        (folder / "demo-noir.zip").write_bytes(
            (ROOT / "kobold_modules" / "models" / "starter" / "demo-noir.zip").read_bytes()
        )
        (folder / "notes.txt").write_text("Buy milk.\n", encoding="utf-8")
        (folder / "skerry.md").write_text(
            "# Orla\n\nKeys: Orla, the keeper\n\nShe keeps the light.\n\n# The light\n\nIt burns oil.\n",
            encoding="utf-8",
        )
        environment = os.environ | {
            "KOBOLD_MODULES_HOME": str(folder / "home"),
            "COLUMNS": "100",
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
        }
        for command in SESSION:
            done = subprocess.run(
                [sys.executable, "-m", "kobold_modules", *_words(command)],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                encoding="utf-8",
                check=False,
            )
            yield f"$ kobold-modules {command}"
            yield from done.stdout.replace(str(folder), "~/modules").rstrip().splitlines()
            if done.returncode:
                yield f"(exit code {done.returncode})"
            yield ""


def _words(command: str) -> list[str]:
    """Split as a shell does, with the one kind of quotes that the session has."""
    return [quoted or word for quoted, word in re.findall(r"'([^']*)'|(\S+)", command)]


def main() -> int:
    """Write the page, or say whether it is up to date."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether the page would change")
    checking = parser.parse_args().check
    text = page()
    if checking:
        same = PAGE.read_text(encoding="utf-8") == text
        print(f"{PAGE.name} is up to date." if same else f"{PAGE.name} has changed: run python docs/make_commands.py")
        return 0 if same else 1
    PAGE.write_text(text, encoding="utf-8")
    print(f"{PAGE} written.")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
