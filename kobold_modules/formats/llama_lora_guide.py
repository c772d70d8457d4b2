"""What stands beside an exported adapter: how each program is told of it, and what to type.

Plain text and a Jinja template. No path of this machine leaves in them, for people pass such files on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .card import clean, line


# BOS at the very beginning of a template, and what may stand before it.
_BOS_FIRST = re.compile(r"^(?:\s|\{#.*?#\}|\{%-?\s*set\s[^%]*%\})*\{\{-?\s*bos_token\s*(?:\|[^}]*)?-?\}\}", re.DOTALL)
_PLAIN_TEMPLATE = "{%- for message in messages -%}{{ message['content'] }}{%- endfor -%}"
_LONGEST_ID_LIST = 4000


@dataclass(frozen=True, slots=True)
class Exported:
    """One adapter file, and where its module stands.

    Attributes:
        name: of the module; ``file``: of the adapter, without a folder.
        ids: its places, ``text``: what is typed for them, empty where only ids can be sent.
        start_file: the second file of an adjustable module, which is always loaded at scale 1; else empty.
    """

    name: str
    file: str
    ids: tuple[int, ...]
    text: str
    strength: float = 1.0
    start_file: str = ""


@dataclass(frozen=True, slots=True)
class Bos:
    """What the BOS token that a server writes first does to the text behind the modules, in bits per token."""

    text: str
    without: float
    before: float
    tokens: int


def guide(modules: Sequence[Exported], model: str, *, kind: str, bos: Bos | None, template: str) -> str:
    """Return the text file.

    Args:
        model: file name of the model; ``template``: of the chat template beside it, or empty.
        kind: ``reserved``, ``unused`` or ``rare``: what the ids are.
        bos: None where no server puts a token first.
    """
    files = [file for module in modules for file in (module.start_file, module.file) if file]
    typed = "".join(module.text for module in modules)
    names = " + ".join(line(clean(module.name)) for module in modules)
    parts = [
        _title(f"{names}, for programs on llama.cpp"),
        _files(modules, model),
        _title("1. Start the program with the adapter", "-"),
        _commands(files, model, template if typed else "", typed, bos),
        _title("2. Put the module in front of the text", "-"),
        _string(modules, typed, kind) if typed else _only_ids(modules),
        _title("How strong it is", "-"),
        _strength(modules),
        _title("The token that stands before everything (BOS)", "-"),
        _bos(bos),
    ]
    return "\n".join(parts)


def chat_template(typed: str, own: str) -> str:
    """Return the model's ``own`` Jinja template with ``typed`` at the beginning of every chat, behind a BOS."""
    own = own or _PLAIN_TEMPLATE
    place = "{{- " + json.dumps(typed, ensure_ascii=False) + " -}}"
    found = _BOS_FIRST.match(own)
    at = found.end() if found else 0
    return own[:at] + place + own[at:]


def _title(text: str, under: str = "=") -> str:
    return f"{text}\n{under * len(text)}\n"


def _files(modules: Sequence[Exported], model: str) -> str:
    lines = [f"Model: {model}. An adapter works with this file and with no other."]
    for module in modules:
        also = f", with {module.start_file}" if module.start_file else ""
        at = "" if module.strength == 1 else f", written at strength {module.strength:g}"
        lines.append(f"{module.file}{also}: {line(clean(module.name))}, {len(module.ids)} virtual tokens{at}.")
    return "\n".join(lines) + "\n"


def _commands(files: Sequence[str], model: str, template: str, typed: str, bos: Bos | None) -> str:
    loras = " ".join(f"--lora {file}" for file in files)
    bos_off = " --override-kv tokenizer.ggml.add_bos_token=bool:false"
    chat = f" --jinja --chat-template-file {template}" if template else ""
    lines = [
        "koboldcpp",
        f"  koboldcpp --model {model} --lora {' '.join(files)}",
        "llama-server",
        f"  llama-server -m {model} {loras}",
    ]
    if template:
        lines += [
            f"  with chats, which then begin with the module by themselves:\n  llama-server -m {model} {loras}{chat}"
        ]
    if bos is not None:
        lines += [
            "  without BOS in front (see below): koboldcpp with --nobostoken, or",
            f"  llama-server -m {model} {loras}{bos_off}",
        ]
    lines += ["Ollama, a Modelfile (not tried here; of the architectures whose adapters Ollama knows)"]
    if len(files) == 1:
        lines += [f"  FROM ./{model}", f"  ADAPTER ./{files[0]}"]
        lines += [f'  TEMPLATE """{typed}', '{{ .Prompt }}"""'] if typed else []  # the break belongs to the template
    else:
        lines += ["  takes one adapter: write one file, with one module and without --adjustable."]
    lines += [
        "LM Studio",
        "  has no setting for adapters that we know of; llama-server speaks the same protocol (OpenAI's).",
    ]
    return "\n".join(lines) + "\n"


def _string(modules: Sequence[Exported], typed: str, kind: str) -> str:
    lines = [
        "Copy the line between the rulers, all of it, to the beginning of the memory field (KoboldAI Lite, SillyTavern",
        "and others have one), or in front of the prompt, and a line break behind it. Nothing else need be set.",
        "",
        "-----",
        typed,
        "-----",
        "",
    ]
    if len(modules) > 1:
        lines += ["Each module alone, in case you want some of them, or another order:"]
        lines += [f"  {line(clean(module.name))}: {module.text.strip()}" for module in modules]
        lines += [""]
    if kind == "rare":
        lines += [
            "These are words of the model that hardly any text has. As long as the adapter is loaded, the model reads",
            "the module's rows wherever one of them stands, in your text, too.",
            "",
        ]
    return "\n".join(lines) + "By id, for programs that send them:\n" + _ids(modules)


def _only_ids(modules: Sequence[Exported]) -> str:
    return (
        "The names of these tokens stay words when they are typed, so they are sent as ids. llama-server's\n"
        "/completion takes ids and text in one list:\n" + _ids(modules)
    )


def _ids(modules: Sequence[Exported]) -> str:
    listed = ", ".join(str(token) for module in modules for token in module.ids)
    if len(listed) > _LONGEST_ID_LIST:
        return "  (more than fit on a page: the adapter's tensor lora_a has a 1 in the row of each)\n"
    return f'  {{"prompt": [{listed}, "Your text goes here."]}}\n'


def _strength(modules: Sequence[Exported]) -> str:
    adjustable = [module for module in modules if module.start_file]
    if adjustable:
        lines = [
            "Two files make one adjustable module: keep the scale of the first at 1, and set the scale of the second",
            "to the strength. 1 is as trained, and 0 is where its training started.",
        ]
        lines += [f"  --lora {m.start_file} --lora-scaled {m.file}:0.5" for m in adjustable]
        return "\n".join(lines) + "\n"
    return (
        "Keep the adapter's scale at 1. A scale between 0 and 1 leads from the reserved tokens' own rows to the\n"
        "module, which is not what a strength is here (from where training started). For another strength write the\n"
        "adapter again, as NAME:0.5, or once with --adjustable: then the scale is the strength.\n"
        'Scale 0 is the plain model. llama-server takes a scale with each request: "lora": [{"id": 0, "scale": 1.0}].\n'
    )


def _bos(bos: Bos | None) -> str:
    if bos is None:
        return "None: with this model, servers put no token in front of a prompt, so the module stands first.\n"
    change = bos.before - bos.without
    said = "better" if change < 0 else "worse"
    verdict = (
        f"no difference worth a thought ({change:+.3f})"
        if abs(change) < 0.01
        else f"{abs(change):.3f} bits {said} with it"
    )
    return (
        f"Servers write {bos.text} in front of every prompt of this model, so it stands before the module. Modules\n"
        f"are trained without it. Measured on {bos.tokens} tokens of prose behind the module: {bos.without:.3f} bits\n"
        f"a token without it, {bos.before:.3f} with it: {verdict}.\n"
    )
