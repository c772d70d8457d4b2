"""17: a layout that is wrong in any way is caught, by numbers that the model itself computes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kobold_modules import supervised
from kobold_modules.backends.llamacpp import cache_types, deep_examination, deep_probe, deep_support
from kobold_modules.backends.llamacpp.deep_examination import Forms, Refused, check, examine
from kobold_modules.backends.llamacpp.deep_support import DeepSupport
from kobold_modules.backends.llamacpp.features import ALL
from kobold_modules.backends.llamacpp.kv_layout import KvLayout
from kobold_modules.backends.llamacpp.model import NativeModel
from kobold_modules.backends.llamacpp.sequence_state import Tensor
from kobold_modules.errors import WrongModel
from tests.backends import tiny_gguf
from tests.backends.deep import LAYERS, tiny
from tests.models.family_gguf import write_family


def other_pairs(layout: KvLayout) -> KvLayout:
    return replace(layout, pairs="halves" if layout.pairs == "neighbours" else "neighbours")


def no_rotation(layout: KvLayout) -> KvLayout:
    return replace(layout, pairs="none")


def times(factor: float) -> Callable[[KvLayout], KvLayout]:
    return lambda layout: replace(
        layout, frequencies=tuple(tuple(factor * value for value in layer) for layer in layout.frequencies)
    )


def two_layers_exchanged(layout: KvLayout) -> KvLayout:
    last = layout.order[-1]
    return replace(layout, order=(*layout.order[:-1], (last[1], last[0], *last[2:])))


def half_rotated(layout: KvLayout) -> KvLayout:
    half = layout.rotated // 2
    return replace(layout, rotated=half, frequencies=tuple(layer[: half // 2] for layer in layout.frequencies))


BREAKS = {
    "permutation": other_pairs,
    "no rotation": no_rotation,
    "rotation too fast": times(1.02),
    "rotation backwards": times(-1),
    "rotation of half a head": half_rotated,
    "layers": two_layers_exchanged,
}


@pytest.mark.parametrize("broken", BREAKS)
@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gemma3"])
def test_a_wrong_layout_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str, broken: str
) -> None:
    model = NativeModel(tiny(tmp_path, architecture, monkeypatch))
    try:
        layout = examine(model)
        check(model, layout)
        with pytest.raises(Refused):
            check(model, BREAKS[broken](layout))
    finally:
        model.close()


@pytest.mark.parametrize("kind", [cache_types.F32, cache_types.BF16, cache_types.Q8_0])
@pytest.mark.parametrize("which", ["keys", "values"])
def test_a_wrong_type_of_numbers_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: int, which: str
) -> None:
    def written_as(forms: Forms) -> Forms:
        def changed(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return tuple(replace(tensor, kind=kind) for tensor in tensors)

        if which == "keys":
            return tuple(replace(form, keys=changed(form.keys)) for form in forms)
        return tuple(replace(form, values=changed(form.values)) for form in forms)

    model = NativeModel(tiny(tmp_path, "llama", monkeypatch))
    try:
        with pytest.raises(Refused):
            check(model, examine(model), written_as)
    finally:
        model.close()


def test_values_that_lie_the_other_way_are_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = NativeModel(tiny(tmp_path, "llama", monkeypatch))
    try:
        with pytest.raises(Refused):
            check(
                model,
                examine(model),
                lambda forms: tuple(replace(form, transposed=not form.transposed) for form in forms),
            )
    finally:
        model.close()


def test_what_a_layout_is_found_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Llama's query and key weights are laid out anew in a GGUF, Qwen's and Gemma's are not."""
    for architecture, pairs in (("llama", "neighbours"), ("qwen2", "halves"), ("gemma3", "halves")):
        model = NativeModel(tiny(tmp_path, architecture, monkeypatch))
        try:
            layout = examine(model)
        finally:
            model.close()
        assert (layout.pairs, layout.layers, layout.rotated) == (pairs, LAYERS, 8)
        assert layout.frequencies[0] == pytest.approx((1, 0.1, 0.01, 0.001), abs=1e-6)
        assert KvLayout.from_dict(json.loads(json.dumps(layout.to_dict()))) == layout
    assert layout.order == ((5,), (0, 1, 2, 3, 4, 6))  # Gemma 3's sixth layer looks at everything


def test_learned_positions_turn_no_keys(tmp_path: Path) -> None:
    path = tmp_path / "gpt2.gguf"
    write_family(path, "gpt2")
    model = NativeModel(path)
    try:
        assert examine(model).pairs == "none"
    finally:
        model.close()


@pytest.mark.parametrize(
    ("architecture", "why"),
    [
        ("mamba", "a running state instead of keys and values"),
        ("qwen2vl", "positions in a picture"),
        ("glm4", "whether transformers turns the same dimensions"),  # it does not
    ],
)
def test_a_model_with_another_kind_of_cache_is_refused_in_a_sentence(
    tmp_path: Path, architecture: str, why: str
) -> None:
    path = tmp_path / "model.gguf"
    tiny_gguf.write(path, architecture)
    support = deep_support.deep_support(path, ALL)
    with pytest.raises(WrongModel, match=why) as caught:
        support.require("model")
    assert "distil" in caught.value.hint


def test_the_answer_comes_from_a_child_and_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stories: Path
) -> None:
    path = stories / "stories260K-F16.gguf"
    first = deep_support.deep_support(path, ALL)
    assert first.layout is not None
    monkeypatch.setattr(deep_support, "_ask", lambda *_: DeepSupport(None, "asked again"))
    assert deep_support.deep_support(path, ALL) == first
    assert deep_support.deep_support(path, ALL, fresh=True).reason == "asked again"


def test_a_child_that_dies_is_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """llama.cpp's asserts end the process: that is what the child is for."""
    path = tmp_path / "model.gguf"
    tiny_gguf.write(path, "llama")
    monkeypatch.setattr(supervised, "python", lambda *_: ["/bin/sh", "-c", "kill -ABRT $$"])
    support = deep_support.deep_support(path, ALL)
    assert support.reason == "this build of llama.cpp fails on them (SIGABRT)"


def test_the_child_says_what_it_found_in_one_line(stories: Path) -> None:
    (line,) = deep_probe.lines([str(stories / "stories260K-F16.gguf"), "0"])
    assert KvLayout.from_dict(json.loads(json.dumps(line))["layout"]).pairs == "neighbours"
    assert deep_examination.BEFORE + deep_examination.PREFIX < 16  # the window of a tiny Gemma
