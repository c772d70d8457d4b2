"""The numbers in a file of torch.save, read without torch and without unpickling.

A pickle is a program. This runs the few of its steps that put tensors into dictionaries and lists, and for a class or a
function it knows only the names that torch itself writes for a tensor: nothing is imported, nothing is called, and any
other name ends the reading. What comes out is arrays by name, with the numbers still as bytes of the file.

Two containers: since PyTorch 1.6 a zip of ``NAME/data.pkl`` and ``NAME/data/0`` ...; before, five pickles one after
another (a magic number, a version, what the machine was, the object, the keys of its storages), then each storage's
length and numbers. mkultra's JSON holds the older one inside a pickle of its own.
"""

from __future__ import annotations

import io
import math
import struct
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..errors import BadModule
from . import limits
from .safe_zip import SafeZip


LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_START = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # that number, pickled as torch does
KINDS = {"FloatStorage": "<f4", "HalfStorage": "<f2", "DoubleStorage": "<f8", "BFloat16Storage": "bfloat16"}
# Storages of what is no row of a module: they are stepped over.
OTHER_KINDS = {
    "LongStorage": 8,
    "IntStorage": 4,
    "ShortStorage": 2,
    "CharStorage": 1,
    "ByteStorage": 1,
    "BoolStorage": 1,
}
_BYTES = {"<f4": 4, "<f2": 2, "<f8": 8, "bfloat16": 2}


class Storage(NamedTuple):
    """Numbers somewhere in the file: ``length`` of them, ``size`` bytes each.

    ``kind`` is empty where they are none that a module may hold.
    """

    key: str
    kind: str
    size: int
    length: int


class Tensor(NamedTuple):
    """A view of a storage: ``offset``, ``shape`` and ``strides`` count numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Array(NamedTuple):
    """A tensor's numbers, in C order: ``raw`` bytes of ``kind`` (``<f4``, ``<f2``, ``<f8``, ``bfloat16``)."""

    kind: str
    shape: tuple[int, ...]
    raw: bytes


class _Named(NamedTuple):
    module: str
    name: str


class _Mark:
    pass


@dataclass(slots=True)
class _Machine:
    """One pickle's stack, memo, and what ``_load_from_bytes`` was given."""

    label: str
    inner: int  # how deep a pickle inside a pickle may still go
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    loaded: list[dict[str, bytes]] = field(default_factory=list)

    def refuse(self, what: str) -> BadModule:
        return BadModule(
            f"{self.label} is a Python pickle that holds more than numbers ({what[:80]}). Pickles can run programs, so "
            "it is not opened.",
            "Ask its author for a KoboldAI zip or a safetensors file.",
        )

    def run(self, data: bytes, at: int = 0) -> tuple[Any, int]:
        """Return the object of the pickle at ``at``, and where it ends. Raises BadModule."""
        import pickletools

        stream = io.BytesIO(data)
        stream.seek(at)
        steps = 0
        try:
            for opcode, argument, _ in _quietly(pickletools.genops(stream)):
                steps += 1
                if steps > limits.MOST_OPERATIONS or len(self.memo) > limits.MOST_MEMO:
                    raise BadModule(f"{self.label} is a pickle with more steps than any module needs.")
                if opcode.name == "STOP":
                    return self.stack.pop(), stream.tell()
                self._step(opcode.name, argument)
        except (ValueError, IndexError, KeyError, TypeError, OverflowError, UnicodeError, RecursionError) as error:
            raise BadModule(f"{self.label} is a damaged pickle.", "Download or copy it again.") from error
        raise BadModule(f"{self.label} is a pickle that is cut short.", "Download or copy it again.")

    def _step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _LITERALS:
            stack.append(argument)
        elif name in ("PROTO", "FRAME"):
            return
        elif name == "MARK":
            stack.append(_Mark)
        elif name == "EMPTY_DICT":
            stack.append({})
        elif name == "EMPTY_LIST":
            stack.append([])
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            count = int(name[-1])
            stack[-count:] = [tuple(stack[-count:])] if len(stack) >= count else stack[10**9]
        elif name == "TUPLE":
            stack.append(tuple(self._since_mark()))
        elif name == "LIST":
            stack.append(self._since_mark())
        elif name == "DICT":
            stack.append(_dictionary(self._since_mark()))
        elif name in ("APPEND", "APPENDS"):
            items = [stack.pop()] if name == "APPEND" else self._since_mark()
            _list(stack[-1]).extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = [stack.pop(-2), stack.pop()] if name == "SETITEM" else self._since_mark()
            _dict(stack[-1]).update(_dictionary(items))
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            self.memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self.memo[argument])
        elif name == "POP":
            stack.pop()
        elif name == "POP_MARK":
            self._since_mark()
        elif name == "GLOBAL":
            module, _, function = argument.partition(" ")
            stack.append(self._named(module, function))
        elif name == "STACK_GLOBAL":
            function, module = stack.pop(), stack.pop()
            stack.append(self._named(str(module), str(function)))
        elif name == "BINPERSID":
            stack.append(_storage(stack.pop()))
        elif name == "REDUCE":
            arguments, function = stack.pop(), stack.pop()
            stack.append(self._made(function, arguments))
        elif name == "BUILD":
            stack.pop()  # what OrderedDict's attributes are: versions of layers
            if not isinstance(stack[-1], dict | Tensor):
                raise self.refuse("an object with a state")
        else:
            raise self.refuse(name)

    def _since_mark(self) -> list[Any]:
        at = len(self.stack) - 1 - self.stack[::-1].index(_Mark)
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    def _named(self, module: str, name: str) -> _Named:
        found = _Named(module, name)
        if found in _ALLOWED or (module in ("torch", "torch.storage") and name in _STORAGES):
            return found
        raise self.refuse(f"{module}.{name}")

    def _made(self, function: Any, arguments: Any) -> Any:
        if not isinstance(function, _Named) or not isinstance(arguments, tuple):
            raise self.refuse("a call")
        match function.name:
            case "OrderedDict":
                return _dictionary([part for pair in arguments[0] for part in pair]) if arguments else {}
            case "_rebuild_tensor_v2" | "_rebuild_tensor":
                return _tensor(*arguments[:4])
            case "_rebuild_parameter" | "_rebuild_parameter_with_state" | "Parameter":
                return arguments[0]
            case "Size":
                return tuple(arguments[0])
            case "device" | "_get_layout":
                return str(arguments[0])
            case "encode" if len(arguments) == 2 and arguments[1] == "latin1":
                return str(arguments[0]).encode("latin1")
            case "_load_from_bytes":
                return self._load_from_bytes(arguments[0])
        raise self.refuse(f"{function.module}.{function.name}")

    def _load_from_bytes(self, data: Any) -> Any:
        if not isinstance(data, bytes) or self.inner < 1:
            raise self.refuse("a pickle in a pickle")
        found, storages = _legacy(data, self.label, self.inner - 1)
        prefix = f"{len(self.loaded)}:"
        self.loaded.append({prefix + key: raw for key, raw in storages.items()})
        return _renamed(found, prefix)


_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_LITERALS = frozenset(
    [
        "BININT",
        "BININT1",
        "BININT2",
        "LONG1",
        "LONG4",
        "INT",
        "LONG",
        "BINFLOAT",
        "FLOAT",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
        "UNICODE",
        "STRING",
        "BINSTRING",
        "SHORT_BINSTRING",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
    ]
)
_STORAGES = frozenset([*KINDS, *OTHER_KINDS])
_ALLOWED = frozenset(
    {
        _Named("collections", "OrderedDict"),
        _Named("_codecs", "encode"),  # how protocol 2 spells bytes
        _Named("torch._utils", "_rebuild_tensor_v2"),
        _Named("torch._utils", "_rebuild_tensor"),
        _Named("torch._utils", "_rebuild_parameter"),
        _Named("torch._utils", "_rebuild_parameter_with_state"),
        _Named("torch.nn.parameter", "Parameter"),
        _Named("torch.storage", "_load_from_bytes"),
        _Named("torch.serialization", "_get_layout"),
        _Named("torch", "Size"),
        _Named("torch", "device"),
        *(_Named("torch", kind) for kind in ("float16", "float32", "float64", "bfloat16", "int64", "strided")),
    }
)


def _quietly(steps: Iterator[Any]) -> Iterator[Any]:
    """Yield ``steps`` without Python's warnings of escapes it does not know in a stranger's strings."""
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            step = next(steps, None)
        if step is None:
            return
        yield step


def arrays_in_zip(archive: SafeZip) -> dict[str, Array]:
    """Return the arrays of floats in a zip of torch.save, by name. Raises BadModule for anything but numbers in it."""
    pickles = [name for name in archive.names if name.rpartition("/")[2] == "data.pkl"]
    if len(pickles) != 1:
        raise BadModule(f"{archive.label} is a PyTorch file with {len(pickles)} objects.")
    folder = pickles[0].removesuffix("data.pkl")
    machine = _Machine(archive.label, inner=0)
    found, _ = machine.run(archive.read(pickles[0], limits.MOST_PICKLE))
    big = archive.read(f"{folder}byteorder", 16) == b"big" if f"{folder}byteorder" in archive.members else False

    class Storages(dict[str, bytes]):
        def __missing__(self, key: str) -> bytes:
            return archive.read(f"{folder}data/{key}", limits.MOST_TENSOR * 2)

    return _arrays(found, Storages(), archive.label, big=big)


def arrays_in_legacy(data: bytes, label: str) -> dict[str, Array]:
    """Return the arrays of floats in a file of torch.save before 1.6, by name. Raises BadModule."""
    found, storages = _legacy(data, label, 0)
    return _arrays(found, storages, label)


def arrays_in_pickle(data: bytes, label: str) -> dict[str, Array]:
    """Return the arrays in a pickle of tensors, as mkultra's JSON holds one. Raises BadModule."""
    machine = _Machine(label, inner=1)
    found, _ = machine.run(data)
    storages = {key: raw for each in machine.loaded for key, raw in each.items()}
    return _arrays(found, storages, label)


def _legacy(data: bytes, label: str, inner: int) -> tuple[Any, dict[str, bytes]]:
    """Return the object, and the bytes of each storage by its key."""
    at, parts = 0, []
    for _ in range(5):
        part, at = _Machine(label, inner).run(data, at)
        parts.append(part)
    magic, _, system, found, keys = parts
    if magic != LEGACY_MAGIC or not isinstance(keys, list) or len(keys) > limits.MOST_STORAGES:
        raise BadModule(f"{label} is a pickle, but not one of torch.save.")
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise BadModule(f"{label} was written on a big-endian machine, which is not read here.")
    kinds = {tensor.storage.key: tensor.storage for _, tensor in _tensors(found)}
    storages: dict[str, bytes] = {}
    for key in keys:
        storage = kinds.get(str(key))
        if storage is None:
            raise BadModule(f"{label} holds numbers that belong to nothing.", "Download or copy it again.")
        if at + 8 > len(data):
            raise BadModule(f"{label} is cut short: its numbers are missing.", "Download or copy it again.")
        (count,) = struct.unpack_from("<q", data, at)
        size = count * storage.size
        if count < 0 or at + 8 + size > len(data):
            raise BadModule(f"{label} is cut short: its numbers are incomplete.", "Download or copy it again.")
        storages[str(key)] = data[at + 8 : at + 8 + size]
        at += 8 + size
    return found, storages


def _storage(persistent: Any) -> Storage:
    """Return the storage that ``('storage', FloatStorage, '0', 'cpu', 6400)`` speaks of."""
    if not isinstance(persistent, tuple) or len(persistent) < 5 or persistent[0] != "storage":
        raise ValueError("no storage")
    _, kind, key, _, count = persistent[:5]
    if not isinstance(kind, _Named) or type(count) is not int or count < 0 or not isinstance(key, str):
        raise ValueError("no storage")
    if "/" in key or "\\" in key or len(key) > 40:
        raise ValueError("no key of a storage")
    known = KINDS.get(kind.name, "")
    return Storage(key, known, _BYTES[known] if known else OTHER_KINDS[kind.name], count)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any) -> Tensor:
    if isinstance(storage, Tensor):  # what _load_from_bytes gave for a whole storage
        storage = storage.storage
    numbers = [offset, *shape, *strides]
    if not isinstance(storage, Storage) or not all(type(n) is int and 0 <= n < 2**40 for n in numbers):
        raise ValueError("no tensor")
    if len(shape) != len(strides) or len(shape) > 8:
        raise ValueError("no tensor")
    return Tensor(storage, offset, tuple(shape), tuple(strides))


def _arrays(found: Any, storages: Mapping[str, bytes], label: str, *, big: bool = False) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    numbers = 0
    for name, tensor in _tensors(found):
        if tensor.storage.kind:
            numbers += math.prod(tensor.shape)
            if numbers > limits.MOST_FILE // 4:  # views of one storage cost nothing in the file
                raise BadModule(f"{label} holds more numbers than any module.")
            try:
                raw = storages[tensor.storage.key]
            except KeyError:
                raise BadModule(
                    f"{label} speaks of numbers that are not in it.", "Download or copy it again."
                ) from None
            arrays[name] = _array(tensor, raw, f"{label}: {name}" if name else label, big)
    return arrays


def _array(tensor: Tensor, raw: bytes, label: str, big: bool) -> Array:
    """Return the numbers of ``tensor``. Raises BadModule where its storage does not hold all of them."""
    import numpy as np

    size = _BYTES[tensor.storage.kind]
    last = tensor.offset + sum(
        (side - 1) * stride for side, stride in zip(tensor.shape, tensor.strides, strict=True) if side
    )
    count = math.prod(tensor.shape)
    if count > limits.MOST_TENSOR // 4 or (count and (last + 1) * size > len(raw)):
        raise BadModule(f"{label} is damaged: it has fewer numbers than it says, or more than any module.")
    flat = np.frombuffer(raw, f"{'>' if big else '<'}u{size}", len(raw) // size)
    view = np.lib.stride_tricks.as_strided(
        flat[tensor.offset :] if count else flat[:0], tensor.shape, [stride * size for stride in tensor.strides]
    )
    return Array(tensor.storage.kind, tensor.shape, np.ascontiguousarray(view, f"<u{size}").tobytes())


def _tensors(found: Any) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors in dictionaries, lists and tuples, each with the names that lead to it."""
    todo: list[tuple[str, Any]] = [("", found)]
    seen: set[int] = set()
    while todo:
        name, value = todo.pop()
        if isinstance(value, Tensor):
            yield name, value
            continue
        if isinstance(value, Storage):
            yield name, Tensor(value, 0, (value.length,), (1,))
            continue
        if not isinstance(value, dict | list | tuple) or id(value) in seen:
            continue
        seen.add(id(value))
        items = value.items() if isinstance(value, dict) else enumerate(value)
        todo += [(f"{name}.{key}" if name else str(key), item) for key, item in reversed(list(items))]


def _renamed(found: Any, prefix: str) -> Any:
    """Return the tensor or storage with its storage under another key, so that two of them never mix."""
    if isinstance(found, Tensor):
        return found._replace(storage=_renamed(found.storage, prefix))
    return found._replace(key=prefix + found.key) if isinstance(found, Storage) else found


def _dictionary(items: list[Any]) -> dict[Any, Any]:
    if len(items) % 2:
        raise ValueError("half a pair")
    return {
        key if isinstance(key, str | int | float | bool) else str(type(key)): value
        for key, value in zip(items[::2], items[1::2], strict=True)
    }


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise ValueError("no list")
    return value


def _dict(value: Any) -> dict[Any, Any]:
    if type(value) is not dict:
        raise ValueError("no dictionary")
    return value
