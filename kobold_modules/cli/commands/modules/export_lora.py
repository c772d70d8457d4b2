"""``export --format llama-lora``: modules as adapters for every program on llama.cpp, with what to type beside them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from ....byte_size import byte_size
from ....disk.files import check_target, write_file
from ....disk.free_name import free_name
from ....errors import BadUsage, WrongModel
from ....formats import llama_lora
from ....formats.llama_lora_guide import Bos, Exported, chat_template, guide
from ....library.slug import slug_of
from ....models.find import resolve
from ....models.reference import ModelFile
from ....models.untie import ALWAYS_TIED, check_room, is_tied, untied_size
from ....soft_prompt.deep_prefix import AnyModule, with_rows
from ....soft_prompt.layer import Layer
from ....soft_prompt.module import Card, Module, Vectors
from ....soft_prompt.stack import Stack, layer_rows
from ...options.stack import parse_stack
from ...output import Output


if TYPE_CHECKING:
    from ....backends.llamacpp.reserved_tokens import Kind, Places, VocabularyFile

MEASURED_WORDS = 350  # of a passage, to tell what BOS does


def export_lora(arguments: argparse.Namespace, output: Output) -> int:
    """Write an adapter for each MODULE, and beside them a guide and a chat template."""
    if not arguments.model:
        raise BadUsage("An adapter is written for one model file.", "Add --model MODEL.gguf.")
    file = resolve(arguments.model)
    stack = parse_stack(arguments.module)
    stack.matrix()  # a deep prefix is refused before anything is written
    if not stack.active:
        raise BadUsage("There is no module to write an adapter for.", "Name one, at another strength than 0.")
    for warning in _check_model(file, stack):
        output.say(f"warning: {warning}")
    targets = _targets(Path(arguments.out).expanduser(), stack, arguments.replace, arguments.adjustable)
    vocabulary, width = file.facts.vocabulary, file.facts.width
    count = sum(1 + (start is not None) for _, start in targets.adapters)
    check_room(targets.text, count * llama_lora.adapter_size(vocabulary, stack.tokens, width))

    from ....backends.llamacpp.reserved_tokens import VocabularyFile

    taken = {token for other in arguments.beside or () for token in llama_lora.ids_in(Path(other).expanduser())}
    exported: list[Exported] = []
    with VocabularyFile(file.path) as words:
        places = _places(words, arguments.ids, stack.tokens, taken)
        if max(places.ids) >= vocabulary:
            raise BadUsage(f"{file.name} has no row for token {max(places.ids)} in its table.")
        at = 0
        for layer, (target, start) in zip(stack.active, targets.adapters, strict=True):
            ids = places.ids[at : at + layer.module.tokens]
            at += len(ids)
            text = words.text_of(ids, places.kind)
            _write(layer, ids, text, file, target, start)
            exported.append(
                Exported(layer.module.card.name, target.name, ids, text, layer.strength, start.name if start else "")
            )
        typed = "".join(module.text for module in exported)
        if typed and words.ids(typed) != list(places.ids):
            raise BadUsage(
                f"{file.name} reads the modules' tokens another way when they stand together.", "Export one at a time."
            )
        own_template, bos = words.chat_template, words.bos
        bos_text = words.name_of(bos) if bos is not None else ""
    measured = _measure_bos(file, stack, bos, bos_text) if bos is not None else None
    if typed:
        write_file(targets.template, chat_template(typed, own_template).encode())
    text = guide(
        exported,
        file.path.name,
        kind=places.kind,
        bos=measured,
        template=targets.template.name if typed else "",
    )
    write_file(targets.text, text.encode())
    _tell(output, exported, targets, measured, places.kind)
    return 0


class _Targets:
    """Where the files go: one adapter a layer (and the file of its start), a guide and a template for all."""

    def __init__(self, adapters: list[tuple[Path, Path | None]], stem: Path) -> None:
        self.adapters = adapters
        self.text = stem.with_name(stem.name + ".txt")
        self.template = stem.with_name(stem.name + ".jinja")


def _targets(out: Path, stack: Stack, replace: bool, adjustable: bool) -> _Targets:
    if len(stack.active) == 1 and not out.is_dir():
        names, folder, stem = [out.stem], out.parent, out.with_suffix("")
        check_target(out, ".gguf", replace=replace)
    else:
        if out.suffix.lower() == ".gguf":
            raise BadUsage(f"{len(stack.active)} modules make as many files.", f"Name a folder, such as {out.stem}.")
        names, folder, stem = [], out, out / "stack"
        for layer in stack.active:
            names.append(free_name(slug_of(layer.module.card.name), lambda name: name in names, "-"))
    adapters: list[tuple[Path, Path | None]] = []
    for name, layer in zip(names, stack.active, strict=True):
        if adjustable and with_rows(layer.module).initial is None:
            raise BadUsage(
                f"{layer.module.card.name} does not say where its training started, so its strength can't be adjusted.",
                "Leave --adjustable out, and write NAME:0.5 for another strength.",
            )
        start = folder / f"{name}.start.gguf" if adjustable else None
        adapters.append((folder / f"{name}.gguf", start))
    targets = _Targets(adapters, stem)
    everything = [path for pair in adapters for path in pair if path is not None]
    for path in [*everything, targets.text, targets.template]:
        check_target(path, replace=replace)
    return targets


def _check_model(file: ModelFile, stack: Stack) -> list[str]:
    """Return warnings. Raises BadUsage or WrongModel where no adapter of these modules works with ``file``."""
    if file.kind != "gguf":
        raise BadUsage(f"{file.name} is a Hugging Face folder.", "Adapters are for GGUF files: name one with --model.")
    warnings = stack.check(file.fingerprint, file.name)
    if file.facts.no_modules:
        raise WrongModel(file.facts.no_modules)
    if is_tied(file):
        if file.facts.architecture in ALWAYS_TIED:
            raise WrongModel(
                f"{file.name} takes no adapters: llama.cpp reads {file.facts.architecture} models with one table for "
                "words and output, and aborts when an adapter changes it.",
                "`kobold-modules serve` serves it with modules to every front end.",
            )
        size = "" if len(file.parts) > 1 else f" ({byte_size(untied_size(file))})"
        raise BadUsage(
            f"{file.name} uses one table for words and output, and llama.cpp aborts when an adapter changes it.",
            f"`kobold-modules untie {file.model}` writes a copy{size} that works; export for the copy then.",
        )
    return warnings


def _places(words: VocabularyFile, typed: str, count: int, taken: set[int]) -> Places:
    from ....backends.llamacpp.reserved_tokens import Kind

    if typed in get_args(Kind):
        return words.choose(count, cast("Kind", typed), taken)
    ids = _parse_ids(typed)
    if len(ids) < count:
        raise BadUsage(
            f"--ids names {len(ids)} of the {count} tokens that are needed.", f"Name {count}, such as 100-{99 + count}."
        )
    if found := taken.intersection(ids[:count]):
        raise BadUsage(f"Token {min(found)} is taken by an adapter named with --beside.", "Name others with --ids.")
    return words.named(ids[:count])


def _parse_ids(typed: str) -> list[int]:
    """Read ``12,15,100-120``. Raises BadUsage."""
    ids: list[int] = []
    for part in typed.replace(" ", "").split(","):
        found = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", part, re.ASCII)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not 0 <= last - first < 10_000:
            raise BadUsage(
                f"{typed[:60]!r} is no list of token ids.",
                "--ids is reserved, rare, unused, or ids such as 12,15,100-120.",
            )
        ids += range(first, last + 1)
    return ids


def _write(
    layer: Layer[AnyModule], ids: Sequence[int], text: str, file: ModelFile, target: Path, start: Path | None
) -> None:
    own = file.rows_at(ids)
    module, rows = with_rows(layer.module), layer_rows(layer)

    def write(path: Path, name: str, change: Vectors) -> None:
        facts = file.facts
        adapter = llama_lora.Adapter(
            name,
            facts.architecture,
            facts.vocabulary,
            tuple(ids),
            text,
            change,
            module.digest,
        )
        llama_lora.write(adapter, path)

    if start is None:
        write(target, module.card.name, rows - own)
        return
    assert module.initial is not None
    write(start, f"{module.card.name}, start", module.initial - own)
    write(target, module.card.name, rows - module.initial)


def _measure_bos(file: ModelFile, stack: Stack, bos: int, text: str) -> Bos:
    """Measure prose behind the stack with and without the server's first token, in bits a token."""
    import math

    from ....backends.llamacpp.engine import LlamaEngine

    front = Stack((Layer(Module(file.rows_at([bos]), Card("BOS"))), *stack.layers))
    with LlamaEngine(file, context=stack.tokens + 1024, disk=0) as engine:
        tokens = engine.tokenize(_passage(stack))[:MEASURED_WORDS]
        without, before = (-float(engine.score(tokens, behind).mean()) / math.log(2) for behind in (stack, front))
    return Bos(text, without, before, len(tokens))


def _passage(stack: Stack) -> str:
    """Return prose to measure on: what a module was sampled with, or pages that come with the program."""
    from importlib.resources import files

    for layer in stack.active:
        samples = layer.module.card.samples
        if len(passage := samples.get("opening", "") + samples.get("with", "")) > 400:
            return passage
    found = files("kobold_modules") / "sample_texts" / "noir" / "the-long-drop.txt"
    page = found.read_text(encoding="utf-8") if found.is_file() else "It rained. " * 200
    return page[2000:5000]


def _tell(output: Output, exported: list[Exported], targets: _Targets, bos: Bos | None, kind: str) -> None:
    output.object(
        adapters=[
            {
                "name": module.name,
                "path": str(target),
                "start": str(start) if start else None,
                "ids": list(module.ids),
                "text": module.text,
                "strength": module.strength,
            }
            for module, (target, start) in zip(exported, targets.adapters, strict=True)
        ],
        text="".join(module.text for module in exported),
        kind=kind,
        guide=str(targets.text),
        bos=None if bos is None else {"without": bos.without, "before": bos.before, "tokens": bos.tokens},
    )
    for module, (target, start) in zip(exported, targets.adapters, strict=True):
        output.data(f"{module.name} written to {target}" + (f" and {start.name}." if start else "."))
    if exported[0].text:
        output.data(f"What to type in the memory field: {''.join(module.text for module in exported).strip()}")
    else:
        output.data("These tokens can be sent as ids only.")
    output.data(f"{targets.text} says how koboldcpp, llama-server and others are started with it.")
    if bos is not None:
        output.say(
            f"Servers put {bos.text} first: {bos.before:.3f} bits a token behind it, {bos.without:.3f} without it."
        )
