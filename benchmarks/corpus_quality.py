"""What reading and cleaning keep of a writer's words: precision and recall against the known text.

    python benchmarks/corpus_quality.py

For each input (``corpus_inputs``, and one story that LibreOffice writes in every format of its own) the words that came
out are aligned with those that should. Recall is the share of the known words that came out, precision the share of
those that came out that are known. The last line is one JSON object: files, precision, recall, worst.
"""

from __future__ import annotations

import argparse
import difflib
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections import Counter
from pathlib import Path

from common import keep
from corpus_inputs import CORPORA, Input, inputs, prose

from kobold_modules.corpus import read
from kobold_modules.errors import BadText


FORMATS = ("docx", "odt", "rtf", "html", "epub", "fb2", "pdf")
LONGEST = 4_000  # words that are aligned one by one
_WORD = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]|[^\W_]+(?:['’][^\W_]+)*")


def main() -> int:
    """Measure every input; return 1 where the promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="write the result to results/")
    arguments = parser.parse_args()
    rows: list[tuple[str, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for given in (*inputs(), *from_libreoffice(Path(folder))):
            rows.append((given.name, *score(given, Path(folder))))
            print(f"{given.name:<40} precision {rows[-1][1]:.4f}  recall {rows[-1][2]:.4f}", flush=True)
    precision = sum(row[1] for row in rows) / len(rows)
    recall = sum(row[2] for row in rows) / len(rows)
    worst = min(rows, key=lambda row: min(row[1], row[2]))
    result = {
        "files": len(rows),
        "precision": round(precision, 5),
        "recall": round(recall, 5),
        "worst": {"file": worst[0], "precision": round(worst[1], 5), "recall": round(worst[2], 5)},
    }
    settings = {"libreoffice": shutil.which("soffice") is not None, "corpora": CORPORA.is_dir()}
    keep("corpus_quality", settings, result, quick=not arguments.record)
    return 0 if precision >= 0.995 and recall >= 0.995 and min(worst[1:]) >= 0.97 else 1


def score(given: Input, folder: Path) -> tuple[float, float]:
    """Return precision and recall of the words that reading ``given`` gives."""
    path = folder / f"input{given.suffix}"
    path.write_bytes(given.data)
    try:
        found = words(read([path]).documents[0].text)
    except BadText as error:
        print(f"  {given.name}: {error.message}", file=sys.stderr)
        return 0.0, 0.0
    known = words(given.prose)
    same = in_common(known, found)
    return same / max(1, len(found)), same / max(1, len(known))


def in_common(known: list[str], found: list[str]) -> int:
    """Return how many words both lists have in the same order; long ones that differ a lot are only counted."""
    start = 0
    while start < min(len(known), len(found)) and known[start] == found[start]:
        start += 1
    end = 0
    while end < min(len(known), len(found)) - start and known[-1 - end] == found[-1 - end]:
        end += 1
    known, found = known[start : len(known) - end], found[start : len(found) - end]
    if max(len(known), len(found)) > LONGEST:
        return start + end + (Counter(known) & Counter(found)).total()
    matcher = difflib.SequenceMatcher(None, known, found, autojunk=False)
    return start + end + sum(block.size for block in matcher.get_matching_blocks())


def words(text: str) -> list[str]:
    """Return the words of a text, typography aside."""
    return [word.replace("’", "'") for word in _WORD.findall(unicodedata.normalize("NFC", text).casefold())]


def from_libreoffice(folder: Path) -> list[Input]:
    """Return one story in every format that LibreOffice writes; nothing, and a sentence, where it is absent."""
    office = shutil.which("soffice")
    if office is None:
        print("LibreOffice (soffice) is not here: its formats are left out.", file=sys.stderr)
        return []
    known = prose()
    source = folder / "story.html"
    body = "".join(f"<p>{part}</p>" for part in known.replace("&", "&amp;").split("\n\n"))
    source.write_text(f"<html><meta charset='utf-8'><body><h1>The Long Drop</h1>{body}</body></html>", encoding="utf-8")
    home = f"-env:UserInstallation=file://{folder}/office"
    command = [office, home, "--headless", "--convert-to", "odt", "--outdir", str(folder), str(source)]
    subprocess.run(command, check=False, capture_output=True, timeout=300)
    found: list[Input] = []
    for format in FORMATS:
        made = folder / f"story.{format}"
        if format != "odt":
            command = [
                office,
                home,
                "--headless",
                "--convert-to",
                format,
                "--outdir",
                str(folder),
                str(folder / "story.odt"),
            ]
            subprocess.run(command, check=False, capture_output=True, timeout=300)
        if made.exists():
            found.append(Input(f"LibreOffice .{format}", f".{format}", made.read_bytes(), known))
        else:
            print(f"LibreOffice wrote no .{format} here: left out.", file=sys.stderr)
    return found


if __name__ == "__main__":
    sys.exit(main())
