"""How a model's KV cache is laid out, found from numbers that the model itself computed, in contexts made for it.

Nothing is taken on trust. llama.cpp reads a page; its own bytes of that sequence are taken apart and must come out
byte for byte when put together again. Which entry belongs to which layer is seen from what a push at one layer
changes. Which dimensions of a key turn together, how fast and in which direction is seen from keys that llama.cpp moved
itself. Then a prefix is written from what was found, alone and behind other words, and the words behind it must be as
likely as where the model read everything itself. A layout that is wrong in any of this fails one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...soft_prompt.deep_prefix import DeepPrefix
from ...soft_prompt.module import Card
from .kv_layout import KvLayout, Pairs, moved
from .model import NativeModel
from .sequence_state import Body, Form, UnknownState, build, parse
from .trial_context import TrialContext


BEFORE, PREFIX, TEXT = 4, 10, 8  # tokens of the page: other words, what becomes a prefix, what is read behind it
STEPS = (1, 64, 4096)  # positions that keys are moved by: the first says which turn, the last how fast to many digits
SHARE = (
    0.1  # of what a prefix changes, that rounding may take from it: measured 0.01 on F16, a wrong layout 0.5 and more
)
LOOSE = 2e-3  # of a key's length, that rounding may take from one that was moved in float32
# Architectures whose query and key weights llama.cpp's converter lays out anew, so that neighbours turn where
# transformers turns halves. Cohere's, GLM's and others' neighbours turn in transformers, too: a module's keys would be
# taken for halves.
_PERMUTED = "llama mistral3 granite granitemoe smollm3 deci arcee minicpm internlm2 baichuan xverse olmo"
PERMUTED = frozenset(_PERMUTED.split())
PAGE = """The keeper of the lighthouse counted his stairs every evening, and every evening there was one more of them
than the night before; he told nobody, for who would have come to count them with him?"""


class Refused(Exception):
    """The model cannot take deep prefixes. Never leaves this package; says why in a few words."""


Forms = tuple[Form, ...]


def examine(model: NativeModel) -> KvLayout:
    """Return how ``model`` keeps keys and values, found from its own numbers and tried on them.

    Raises:
        Refused: no layout that is known here gives the model's own numbers.
        EngineFailed: llama.cpp could not make a context or read the page.
    """
    if int(model.lib.llama_model_rope_type(model.handle)) in (8, 40):
        raise Refused("its words have positions in a picture, too")
    if model.lib.llama_model_is_recurrent(model.handle) or model.lib.llama_model_is_hybrid(model.handle):
        raise Refused("it keeps a running state instead of keys and values")
    if model.long_rope:
        raise Refused("how it turns its keys depends on the length of its context")
    try:
        with TrialContext.open(model, exact=True) as context:
            layout = _layout_of(context, _page(model))
    except UnknownState as error:
        raise Refused(f"llama.cpp keeps them in a form that is not known here ({error})") from error
    if layout.pairs == "neighbours" and model.architecture not in PERMUTED:
        raise Refused("whether transformers turns the same dimensions of its keys is not known")
    check(model, layout)
    return layout


def check(model: NativeModel, layout: KvLayout, change: Callable[[Forms], Forms] = lambda forms: forms) -> None:
    """Hold ``layout`` against what ``model`` computes, in float32 and as the engine keeps it.

    Args:
        change: for tests: what to make of the form in which a context keeps its numbers before one is written in it.

    Raises:
        Refused: something of it is wrong.
        EngineFailed: as :func:`examine`.
    """
    ids = _page(model)
    try:
        with TrialContext.open(model, exact=True) as context:
            context.read(ids[:PREFIX], 0)
            bodies = parse(context.save())
            if layout.order != _order(context, ids, tuple(body.form for body in bodies)):
                raise Refused("its layers are kept in another order")
            _check_moves(context, layout, bodies)
            _check_prefix(context, layout, ids, change)
        with TrialContext.open(model, exact=False) as context:
            _check_prefix(context, layout, ids, change)
    except UnknownState as error:
        raise Refused(f"llama.cpp keeps them in a form that is not known here ({error})") from error


def _page(model: NativeModel) -> list[int]:
    wanted = BEFORE + PREFIX + TEXT
    ids = model.tokenize(PAGE)[:wanted]
    return ids + [index % model.vocabulary for index in range(wanted - len(ids))]


def _layout_of(context: TrialContext, ids: list[int]) -> KvLayout:
    """Find the layout from a page that ``context``, an exact one, reads."""
    context.forget()
    context.read(ids[:PREFIX], 0)
    state = context.save()
    bodies = parse(state)
    if bytes(build(bodies)) != bytes(state):
        raise UnknownState("put together again it is not what it was")
    forms = tuple(body.form for body in bodies)
    if not all(form.keys for form in forms):  # llama.cpp aborts where it is to move the keys of no layer
        raise Refused("all of its layers look through a sliding window")
    heads = int(context.lib.llama_model_n_head_kv(context.model.handle))
    widths = {tensor.width for form in forms for tensor in (*form.keys, *form.values)}
    if len(widths) != 1 or heads < 1 or min(widths) % heads:
        raise Refused("its layers have heads of different sizes")
    order = _order(context, ids, forms)
    head_dim = widths.pop() // heads
    pairs, rotated, frequencies = _rotation(context, bodies, order, heads, head_dim)
    return KvLayout(order, heads, head_dim, pairs, rotated, frequencies)


def _order(context: TrialContext, ids: list[int], forms: tuple[Form, ...]) -> tuple[tuple[int, ...], ...]:
    """Find which entry of the caches belongs to which layer, from what a push at each layer changes."""

    def values(tokens: list[int]) -> list[NDArray[np.float32]]:
        """Return what every entry keeps for the last of ``tokens``, cache after cache."""
        context.forget()
        context.read(tokens, 0)
        return [rows[-1] for body in parse(context.save()) for rows in body.values]

    layers = int(context.lib.llama_model_n_layer(context.model.handle))
    if sum(len(form.keys) for form in forms) != layers:
        raise Refused("some of its layers share their keys and values, or keep none")
    plain, elsewhere = values([ids[0], ids[2]]), values([ids[1], ids[2]])
    # What the first layer keeps of a word does not depend on the words before it.
    first = [index for index in range(layers) if np.allclose(plain[index], elsewhere[index], rtol=1e-5, atol=1e-6)]
    later = [0] * layers  # of each entry: pushes that changed it, one for each layer from 1 that is before its own
    for layer in range(1, layers - 1):
        context.push(layer)
        pushed = values([ids[0], ids[2]])
        for index in range(layers):
            later[index] += not np.array_equal(plain[index], pushed[index])
    context.push(None)
    if len(first) != 1:
        raise Refused("which of its layers is the first cannot be told")
    found = [0 if index == first[0] else later[index] + 1 for index in range(layers)]
    if sorted(found) != list(range(layers)):
        raise Refused("the order of its layers cannot be told")
    ends = np.cumsum([0, *(len(form.keys) for form in forms)])
    return tuple(tuple(found[start:end]) for start, end in pairwise(ends))


def _rotation(
    context: TrialContext, bodies: tuple[Body, ...], order: tuple[tuple[int, ...], ...], heads: int, head_dim: int
) -> tuple[Pairs, int, tuple[tuple[float, ...], ...]]:
    """Find which dimensions turn together, how many turn at all, and how fast, from keys that llama.cpp moves."""
    lib, rope = context.lib, int(context.lib.llama_model_rope_type(context.model.handle))
    layers = sum(map(len, order))
    plain = KvLayout(order, heads, head_dim, "none", 0, ((),) * layers)
    if rope < 0:
        return "none", 0, ((),) * layers
    if not lib.llama_memory_can_shift(context.memory):
        raise Refused("llama.cpp cannot move its keys")
    before = plain.arrays(bodies)[0]
    turned = [plain.arrays(_shifted(context, bodies, by))[0] for by in STEPS]
    rotated = _rotated(before, turned)
    pairs: Pairs
    for pairs in ("neighbours", "halves"):
        layout = KvLayout(order, heads, head_dim, pairs, rotated, ((0.0,) * (rotated // 2),) * layers)
        frequencies = _frequencies(layout.from_cache(before), [layout.from_cache(keys) for keys in turned], rotated)
        if frequencies is not None:
            return pairs, rotated, frequencies
    raise Refused("how it turns its keys is not known here")


def _shifted(context: TrialContext, bodies: tuple[Body, ...], by: int) -> tuple[Body, ...]:
    """Return ``bodies``, which begin at position 0, as llama.cpp itself moves them."""
    context.forget()
    context.load(build(bodies), 1)
    context.lib.llama_memory_seq_add(context.memory, 1, -1, -1, by)
    context.read([0], 0, sequence=2)  # they are moved before the next call computes
    found = parse(context.save(1))
    if any((body.positions != by + np.arange(len(body.positions))).any() for body in found):
        raise Refused("llama.cpp moved its keys to other positions than it was told")
    return found


def _check_moves(context: TrialContext, layout: KvLayout, bodies: tuple[Body, ...]) -> None:
    """Move keys as llama.cpp does, by a little and by much: both must come to the same."""
    if int(context.lib.llama_model_rope_type(context.model.handle)) < 0:
        return
    keys, values = layout.arrays(bodies)
    for by in (3, 300):
        theirs, same = layout.arrays(_shifted(context, bodies, by))
        ours = moved(keys, by, layout)
        lengths = [np.linalg.norm(array, axis=-1, keepdims=True) for array in (theirs, ours)]
        # llama.cpp multiplies by YaRN's factor again: only where a key points to counts
        off = np.linalg.norm(theirs / lengths[0] - ours / lengths[1], axis=-1)
        if not np.isfinite(off).all() or off.max() > LOOSE or not np.array_equal(values, same):
            raise Refused("it turns its keys in another way")


def _rotated(before: NDArray[np.float32], turned: list[NDArray[np.float32]]) -> int:
    """Return how many dimensions of a head change where keys are moved: the first ones."""
    scale = np.abs(before).max()
    changed = np.max([np.abs(keys - before).max(axis=(0, 1, 2)) for keys in turned], axis=0) > 1e-6 * scale
    last = int(np.flatnonzero(changed).max(initial=-1)) + 1
    return last + last % 2


def _frequencies(
    before: NDArray[np.float32], turned: list[NDArray[np.float32]], rotated: int
) -> tuple[tuple[float, ...], ...] | None:
    """Return radians a position of each pair, a tuple a layer, or None where these dimensions are no pairs.

    Args:
        before: keys in transformers' order, float32 ``[layers, kv_heads, tokens, head_dim]``; ``turned``: by each of
            STEPS.
    """
    half = rotated // 2
    flat = before.astype(np.float64)
    start = flat[..., :half] + 1j * flat[..., half:rotated]  # a pair as one number: turning is a product
    energy = (np.abs(start) ** 2).sum(axis=(1, 2))
    if not (energy > 0).all():
        return None
    found = np.zeros(energy.shape)
    for by, keys in zip(STEPS, turned, strict=True):
        wide = keys.astype(np.float64)
        end = wide[..., :half] + 1j * wide[..., half:rotated]
        ratio = (end * start.conj()).sum(axis=(1, 2)) / energy
        off = np.sqrt((np.abs(end - ratio[:, None, None] * start) ** 2).sum(axis=(1, 2)) / energy)
        if off.max() > LOOSE:
            return None
        # what the smaller step left open: the angle is known to many whole turns already
        rough = found * by
        found = (rough + np.angle(ratio * np.exp(-1j * rough))) / by
    # Frequencies fall from pair to pair, and all turn one way.
    if (found < -1e-7).any() or (np.diff(found, axis=1) > 1e-7).any() or not (found[:, 0] > 1e-4).all():
        return None
    return tuple(tuple(float(max(value, 0.0)) for value in layer) for layer in found)


def _check_prefix(context: TrialContext, layout: KvLayout, ids: list[int], change: Callable[[Forms], Forms]) -> None:
    """Write the page's own keys and values as a prefix, alone and behind other words, and read on behind them."""
    before, prefix, text = ids[:BEFORE], ids[BEFORE : BEFORE + PREFIX], ids[BEFORE + PREFIX :]
    for words in ([], before):
        at = len(words)
        context.forget()
        without = context.read([*words, *text], 0)[at:]
        context.forget()
        context.read([*words, *prefix], 0)
        state = context.save()
        expected = context.read(text, at + PREFIX)
        bodies = parse(state)
        if bytes(build(bodies)) != bytes(state):
            raise UnknownState("put together again it is not what it was")
        forms = change(tuple(body.form for body in bodies))
        if not layout.fits(forms):
            raise Refused("its layers are kept in another order")
        keys, values = layout.arrays(bodies)
        # As a module has them: at positions 0 and on.
        module = DeepPrefix(moved(keys[:, :, at:], -at, layout), values[:, :, at:], Card("the page"))
        context.forget()
        if words:
            context.read(words, 0, sequence=1)
        context.load(build(layout.bodies(module, at, forms)), 2)
        context.lib.llama_memory_seq_cp(context.memory, 2, 1, -1, -1)
        context.lib.llama_memory_seq_rm(context.memory, 2, -1, -1)
        if not _near(expected, context.read(text, at + PREFIX, sequence=1), without):
            raise Refused("behind keys and values written for it, it does not write what it writes behind its own")


def _near(expected: NDArray[np.float64], got: NDArray[np.float64], without: NDArray[np.float64]) -> bool:
    """Return whether ``got`` is ``expected`` but for a small share of what the prefix changes in it."""
    if not np.isfinite(got).all():
        return False
    logs = [_log_probabilities(logits) for logits in (expected, got, without)]
    effect = float(np.abs(logs[0] - logs[2]).mean())
    return float(np.abs(logs[0] - logs[1]).mean()) <= SHARE * effect + 1e-5


def _log_probabilities(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    logits = logits - logits.max(axis=1, keepdims=True)
    found: NDArray[np.float64] = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return found
