"""Writes docs/tour.md: a person's way through the interface, in a real terminal.

    python docs/make_tour.py

Starts ``kobold-modules`` in tmux (100 by 30) in an empty home, presses real keys, waits for what should appear and
copies the screen (``tmux capture-pane -p``). Nothing is drawn by hand; the starter model writes what it writes.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path


TOUR = Path(__file__).with_name("tour.md")
WIDTH, HEIGHT = 100, 30
SECONDS = 180  # a busy machine is slow, not broken
TEXTS = Path(__file__).resolve().parents[1] / "sample_texts"
SAMPLES = (TEXTS / "noir" / "the-long-drop.txt", TEXTS / "world" / "lorebook.json")
OPENING = "The lift stopped between nine and ten, and"


@dataclass(frozen=True)
class Step:
    """``keys`` as tmux names them (one that starts with ``text:`` is typed), then a wait for ``until``, a pattern."""

    title: str
    said: str
    keys: Sequence[str] = ()
    until: str = ""
    shown: bool = True
    rest: float = 0.8  # seconds that the screen has to come to rest


STEPS = (
    Step("First run", "No modules yet; three ways to begin.", until=r"● starter"),
    Step(
        "The demo module",
        "`d` adds it. The card says what it does to pages it has never seen, how it was trained, and what it writes.",
        ["d"],
        r"demo noir was added",
    ),
    Step("", "", ["Enter"], r"added to the stack", shown=False),
    Step(
        "Onto the stack, and jumping",
        "`enter`: the row shows `●`, the stack what it costs. `ctrl+o` puts a letter on every panel and field, "
        "a number on the tabs.",
        ["C-o"],
        r" 1 .*Library",
    ),
    Step("", "", ["2"], r"Story", shown=False),
    Step(
        "The bench, while the model writes",
        "A first half-sentence, `ctrl+j`. What the model writes has another colour, and the line at the bottom says "
        "whose words the cursor is on.",
        [f"text:{OPENING}", "C-j"],
        r"Writing …|Wrote|ended the text",
        rest=0.15,
    ),
    Step(
        "The take is there",
        "Its seed is kept; `ctrl+r` writes another one with a new seed.",
        [],
        r"Wrote|ended the text",
    ),
    Step("", "", ["C-z"], r"Undone", shown=False),
    Step(
        "Takes side by side",
        "`ctrl+b` continues the same page with the same seed: without a module and with it. `1` or `2` inserts one.",
        ["C-b"],
        r"to insert a take",
    ),
    Step("", "", ["2"], r"words ", shown=False),
    Step("", "", ["F4"], r"the-long-drop", shown=False),
    Step(
        "Pages to learn from",
        "`F4`, and `space` on a text. It says what was cleaned away and why, and what the training will take.",
        ["Down", "Down", "Space"],
        r"About [\d<]|added[\s\S]*(min|hour|h )",
    ),
    Step("", "", ["Space", "Up", "Space"], r"Will be asked", shown=False),
    Step(
        "A world to learn",
        "A lorebook, or a bible with headings, makes the kind a world: its entries with what each costs, and what will "
        "be asked about them. While it trains, a line shows how many questions it gets right.",
        [],
        r"About [\d<][\s\S]*",
        rest=3.0,
    ),
    Step("Models", "`F5` lists what is on this disk and what each can do here.", ["F5"], r"To write"),
    Step(
        "Serving",
        "`v` on F5 serves the model with its modules to KoboldAI Lite, SillyTavern and OpenAI programs "
        "(docs/serving.md).",
        ["v", "Enter"],
        r"http://127\.0\.0\.1:\d+",
    ),
    Step("", "", ["v"], r"[Ss]topped|no longer|not serving|ended", shown=False),
    Step(
        "What a module is worth",
        "`v` evaluates one: held-out pages against other authors and against the author's own words in the context, "
        "what it writes on the way from others to its author, what it recites, how it stands beside others, advice.",
        ["F2", "v"],
        r"Its author's own",
    ),
    Step("Help", "`F1` for whatever has the focus.", ["F1"], r"Your modules"),
)


class Terminal:
    """A tmux session of our own, on a socket of its own."""

    def __init__(self, home: Path) -> None:
        self.socket = f"kobold-tour-{os.getpid()}"
        command = shlex.join([sys.executable, "-m", "kobold_modules"])
        kept = {"KOBOLD_MODULES_HOME": str(home / ".kobold"), "HOME": str(home), "TERM": "xterm-256color"}
        values = [f"{key}={value}" for key, value in kept.items()]
        self._tmux("new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), f"env {shlex.join(values)} {command}")
        self._tmux("set-option", "-g", "status", "off")
        self._tmux("resize-window", "-x", str(WIDTH), "-y", str(HEIGHT))

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(["tmux", "-L", self.socket, *arguments], capture_output=True, text=True, check=True)
        return done.stdout

    def press(self, key: str) -> None:
        if key.startswith("text:"):
            self._tmux("send-keys", "-l", key.removeprefix("text:"))
        else:
            self._tmux("send-keys", key)
        time.sleep(0.3)  # a person's fingers; a paste would arrive as one

    def screen(self) -> str:
        lines = [line.rstrip() for line in self._tmux("capture-pane", "-p").splitlines()]
        return "\n".join(lines).rstrip()

    def wait(self, pattern: str, rest: float) -> str:
        """Return the screen ``rest`` seconds after ``pattern`` appears on it."""
        deadline = time.monotonic() + SECONDS
        while not re.search(pattern, self.screen()):
            if time.monotonic() > deadline:
                raise SystemExit(f"{pattern!r} never appeared:\n{self.screen()}")
            time.sleep(0.1)
        time.sleep(rest)
        return self.screen()

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], capture_output=True, check=False)


def tour(home: Path) -> list[str]:
    """Return the sections of the tour."""
    for sample in SAMPLES:
        shutil.copyfile(sample, home / sample.name)
    terminal = Terminal(home)
    sections = []
    try:
        for step in STEPS:
            for key in step.keys:
                terminal.press(key)
            screen = terminal.wait(step.until, step.rest)
            print(f"{step.title or '…'}", file=sys.stderr)
            if step.shown:
                screen = screen.replace(str(home), "~")
                sections.append(f"## {step.title}\n\n{step.said}\n\n```text\n{screen}\n```\n")
    finally:
        terminal.close()
    return sections


def main() -> None:
    if shutil.which("tmux") is None:
        raise SystemExit("tmux is not installed.")
    with tempfile.TemporaryDirectory(prefix="writer-", ignore_cleanup_errors=True) as folder:
        sections = tour(Path(folder))
    head = (
        f"# A tour\n\nRecorded {date.today():%Y-%m-%d} by `python docs/make_tour.py`: real keys in tmux, {WIDTH} by "
        f"{HEIGHT}, the 8-million-parameter starter model on two CPU cores. Colours are lost here; nothing on these "
        "screens is said by colour alone.\n"
    )
    TOUR.write_text("\n".join([head, *sections]), encoding="utf-8")
    print(TOUR)


if __name__ == "__main__":
    main()
