"""The verbs that keep the library: list, show, check, remove, rename."""

from __future__ import annotations

import argparse
from pathlib import Path

from ....disk.files import check_target
from ....errors import BadModule
from ....evaluation.report import card_gain, costs, gain_of, headline, long_gain
from ....formats import write
from ....formats.check import Check
from ....formats.check import check as check_file
from ....library.library import Entry, Library
from ....plain_text import one_line
from ....soft_prompt.deep_prefix import AnyModule, DeepPrefix
from ....soft_prompt.module import Card
from ...output import Output, table


LONGEST_DESCRIPTION = 2000
UNTOLD = ("identity", "method")  # facts of a training that say nothing to a person


def list_(arguments: argparse.Namespace, output: Output) -> int:
    entries = Library().entries()
    for entry in entries:
        output.object(
            name=entry.name,
            kind=entry.card.kind if entry.card else None,
            holds=holds(entry.is_deep),
            tokens=entry.tokens,
            width=entry.width,
            model=entry.card.model if entry.card else None,
            measured=entry.card.measured if entry.card else None,
            path=str(entry.path),
            problem=entry.problem,
        )
    if not entries:
        output.say("The library is empty. `kobold-modules demo` makes a first module in five minutes.")
        return 0
    rows = [
        (e.name, _kind(e), str(e.tokens), e.card.model or "-", effect(e.card), e.problem or e.card.description)
        if e.card
        else (e.name, "-", "-", "-", "-", e.problem or "")
        for e in entries
    ]
    output.data(table(rows, ("name", "kind", "tokens", "model", "effect", "description")))
    return 0


def show(arguments: argparse.Namespace, output: Output) -> int:
    if arguments.nearest is not None:
        from ..inspect import show_nearest

        return show_nearest(arguments, output)
    if arguments.worth is not None:
        from ..inspect import show_worth

        return show_worth(arguments, output)
    module = Library().find(arguments.module)
    form = holds(isinstance(module, DeepPrefix))
    facts: dict[str, object] = {"holds": form, "tokens": module.tokens, "width": module.width, "digest": module.digest}
    if isinstance(module, DeepPrefix):
        facts |= {"layers": module.layers, "kv_heads": module.kv_heads, "head_dim": module.head_dim}
    output.object(**{**module.card.to_dict(), **facts})  # a stranger's card may have members of these names
    output.data(describe(module))
    return 0


def check(arguments: argparse.Namespace, output: Output) -> int:
    fingerprint, name = None, ""
    if arguments.model:
        from ....models.find import resolve

        file = resolve(arguments.model)
        fingerprint, name = file.fingerprint, file.name
    path = Path(arguments.file)
    if not path.exists():
        try:
            path = Library().entry(arguments.file).path
        except BadModule as error:
            raise BadModule(f"There is no file or module called {arguments.file}.", error.hint) from error
    result = check_file(path, fingerprint, name, arguments.width)
    marks = {"ok": "✓", "warn": "!", "bad": "✗"}
    for finding in result.findings:
        output.object(level=finding.level, text=finding.sentence, hint=finding.hint)
        output.data(f"{marks[finding.level]} {finding.sentence}" + (f" {finding.hint}" if finding.hint else ""))
    return _fix(result, arguments, output) if arguments.fix else result.exit_code


def _fix(result: Check, arguments: argparse.Namespace, output: Output) -> int:
    """Write what could be read as a zip that KoboldAI loads, and check that. The file itself stays as it is."""
    if result.module is None:
        raise BadModule(f"{result.path.name} cannot be repaired: its rows cannot be read.", "Look for another copy.")
    stem = result.path.name if result.path.is_dir() else result.path.stem
    target = Path(arguments.out).expanduser() if arguments.out else result.path.with_name(f"{stem}-fixed.zip")
    check_target(target, ".zip", replace=arguments.replace)
    write(result.module, target, "kobold")
    again = check_file(target)
    output.object(fixed=str(target), ok=again.ok)
    output.data(f"{target} is a repaired copy, which KoboldAI loads.")
    return again.exit_code


def remove(arguments: argparse.Namespace, output: Output) -> int:
    entry = Library().entry(arguments.module)
    Library().remove(entry.name)
    output.object(removed=entry.name)
    output.data(f"{entry.name} was removed; `kobold-modules trash` lists and restores it.")
    return 0


def rename(arguments: argparse.Namespace, output: Output) -> int:
    entry = Library().rename(arguments.module, arguments.name)
    output.object(name=entry.name, path=str(entry.path))
    output.data(f"{arguments.module} is now called {entry.name}.")
    return 0


def holds(deep: bool) -> str:
    """Return in which of the two forms a module is, for programs."""
    return "deep prefix" if deep else "rows"


def _kind(entry: Entry) -> str:
    return f"{entry.card.kind}, deep" if entry.is_deep else entry.card.kind


def effect(card: Card) -> str:
    """Say in a few words how much better held-out pages are predicted."""
    return card_gain(card.measured, interval=True) or "-"


def describe(module: AnyModule) -> str:
    """Return a module's card as plain lines."""
    card = module.card
    lines = [card.name, "─" * len(card.name)]
    lines += [one_line(line) for line in card.description[:LONGEST_DESCRIPTION].splitlines()]
    facts = [
        ("kind", card.kind),
        ("virtual tokens", f"{module.tokens} ({size_of(module)})"),
        ("model", card.model),
        ("author", card.author),
        ("created", card.created),
        ("tags", ", ".join(card.tags)),
        ("training", ", ".join(f"{k} {_told(v)}" for k, v in card.training.items() if k not in UNTOLD)),
        ("sources", ", ".join(f"{s.get('name')} ({s.get('words')} words)" for s in card.sources)),
    ]
    lines += [f"{key:<15} {one_line(value)}" for key, value in facts if value]
    measured = card.measured
    if gain_of(measured) is not None:
        lines += _measured_lines(card)
    for key in ("opening", "without", "with"):
        if card.samples.get(key):
            lines += ["", f"{key}:", card.samples[key].strip()]
    return "\n".join(lines)


def _told(fact: object) -> str:
    """Return a fact of a training as text: a list in brackets, so that what follows is no part of it."""
    return f"({', '.join(map(_told, fact))})" if isinstance(fact, list) else str(fact)


def size_of(module: AnyModule) -> str:
    """Return in words what a virtual token of ``module`` is."""
    if isinstance(module, DeepPrefix):
        return f"a deep prefix: keys and values of {module.layers} layers, {module.kv_heads * module.head_dim} wide"
    return f"{module.width} wide"


def _measured_lines(card: Card) -> list[str]:
    """Return what was measured: the headline with what to do, the numbers behind it, other authors' pages."""
    measured = card.measured
    summary = headline(measured, card.training)
    lines = ["", summary.text + (f" {summary.advice}" if summary.advice else "")]
    if "bits_per_byte_with" in measured and "bits_per_byte_without" in measured:
        lines.append(
            f"{'held-out':<15} {measured['bits_per_byte_without']:.4f} -> {measured['bits_per_byte_with']:.4f} "
            f"bits per byte over {measured.get('held_out_tokens', '?')} tokens"
        )
    lines += costs(measured)
    for what, name in (("gain_over_start", "than its start"), ("others_gain", "other authors'")):
        if (gain := gain_of(measured, what)) is not None:
            lines.append(f"{name:<15} {long_gain(gain)}")
    return lines
