"""Python's pickle machine, as far as tensors need it: nothing is imported, nothing is called.

A pickle is a program. This runs the few of its steps that put tensors into dictionaries and lists, and for a class or a
function it knows only the names that torch itself writes for a tensor; any other name ends the reading. A tensor comes
out as where its numbers lie.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import BadModule
from . import limits


if TYPE_CHECKING:
    from pickletools import OpcodeInfo


KINDS = {"FloatStorage": "<f4", "HalfStorage": "<f2", "DoubleStorage": "<f8", "BFloat16Storage": "bfloat16"}
# Bytes of a number in storages of what is no row of a module: they are stepped over.
OTHER_KINDS = {
    "LongStorage": 8,
    "IntStorage": 4,
    "ShortStorage": 2,
    "CharStorage": 1,
    "ByteStorage": 1,
    "BoolStorage": 1,
}
SIZES = {"<f4": 4, "<f2": 2, "<f8": 8, "bfloat16": 2}


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


class _Named(NamedTuple):
    module: str
    name: str


class _Mark:
    pass


@dataclass(slots=True)
class PickleMachine:
    """One pickle's stack and memo.

    Attributes:
        label: what the file is called in sentences.
        nested: reads the bytes given to ``_load_from_bytes``, a file of torch.save; None where there may be none.
    """

    label: str
    nested: Callable[[bytes], Any] | None = None
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def refuse(self, what: str) -> BadModule:
        return BadModule(
            f"{self.label} is a Python pickle that holds more than numbers ({what[:80]}). Pickles can run programs, so "
            "it is not opened.",
            "Ask its author for a KoboldAI zip or a safetensors file.",
        )

    def run(self, data: bytes, at: int = 0) -> tuple[Any, int]:
        """Return the object of the pickle at ``at``, and where it ends. Raises BadModule."""
        stream = io.BytesIO(data)
        stream.seek(at)
        try:
            for _ in range(limits.MOST_OPERATIONS):
                if not (code := stream.read(1)):
                    raise BadModule(f"{self.label} is a pickle that is cut short.", "Download or copy it again.")
                opcode = _opcodes()[code]
                if opcode.name == "STOP":
                    return self.stack.pop(), stream.tell()
                self._step(opcode.name, self._argument(opcode, stream))
                if len(self.memo) > limits.MOST_MEMO:
                    break
        except (ValueError, IndexError, KeyError, TypeError, OverflowError, UnicodeError, RecursionError) as error:
            raise BadModule(f"{self.label} is a damaged pickle.", "Download or copy it again.") from error
        raise BadModule(f"{self.label} is a pickle with more steps than any module needs.")

    def _argument(self, opcode: OpcodeInfo, stream: io.BytesIO) -> Any:
        """Return what follows ``opcode``. Text with escapes is not decoded: Python warns of those it does not know."""
        if opcode.name == "GLOBAL":
            return _line(stream), _line(stream)
        if opcode.name in _ESCAPED:
            raise self.refuse(opcode.name)
        return None if opcode.arg is None else opcode.arg.reader(stream)

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
            if len(stack) < count:
                raise IndexError("too few values for a tuple")
            stack[-count:] = [tuple(stack[-count:])]
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
            stack.append(self._named(*argument))
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
                if self.nested is None or not isinstance(arguments[0], bytes):
                    raise self.refuse("a pickle in a pickle")
                return self.nested(arguments[0])
        raise self.refuse(f"{function.module}.{function.name}")


_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_LITERALS = frozenset({
    "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "INT", "LONG", "BINFLOAT", "FLOAT",
    "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE",
    "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
})  # fmt: skip
_ESCAPED = frozenset({"STRING", "INST", "PERSID"})  # of Python 2; torch writes none of them
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


@functools.cache
def _opcodes() -> dict[bytes, OpcodeInfo]:
    import pickletools

    return {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}


def _line(stream: io.BytesIO) -> str:
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise ValueError("no end of a line")
    return line[:-1].decode("ascii")


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
    return Storage(key, known, SIZES[known] if known else OTHER_KINDS[kind.name], count)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any) -> Tensor:
    if isinstance(storage, Tensor):  # what _load_from_bytes gave for a whole storage
        storage = storage.storage
    numbers = [offset, *shape, *strides]
    if not isinstance(storage, Storage) or not all(type(n) is int and 0 <= n < 2**40 for n in numbers):
        raise ValueError("no tensor")
    if len(shape) != len(strides) or len(shape) > 8:
        raise ValueError("no tensor")
    return Tensor(storage, offset, tuple(shape), tuple(strides))


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
