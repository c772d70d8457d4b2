"""Every method of the program on one text and for the same seconds: held-out bits per byte, and what each costs.

    python benchmarks/methods.py [--quick] [--model starter|smollm2] [--seconds 60] [--tokens 20]

none          nothing in front
description   a sentence on the style, made from the pages as `phrase` does
passages      the best one to three stretches of the pages (`phrase`)
autoprompt, pez, phrase   words by gradient: exchanges in one place, projected gradient, exchanges anywhere that
              read well (gcg)
prompt, residual, p_tuning, prefix   `train --method ...` with as many virtual tokens
lora_r8       LoRA of rank 8 on every linear layer by PEFT (the extra `bench`; else null)

Everything is measured behind llama.cpp on the same windows of the same held-out pages; LoRA by transformers, on those
windows too, beside its own number without it. A row stands in results/methods.partial.json as soon as it is there, and
the same command goes on from it. A method that the program does not have is null.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from common import RESULTS, SHARED, benchmark_parser, keep

from kobold_modules.backends.open import open_engine
from kobold_modules.backends.torch.load import load_torch_model
from kobold_modules.corpus import read as read_corpus
from kobold_modules.corpus import split as split_corpus
from kobold_modules.drain import drain
from kobold_modules.errors import KoboldModulesError
from kobold_modules.evaluation import bits
from kobold_modules.evaluation.held_out import WINDOW, HeldOut
from kobold_modules.evaluation.interval import Gain
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.generation.inspection.inspect import OpenEngine
from kobold_modules.library.library import Library
from kobold_modules.models.find import resolve
from kobold_modules.models.reference import ModelFile
from kobold_modules.phrases.candidates import material
from kobold_modules.phrases.description import describe
from kobold_modules.phrases.measuring import measure
from kobold_modules.phrases.passages import BETWEEN, PassageSearch
from kobold_modules.soft_prompt.stack import Stack
from kobold_modules.training import train
from kobold_modules.training.methods.words import search_words
from kobold_modules.training.packing import Rows
from kobold_modules.training.settings import TrainingRequest


AUTHOR = "edgar-rice-burroughs"  # the starter never saw him
VOICE = Path(__file__).resolve().parents[1] / "sample_texts" / "noir"  # where ../shared/corpora is absent
BYTES = 300_000  # of the author
RESERVE = 400  # tokens in front that room is left for, whatever stands there: the same windows for all
WORDS, CANDIDATES = 240, 64
DOCS = Path(__file__).resolve().parents[1] / "docs" / "methods.md"
MARK, END = "<!-- methods -->", "<!-- /methods -->"
HEADINGS = "| method | bits per byte | better | tokens | bytes | where |\n|---|---|---|---|---|---|\n"
LORA_RATE = 2e-3
SEARCHES = {"autoprompt": "autoprompt", "pez": "pez", "phrase": "gcg"}
TRAINED = {"prompt": "prompt", "residual": "residual", "p_tuning": "p-tuning", "prefix": "prefix"}
ORDER = ("none", "description", "passages", *SEARCHES, *TRAINED, "lora_r8")
USE = {
    "none": "-",
    "description": "any program's memory",
    "passages": "any program's memory",
    **dict.fromkeys(SEARCHES, "any program's memory, one model"),
    **dict.fromkeys(TRAINED, "here, KoboldAI, and llama.cpp programs by export"),
    "prefix": "here and transformers (PEFT)",
    "lora_r8": "programs that load adapters; not KoboldAI's soft prompts",
}


@dataclass
class Row:
    """What a method came to.

    Attributes:
        bits: held-out bits per byte; None where the method is not to be had, and ``note`` says why.
        gain: over nothing, per cent, with the ends of its 95 % interval.
        tokens: of the context; ``bytes``: of the text or the file.
        seconds: that it took.
    """

    bits: float | None = None
    gain: list[float | None] = field(default_factory=list)
    tokens: int = 0
    bytes: int = 0
    seconds: float = 0.0
    note: str = ""


@dataclass
class Bench:
    """The text, the model, and how long each method may take."""

    file: ModelFile
    source: Path
    pages: tuple[str, ...]
    held_out_pages: tuple[str, ...]
    seconds: float
    tokens: int
    measured: int

    def row(self, name: str) -> Row:
        """Carry out method ``name`` and measure it."""
        began = time.monotonic()
        try:
            found = self._of(name)
        except KoboldModulesError as error:
            return Row(note=error.message)
        except ImportError as error:
            return Row(note=f"{error.name or error} is not installed")
        found.seconds = round(time.monotonic() - began, 1)
        return found

    def _of(self, name: str) -> Row:
        if name in TRAINED:
            return self._trained(name)
        if name == "lora_r8":
            return self._lora()
        if name in SEARCHES:
            return self._text(self._searched(SEARCHES[name]))
        if name == "passages":
            return self._passages()
        return self._text(describe(self.pages) + BETWEEN if name == "description" else "")

    def _deadline(self) -> Callable[[], bool]:
        end = time.monotonic() + self.seconds
        return lambda: time.monotonic() > end

    def _passages(self) -> Row:
        with open_engine(self.file) as engine:
            choice = material(self.pages, int(0.85 * WORDS / 3), CANDIDATES, 1)
            found = drain(PassageSearch(engine, choice, RESERVE).run(3, WORDS, self._deadline()))
            return self._measured(engine, found.text, Stack())

    def _searched(self, search: str) -> str:
        """Return words by gradient. What loading takes is not charged; the steps end with the seconds."""
        ends: list[Callable[[], bool]] = []

        def over() -> bool:
            if not ends:
                ends.append(self._deadline())  # asked before the first step
            return ends[0]()

        words = drain(search_words(search, self.file, self.pages, self.tokens, 100_000, 1, over))
        return words + BETWEEN if words else ""

    def _text(self, text: str) -> Row:
        with open_engine(self.file) as engine:
            return self._measured(engine, text, Stack())

    def _trained(self, name: str) -> Row:
        request = TrainingRequest(
            files=(str(self.source),),
            name=name,
            model=str(self.file.path),
            tokens=self.tokens,
            method=TRAINED[name],
            minutes=self.seconds / 60,
            replace=True,
        )
        for _ in train(request):
            pass
        entry = Library().entry(name)
        with open_engine(self.file) as engine:
            found = self._measured(engine, "", Stack().add(Library().load(entry)))
        found.bytes = entry.path.stat().st_size
        return found

    def _lora(self) -> Row:
        from lora import Lora

        frozen = load_torch_model(self.file, "cpu", precision="auto")  # as fast as it goes, for ours and for PEFT
        held_out = HeldOut.of(self.held_out_pages, frozen.encode, self.measured)
        request = TrainingRequest(files=(), name="x", tokens=self.tokens)
        rows = Rows.of(self.pages, frozen.encode, min(request.row, frozen.context))
        without = bits.measure(PromptLoss(frozen), None, held_out, RESERVE)
        with Lora(frozen, LORA_RATE) as peer:
            steps = peer.train(rows, request.batch, self.seconds)
            found = bits.measure(peer.loss, None, held_out, RESERVE)
            size = sum(each.numel() for each in peer.model.parameters() if each.requires_grad) * 4
        return Row(
            found.bits_per_byte,
            _percent(found.compared_to(without)),
            0,
            size,
            note=f"{steps} steps; {without.bits_per_byte:.4f} without it by transformers",
        )

    def _measured(self, engine: OpenEngine, text: str, stack: Stack) -> Row:
        held_out = HeldOut.of(self.held_out_pages, engine.tokenize, self.measured)
        window = min(WINDOW, engine.info.context - RESERVE)
        asked = [("nothing", "", Stack()), ("front", text, stack)]
        fronts = drain(measure(engine, held_out, asked, window=window))
        front = fronts[-1] if text or stack.active else fronts[0]
        return Row(
            front.bits_per_byte,
            _percent(front.gain) if front.gain is not None and front is not fronts[0] else [],
            front.tokens,
            len(text.encode()),
        )


def _percent(gain: Gain) -> list[float | None]:
    return [None if end is None else round(100 * end, 2) for end in (gain.share, gain.low, gain.high)]


def text_of(folder: Path) -> tuple[str, Path]:
    """Return the author's name, and a file or folder of their pages."""
    whole = SHARED / "corpora" / f"{AUTHOR}.txt"
    if not whole.exists():
        return VOICE.name, VOICE
    part = folder / whole.name
    part.write_bytes(whole.read_bytes()[:BYTES].decode(errors="ignore").encode())
    return AUTHOR, part


def known_rows(path: Path, settings: dict[str, Any]) -> dict[str, Row]:
    """Return the rows of an earlier run of the same settings that was not finished."""
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {name: Row(**row) for name, row in kept["rows"].items()} if kept.get("settings") == settings else {}


def main() -> None:
    parser = benchmark_parser(__doc__, quick="3 s each and few pages: a check that it runs, no result")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each method (default: 60)")
    parser.add_argument("--tokens", type=int, default=20, help="virtual tokens, and words by gradient (default: 20)")
    parser.add_argument("--only", nargs="+", choices=ORDER, default=list(ORDER), help="some of the methods")
    parser.add_argument("--to", metavar="NAME", help="of the result (default: methods, or methods_MODEL)")
    parser.add_argument("--docs", action="store_true", help="only write what was kept into docs/methods.md")
    arguments = parser.parse_args()
    if arguments.docs:
        write_docs()
        return
    seconds = 3.0 if arguments.quick else arguments.seconds
    file = resolve(arguments.model)  # before another home hides what was fetched
    name = arguments.to or ("methods" if arguments.model == "starter" else f"methods_{Path(arguments.model).stem}")
    partial = RESULTS / f"{name}.partial.json"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KOBOLD_MODULES_HOME"] = folder  # a library of our own
        author, source = text_of(Path(folder))
        settings = {"model": file.name, "seconds": seconds, "tokens": arguments.tokens, "author": author}
        pages = split_corpus(read_corpus([source]))
        measured = 400 if arguments.quick else 4000
        bench = Bench(file, source, pages.train, pages.held_out, seconds, arguments.tokens, measured)
        rows = {} if arguments.quick else known_rows(partial, settings)
        print(f"{author}, {file.name}, {seconds:g} s each\n")
        print(f"{'method':<12} {'bits/byte':>9}  {'gain %':<22} {'tokens':>6} {'bytes':>9} {'s':>6}  where")
        for method in ORDER:
            if method in arguments.only and method not in rows:
                rows[method] = bench.row(method)
                if not arguments.quick:
                    RESULTS.mkdir(exist_ok=True)
                    kept = {"settings": settings, "rows": {each: asdict(row) for each, row in rows.items()}}
                    partial.write_text(json.dumps(kept, indent=1) + "\n")
            if method in rows:
                print(told(method, rows[method]), flush=True)
    result = {method: rows[method].bits if method in rows else None for method in ORDER}
    details = {method: asdict(row) | {"where": USE[method]} for method, row in rows.items()}
    keep(name, settings | {"rows": details}, result, arguments.quick)
    partial.unlink(missing_ok=True)


def write_docs() -> None:
    """Put a table of the kept results into docs/methods.md, between its marks."""
    parts = []
    for path in sorted(RESULTS.glob("methods*.json")):
        if ".partial" in path.name:
            continue
        kept = json.loads(path.read_text())
        settings, machine = kept["settings"], kept["machine"]
        able = f"{machine['instructions']}, " if "instructions" in machine else ""
        parts.append(
            f"{settings['model']}, pages of {settings['author']}, {settings['seconds']:g} s each, {settings['tokens']} "
            f"tokens ({machine['processor']}, {able}{machine['cores']} cores, {kept['date']}; "
            "held-out bits per byte, and how much better than nothing in per cent, with the 95 % interval):\n\n"
            + HEADINGS
            + "\n".join(_markdown(method, row) for method, row in settings["rows"].items())
        )
    before, _, rest = DOCS.read_text().partition(MARK)
    DOCS.write_text(f"{before}{MARK}\n" + "\n\n".join(parts) + f"\n{END}{rest.partition(END)[2]}")


def _markdown(method: str, row: dict[str, Any]) -> str:
    if row["bits"] is None:
        return f"| {method} | - | {row['note']} | | | |"
    gain = "" if not row["gain"] else f"{row['gain'][0]:.2f} ({row['gain'][1]} to {row['gain'][2]})"
    return f"| {method} | {row['bits']:.4f} | {gain} | {row['tokens']} | {row['bytes']:,} | {row['where']} |"


def told(method: str, row: Row) -> str:
    """Return a row of the table."""
    if row.bits is None:
        return f"{method:<12} {'-':>9}  {row.note}"
    share = "" if not row.gain else f"{row.gain[0]:.2f} ({row.gain[1]} to {row.gain[2]})"
    return (
        f"{method:<12} {row.bits:>9.4f}  {share:<22} {row.tokens:>6} {row.bytes:>9,} {row.seconds:>6.0f}  {USE[method]}"
    )


if __name__ == "__main__":
    main()
