"""Whether and where a module file will load, in sentences.

KoboldAI hides a file of the wrong width, and tells the browser nothing when a load fails; text-generation-webui shows a
stack trace. What each program accepts was found by running them (Client and United with Python 3.8 and numpy 1.24,
text-generation-webui of June 2023). ``bad`` means a KoboldAI program or we ourselves refuse the file; ``warn`` means
that another program will, or that something will look wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..disk.files import read_file
from ..errors import BadModule, WrongModel
from ..plain_text import one_line
from ..soft_prompt.deep_prefix import AnyModule, DeepPrefix
from ..soft_prompt.fingerprint import Fingerprint
from ..soft_prompt.module import MOST_ROWS
from ..soft_prompt.stack import check_fit
from . import kobold, limits, npy, read_found, sniff
from .safe_zip import SafeZip, has_bytes_in_front, open_zip


Level = Literal["ok", "warn", "bad"]
NAMES = {  # of formats, where the word for the option would not do
    "mkultra": "soft prompt of mkultra's",
    "sukima": "soft prompt of Sukima's",
    "numpy": "bare NumPy array",
    "torch": "PyTorch file",
    "peft": "PEFT adapter",
    "prompt-embeds": "request to vLLM",
}
CLIENT_CONTEXT = 1024  # KoboldAI Client's default; United's is 2048
CROWDED = CLIENT_CONTEXT // 4
MOST_WARNINGS = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence. ``hint`` says what to do, or is empty."""

    level: Level
    sentence: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """What was found. ``fits`` is None where no model was asked about, or the file could not be read."""

    path: Path
    findings: tuple[Finding, ...]
    module: AnyModule | None = None
    fits: bool | None = None

    @property
    def ok(self) -> bool:
        """No finding is bad; warnings there may be."""
        return not any(finding.level == "bad" for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """0 if the file is good, 3 if it is malformed, 4 if it is good but does not fit the model."""
        if self.ok:
            return 0
        others = sum(finding.level == "bad" for finding in self.findings) - (self.fits is False)
        return BadModule.exit_code if others else WrongModel.exit_code


def check(path: Path, model: Fingerprint | None = None, model_name: str = "", width: int = 0) -> Check:
    """Examine the file or folder ``path``, and whether it fits ``model``. Raises nothing: trouble is a finding.

    Args:
        width: of the model it is for, where the file may not say; 0 if not known.
    """
    findings: list[Finding] = []
    module, format = None, ""
    try:
        format = sniff(path)
        if format == "kobold" and path.is_dir():
            findings.append(Finding("bad", f"{path.name} is an unpacked soft prompt; KoboldAI reads it as a zip."))
        elif format == "kobold":
            findings += _name_findings(path.name)
            findings += _zip_findings(_archive(path))
    except BadModule as error:
        findings.append(Finding("bad", error.message, error.hint))
    try:
        found = read_found(path, width or (model.width if model else 0))
        module = found.module
        if isinstance(module, DeepPrefix):
            what = f"{path.name} is {_size(module)}; KoboldAI has no place for keys and values."
            findings.append(Finding("warn", what, "`distil` trains a module of rows to imitate it."))
        elif found.format != "kobold" or format != "kobold":
            kind = NAMES.get(found.format, f"{found.format} file")
            what = f"{path.name} is a {kind} of {_size(module)}; KoboldAI reads only its own zip."
            findings.append(Finding("warn", what, "`check --fix` writes one."))
        findings += [Finding("warn", f"{path.name}: {note}.") for note in found.notes]
        if any(finding.level == "bad" for finding in findings):
            findings.append(Finding("warn", f"{path.name} can be read here all the same.", "`check --fix` repairs it."))
    except BadModule as error:
        if not any(finding.level == "bad" for finding in findings):
            findings.append(Finding("bad", error.message, error.hint))
    fits = None
    if module is not None and model is not None:
        fit = _fit_finding(module, model, model_name or "the model")
        fits = fit.level != "bad"
        findings.append(fit)
    if module is not None and format == "kobold" and not any(finding.level == "bad" for finding in findings):
        findings.insert(0, Finding("ok", f"{path.name} is a sound KoboldAI soft prompt of {_size(module)}."))
    return Check(path, tuple(_shown(findings)), module, fits)


def _archive(path: Path) -> SafeZip:
    data = read_file(path, limits.MOST_FILE)
    if has_bytes_in_front(data):
        raise BadModule(f"{path.name} has bytes in front of the zip: KoboldAI lists it, but fails to load it.")
    return open_zip(data, path.name)


def _shown(findings: list[Finding]) -> Iterator[Finding]:
    """Yield ``findings`` safe to show; of many warnings only the first, since a file may hold thousands of faults."""
    warnings = 0
    for found in findings:
        warnings += found.level == "warn"
        if found.level != "warn" or warnings <= MOST_WARNINGS:
            yield Finding(found.level, one_line(found.sentence), one_line(found.hint))
    if warnings > MOST_WARNINGS:
        yield Finding("warn", f"There are {warnings - MOST_WARNINGS:,} more warnings like these.")


def _size(module: AnyModule) -> str:
    if isinstance(module, DeepPrefix):
        return f"a deep prefix of {module.tokens} virtual token{'s' * (module.tokens != 1)}, {module.layers} layers"
    return f"{module.tokens} virtual token{'s' * (module.tokens != 1)}, {module.width} wide"


def _zip_findings(archive: SafeZip) -> Iterator[Finding]:
    if kobold.TENSOR not in archive.members:
        yield Finding("bad", kobold.without_tensor(archive))
        return
    header = kobold.header_in(archive)
    yield from _tensor_findings(archive, header)
    yield from _meta_findings(archive)
    for set_aside in (kobold.card_in(archive)[1], kobold.initial_in(archive, header.shape)[1]):
        if set_aside:
            yield Finding("warn", f"{set_aside} KoboldAI does not mind; the rest of the module loads.")


def _tensor_findings(archive: SafeZip, header: npy.Header) -> Iterator[Finding]:
    label, refuse = archive.label, "KoboldAI Client and United refuse it as not a valid soft prompt"
    if fault := npy.refusal(header, f"{label}: {kobold.TENSOR}"):
        yield Finding("bad", f"{fault} {refuse}.", "Save the rows again as a two-dimensional float32 array.")
        return
    rows = header.shape[0]
    if rows > MOST_ROWS:
        yield Finding("bad", f"{label} has {rows:,} rows; {refuse} above {MOST_ROWS}.")
        return
    if rows == 0:
        yield Finding("bad", f"{label} has no rows at all: KoboldAI lists it and breaks on the first generation.")
        return
    import numpy as np

    vectors = kobold.vectors_in(archive)
    if not np.isfinite(vectors).all():
        yield Finding(
            "bad",
            f"{label} holds values that are not numbers (NaN or infinity); KoboldAI lists it and fails to load it.",
            "The training that made it broke; ask for an earlier checkpoint or train it again.",
        )
    if header.kind == "bfloat16":
        yield Finding(
            "warn",
            f"{label} holds bfloat16 rows: KoboldAI loads them, text-generation-webui does not.",
            "Import and export it: that writes float32.",
        )
    if rows > CROWDED:
        yield Finding(
            "warn",
            f"{label} takes {rows} tokens of every context; KoboldAI Client's default is {CLIENT_CONTEXT} in all.",
            "Raise the maximum of tokens in its settings.",
        )


def _meta_findings(archive: SafeZip) -> Iterator[Finding]:
    label, repair = archive.label, "Import it and export it again: that writes a complete one."
    meta, fault = kobold.meta_in(archive)
    if meta is None:
        yield Finding("bad", f"{label}: {fault}, so KoboldAI lists the file but can't load it.", repair)
        return
    for key in ("name", "description"):
        if key not in meta:
            yield Finding("bad", f"{label}: its meta.json has no {key}; United's list of soft prompts breaks.", repair)
        elif meta[key] is not None and not isinstance(meta[key], str):
            yield Finding("bad", f"{label}: its {key} is not text; the Client's list of soft prompts breaks.", repair)
    if archive.read(kobold.META, limits.MOST_META).startswith(b"\xef\xbb\xbf"):
        yield Finding(
            "warn",
            f"{label}: its meta.json begins with a byte order mark; KoboldAI skips it, text-generation-webui fails.",
            repair,
        )
    yield from _text_findings(label, meta)


def _text_findings(label: str, meta: dict[str, Any]) -> Iterator[Finding]:
    name = meta.get("name")
    if isinstance(name, str) and re.search(r"[/\\:]", name):
        yield Finding(
            "warn", f"{label}: its name {name[:60]!r} holds a slash or colon; text-generation-webui can't store it."
        )
    for key in ("name", "author"):
        words = kobold.words(meta.get(key))
        if re.search(r'["<>&]', words):
            yield Finding("warn", f"{label}: its {key} holds quotes or angle brackets; KoboldAI's page shows it wrong.")
    for key, value in meta.items():
        if key != "name" and isinstance(value, list) and not all(isinstance(item, str) for item in value):
            yield Finding(
                "warn",
                f"{label}: {key[:60]!r} in its meta.json is a list of more than texts; text-generation-webui fails.",
            )


def _name_findings(name: str) -> Iterator[Finding]:
    if not name.endswith(".zip"):
        yield Finding(
            "warn", f"{name} does not end in .zip, so KoboldAI Client does not list it.", "Rename it to end in .zip."
        )
    if name != name.strip() or ".." in name or re.search(r"[\"'<>&:\\]", name):
        yield Finding(
            "warn",
            f"The file name {name!r} holds quotes, brackets, colons, double dots or outer spaces; "
            "KoboldAI may not find it again.",
            "Rename it with letters, digits, spaces and hyphens.",
        )


def _fit_finding(module: AnyModule, model: Fingerprint, model_name: str) -> Finding:
    try:
        warning = check_fit(module, model, model_name)
    except WrongModel as error:
        return Finding("bad", error.message, error.hint)
    if warning:
        return Finding("warn", warning)
    return Finding("ok", f"{module.card.name} was made for {model_name} and fits it.")
