"""Every reader of a stranger's file as a function of bytes, with files to start from.

A target may return anything or raise an error of ours (a sentence for a person); whatever else comes out of it is a
fault. Seeds are made by code, from our own writers and from the files that other tests read; what once made a reader
fail lies in ``seeds/READER/`` and is tried first.
"""

from __future__ import annotations

import base64
import io
import json
import pickle
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from kobold_modules.errors import BadModule, BadText, KoboldModulesError, NoModel
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.module import Card, Module


SEEDS = Path(__file__).with_name("seeds")


@dataclass(frozen=True)
class Target:
    """One reader. ``read`` takes the bytes of a file; ``seeds`` makes files to start from."""

    read: Callable[[bytes], object]
    seeds: Callable[[], list[bytes]]


def run(target: Target, data: bytes) -> bool:
    """Read ``data``. Returns whether it was taken; whatever is no error of ours comes out."""
    try:
        target.read(data)
    except KoboldModulesError:
        return False
    return True


def seeds_of(name: str) -> list[bytes]:
    """Return the seeds of a target, those that once failed first."""
    folder = SEEDS / name
    kept = [file.read_bytes() for file in sorted(folder.iterdir())] if folder.is_dir() else []
    return kept + TARGETS[name].seeds()


# -- modules --


@cache
def _module() -> Module:
    rows = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
    card = Card(
        "Noir",
        description="d",
        author="A",
        model="starter",
        fingerprint=Fingerprint(100, 4, (0.5, 1.0)),
        training={"steps": 4},
        measured={"bits_per_byte_with": 1.0},
        curve=((0, 3.5),),
        sources=({"name": "a.txt", "words": 3},),
    )
    return Module(rows, card, rows)


def _found(data: bytes) -> object:
    from kobold_modules.formats.found import found_in_bytes

    return found_in_bytes(data, "x")


def _saved(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def _kobold() -> list[bytes]:
    from kobold_modules.formats import kobold
    from tests.fuzz.mutate import packed

    rows = _module().vectors
    inner = packed({"tensor.npy": _saved(rows), "meta.json": b'{"name": "x", "description": "d"}'})
    npz = io.BytesIO()
    np.savez_compressed(npz, tensor=rows)
    return [
        kobold.pack(_module()),
        inner,
        packed({"old.zip": inner}),
        packed({"a/Tensor.npy": _saved(rows.astype(">f8")), "a/meta.json": b"{}"}),
        npz.getvalue(),
    ]


def _npy() -> list[bytes]:
    rows = _module().vectors
    return [_saved(rows.astype(kind)) for kind in ("<f4", "<f2", ">f8")] + [_saved(np.asfortranarray(rows)[None])]


def _tensors() -> list[bytes]:
    from kobold_modules.formats import plain

    return [plain.pack(_module())]


def _json() -> list[bytes]:
    from kobold_modules.formats import mkultra

    half = base64.b64encode(zlib.compress(_module().vectors.astype("<f2").tobytes())).decode()
    novelai = {"moduleVersion": 1, "name": "n", "model": "m", "steps": 5, "data": "AA", "description": "d"}
    return [
        mkultra.pack(_module()),
        json.dumps({"name": "s", "model": "gpt2", "data": half}).encode(),
        json.dumps(novelai).encode(),
        json.dumps({"prompt_embeds": half}).encode(),
    ]


def _pickle(data: bytes) -> object:
    from kobold_modules.formats.pickled_tensors import arrays_in_pickle

    return arrays_in_pickle(data, "x")


def _pickles() -> list[bytes]:
    from kobold_modules.formats import mkultra

    own = base64.b64decode(json.loads(mkultra.pack(_module()))["tensor"])
    return [own, pickle.dumps({"a": [1, 2.5, "x", None, (True,)]}), *_torch(legacy=True)]


def _torch(*, legacy: bool = False) -> list[bytes]:
    """Return files of torch.save, if there is torch."""
    with suppress(ImportError):
        import torch

        found = []
        for value in (torch.ones(2, 3), {"tensor": torch.ones(2, 3).half(), "step": 1, "o": [torch.ones(2)]}):
            out = io.BytesIO()
            torch.save(value, out, _use_new_zipfile_serialization=not legacy)
            found.append(out.getvalue())
        return found
    return [b"\x80\x02}q\x00."]


def _legacy(data: bytes) -> object:
    from kobold_modules.formats.pickled_tensors import arrays_in_legacy

    return arrays_in_legacy(data, "x")


def _card(data: bytes) -> object:
    from kobold_modules.formats import card

    try:
        return card.decode(data)
    except ValueError as error:
        raise BadModule(str(error)) from error


def _cards() -> list[bytes]:
    from kobold_modules.formats import card

    return [card.encode(_module().card)]


def _stack(data: bytes) -> object:
    from kobold_modules.library import stack_file

    return stack_file.parse(data.decode("utf-8", "replace"), "x")


def _stacks() -> list[bytes]:
    return [b'version = 1\nname = "s"\n[[layers]]\nmodule = "noir"\nstrength = 0.5\non = true\ndigest = "abc"\n']


# -- texts --


def _book(data: bytes) -> object:
    from kobold_modules.corpus.readers import Source, recognise

    source = Source("book", data)
    reader = recognise(source)
    return reader.read(source).prose() if reader is not None else None


def _books(*kinds: str) -> Callable[[], list[bytes]]:
    def made() -> list[bytes]:
        from tests.corpus.readers.test_hostile import books

        return [books()[kind] for kind in kinds]

    return made


def _plain(data: bytes) -> object:
    from kobold_modules.corpus.decode import decode

    return decode(data, "x.txt").text


def _lorebook(data: bytes) -> object:
    from kobold_modules.lorebook.reading import read_bytes

    return read_bytes(data, "x.json")


def _lorebooks() -> list[bytes]:
    entry = {"key": ["mara", "/m.r/i"], "content": "c", "comment": "t", "uid": 0, "order": 5, "position": 4, "depth": 2}
    book = {"name": "b", "entries": [{"keys": ["a"], "content": "c", "extensions": {}, "enabled": True, "id": 1}]}
    card = {"spec": "chara_card_v2", "data": {"name": "n", "description": "d", "character_book": book}}
    values: list[Any] = [
        {"entries": {"0": entry}},
        card,
        {
            "lorebookVersion": 5,
            "entries": [{"text": "t", "displayName": "d", "keys": ["k"], "id": "i"}],
            "categories": [],
        },
        {"type": "risu", "ver": 1, "data": [{"key": "a, b", "content": "c", "comment": "d"}]},
        {"kind": "memory", "name": "n", "entries": [{"name": "a", "entry": "e", "keywords": ["k"]}]},
        [{"keys": "a, b", "value": "v", "type": "t", "title": "T"}],
        {"gamestarted": True, "worldinfo": [{"key": "k", "content": "c", "keysecondary": "", "comment": ""}]},
    ]
    return [json.dumps(value).encode() for value in values] + [b"# Mara\n\nA woman.\n\n## Keys\n\nmara\n"]


def _cards_with_pictures() -> list[bytes]:
    from tests.fuzz.mutate import packed

    card = _lorebooks()[1]
    return [
        packed({"card.json": card}),
        png(b"chara\0" + base64.b64encode(card)),
        png(b"naidata\0" + base64.b64encode(card)),
    ]


def png(text: bytes) -> bytes:
    """Return a PNG of one pixel with a chunk of ``text``."""
    out = b"\x89PNG\r\n\x1a\n"
    pixel = zlib.compress(b"\0\0\0\0\0")
    for kind, body in ((b"IHDR", b"\0\0\0\1\0\0\0\1\x08\6\0\0\0"), (b"tEXt", text), (b"IDAT", pixel), (b"IEND", b"")):
        out += len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
    return out


def _story(data: bytes) -> object:
    from kobold_modules.stories import file

    return file._parsed(data, Path("x.json"))


def _stories() -> list[bytes]:
    from tests.corpus.readers.test_saves import FILES

    return list(FILES.values())


def _packed_story(data: bytes) -> object:
    from kobold_modules.saves import msgpackr

    try:
        return msgpackr.decode(data)
    except ValueError as error:
        raise BadText(str(error)) from error


def _packed_stories() -> list[bytes]:
    return [
        b"\x82\xa1a\x01\xa1b\x93\xc3\xc0\xcb?\xf0\0\0\0\0\0\0",
        b"\xd4r@\x92\xa1a\xa1b\x01\x02",
        b"\xdc\x00\x02\xa3abc\xff",
    ]


# -- models --


def _gguf(data: bytes) -> object:
    from kobold_modules.models.headers import gguf

    for jump in (True, False):
        with suppress(gguf._Impossible):
            return gguf._Reader(io.BytesIO(data), len(data), jump=jump).read()
    raise NoModel("x")


def _ggufs() -> list[bytes]:
    from tests.models.small_gguf import MAGIC, field, tensor

    fields = [
        field("general.architecture", "llama"),
        field("llama.block_count", 2),
        field("general.alignment", 32),
        field("tokenizer.ggml.tokens", ["a", "b", "c"]),
        field("tokenizer.ggml.scores", [0.5, 1.0, 2.0]),
        field("tokenizer.ggml.add_bos_token", True),
    ]
    head = MAGIC + (3).to_bytes(4, "little") + (1).to_bytes(8, "little") + len(fields).to_bytes(8, "little")
    data = head + b"".join(fields) + tensor("token_embd.weight", (4, 3), 0, 0)
    return [data + b"\0" * (-len(data) % 32 + 48)]


def _safetensors_header(data: bytes) -> object:
    from kobold_modules.formats.tensors import open_tensors

    found = open_tensors(data, "x")
    return [found.table(name) for name in found.names]


def _body(data: bytes) -> object:
    """Read a request as a front end sends it, its members to a sampler's settings."""
    from kobold_modules.sampling.settings import Sampler
    from kobold_modules.server.aliases import length_of, sampler_of
    from kobold_modules.server.problem import Problem

    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadText("x") from error
    if not isinstance(value, dict):
        raise BadText("x")
    try:
        return sampler_of(value, Sampler()), length_of(value, 80, 512)
    except Problem as error:
        raise BadText(str(error)) from error


def _bodies() -> list[bytes]:
    body = {
        "prompt": "x",
        "max_length": 80,
        "temperature": 0.7,
        "top_p": "0.9",
        "rep_pen": 1.1,
        "stop_sequence": ["\n"],
        "sampler_seed": -1,
        "logit_bias": {"5": -100},
        "dry_sequence_breakers": '["\\n"]',
        "mirostat": 2,
        "sampler_order": [6, 0, 1],
    }
    return [json.dumps(body).encode()]


TARGETS: dict[str, Target] = {
    "kobold": Target(_found, _kobold),
    "npy": Target(_found, _npy),
    "safetensors": Target(_safetensors_header, _tensors),
    "module-json": Target(_found, _json),
    "pickle": Target(_pickle, _pickles),
    "torch": Target(_found, _torch),
    "torch-legacy": Target(_legacy, lambda: _torch(legacy=True)),
    "card": Target(_card, _cards),
    "stack": Target(_stack, _stacks),
    "docx": Target(_book, _books("docx")),
    "odt": Target(_book, _books("odt", "fodt")),
    "epub": Target(_book, _books("epub")),
    "html": Target(_book, _books("html")),
    "fb2": Target(_book, _books("fb2")),
    "rtf": Target(_book, _books("rtf")),
    "scrivener": Target(_book, _books("scriv")),
    "pdf": Target(_book, _books("pdf")),
    "text": Target(
        _plain, lambda: ["“Rain,” she said.\n\nNo.".encode(), "Регата".encode("cp1251"), "雨".encode("utf-16")]
    ),
    "saves": Target(_book, _stories),
    "story": Target(_story, _stories),
    "msgpackr": Target(_packed_story, _packed_stories),
    "lorebook": Target(_lorebook, _lorebooks),
    "character-card": Target(_lorebook, _cards_with_pictures),
    "gguf": Target(_gguf, _ggufs),
    "server-body": Target(_body, _bodies),
}
