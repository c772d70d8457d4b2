"""What a file is that was given for a model and is none: a pointer, a piece, half a download, an archive.

StableStatic from its name and its first bytes, in one sentence with the next step in the hint.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from ...errors import NoModel


LFS = b"version https://git-lfs.github.com/spec/"
# Endings that browsers and download programs give a file until it is whole
_UNFINISHED = re.compile(
    r"\.(part|partial|incomplete|crdownload|opdownload|download|downloading|aria2|tmp|temp|!qb|!ut|bc!|fdmdownload)$",
    re.IGNORECASE,
)
# x.gguf.part1of2, x.gguf.part-a, x.gguf-split-a, x-split-b.gguf, x.gguf.001, x.gguf.aa
_PIECE = re.compile(
    r"""^(?P<stem>.+?)
    (?: [._-](?:part|split)[._-]?(?P<number>\d{1,4}|[a-z]{1,2})(?:[._-]?of[._-]?(?P<count>\d{1,4}))?(?P<ending>\.gguf)?
      | (?<=gguf)\.(?P<tail>\d{2,4}|[a-z]{2}) )$""",
    re.IGNORECASE | re.VERBOSE,
)
_STARTS: Sequence[tuple[bytes, str, str]] = (
    (b"PK", "a zip archive", "Unpack it, and give the .gguf file or model folder that is in it."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it first."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it first."),
    (b"Rar!", "a RAR archive", "Unpack it first."),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "Unpack it first."),
    (b"\xfd7zXZ", "an xz archive", "Unpack it first."),
    (b"\x80", "a pickled PyTorch file", "Pickles are never loaded: take the same model as .gguf or .safetensors."),
    (b"tjgg", "a GGML file of before August 2023", "Take the same model as a GGUF file."),
    (b"fmgg", "a GGML file of before August 2023", "Take the same model as a GGUF file."),
    (b"lmgg", "a GGML file of before August 2023", "Take the same model as a GGUF file."),
    (b"algg", "a LoRA of before August 2023", "Give the model it was made for."),
)


def is_lfs_pointer(file: Path) -> bool:
    """Return whether ``file`` is the small text that Git keeps in a large file's place."""
    return _start(file).startswith(LFS)


def lfs_pointer(file: Path) -> NoModel:
    """Return the sentence for a Git LFS pointer."""
    return NoModel(
        f"{file} is a Git LFS pointer: a few lines in place of the real file, which was not fetched.",
        f"Run `git lfs pull` in {file.parent}.",
    )


def not_gguf(file: Path) -> NoModel:
    """Return why ``file``, which does not begin with GGUF, is no model."""
    start = _start(file)
    named = unfinished(file) or piece(file)
    if named is not None:
        return named
    if start.startswith(LFS):
        return lfs_pointer(file)
    if not start.strip(b"\0"):
        what = "is empty" if not start else "begins with nothing but zeros: its download has not finished"
        return NoModel(f"{file} {what}.", "Download or copy it again.")
    if file.suffix.lower() == ".safetensors":
        return NoModel(
            f"{file} is one file of a Hugging Face folder.",
            f"Give the folder instead: {shlex.quote(str(file.parent))}.",
        )
    if start.startswith(b"PK") and _is_module(file):
        return NoModel(f"{file} is a module, and a model is wanted here.", "Modules are named with --module.")
    for magic, what, hint in _STARTS:
        if start.startswith(magic):
            return NoModel(f"{file} is {what}, and no model that can be loaded.", hint)
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return NoModel(
            f"{file} is a web page that was saved in place of the model.",
            "Download the file itself; for some models one has to log in first.",
        )
    return NoModel(f"{file} is not a GGUF model: it does not begin with GGUF.", "Give a .gguf file or a model folder.")


def unfinished(file: Path) -> NoModel | None:
    """Return the sentence for a download that has not ended, or None."""
    beside = file.with_name(f"{file.name}.aria2")
    if file.suffix.lower() != ".aria2" and beside.exists():
        return NoModel(f"{file} has not been downloaded to its end: {beside.name} lies beside it.", _GO_ON)
    if _UNFINISHED.search(file.name) and piece(file) is None:
        return NoModel(f"{file} is a download that has not finished.", _GO_ON)
    return None


_GO_ON = "Let the program that fetches it go on, or download it again."


def piece(file: Path) -> NoModel | None:
    """Return the sentence for a piece of a file that was cut to be sent, or None.

    Parts that llama.cpp reads are none.
    """
    found = _PIECE.match(file.name)
    if found is None or "gguf" not in file.name.lower():
        return None
    said = found["number"] or found["tail"]
    pieces = _pieces(file, found)
    number = next((at for at, each in enumerate(pieces, 1) if each.name == file.name), 1)
    count = int(found["count"] or 0) or (len(pieces) if len(pieces) > 1 else 0)
    if said.isdigit() and found["count"]:
        number = int(said)
    which = f"part {number} of {count}" if count else f"part {said}"
    stem = found["stem"]
    whole = stem if stem.lower().endswith(".gguf") else f"{stem}.gguf"
    names = " ".join(shlex.quote(each.name) for each in pieces)
    about = f"{file} is {which} of a file that was cut into pieces."
    if len(pieces) < max(count, 2):
        return NoModel(about, f"Put the other parts beside it, and join them in their order with cat to {whole}.")
    return NoModel(about, f"Join them: cd {shlex.quote(str(file.parent))} && cat {names} > {shlex.quote(whole)}")


def _pieces(file: Path, found: re.Match[str]) -> list[Path]:
    """Return all pieces of the same file that lie here, in their order."""

    def key(name: str) -> tuple[int, str] | None:
        other = _PIECE.match(name)
        if other is None or other["stem"] != found["stem"] or other["count"] != found["count"]:
            return None
        said = (other["number"] or other["tail"]).lower()
        return (int(said), "") if said.isdigit() else (len(said), said)

    try:
        near = [(order, entry) for entry in file.parent.iterdir() if (order := key(entry.name)) is not None]
    except OSError:
        near = []
    return [entry for _, entry in sorted(near)] or [file]


def _is_module(file: Path) -> bool:
    """Return whether a zip is a soft prompt for KoboldAI; its bytes are searched, for any file may have a directory."""
    try:
        with file.open("rb") as opened:
            return b"tensor.npy" in opened.read(2**16)
    except OSError:
        return False


def _start(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(256)
    except OSError:
        return b"?"
