"""States on disk: found again, and never trusted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.backends.llamacpp.state_files import StateFiles
from kobold_modules.generation.cache.prefix import PrefixCache, Snapshot
from kobold_modules.generation.protocol import Request
from kobold_modules.models.reference import ModelFile
from kobold_modules.records import Finished
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.module import Module
from kobold_modules.soft_prompt.stack import Stack
from tests.backends.conftest import decoder_of
from tests.last import last, text_in


MADE_WITH: dict[str, object] = {"build": "1", "file": ["m.gguf", 7, 8]}


def snapshot(size: int = 100, rows: int = 3) -> Snapshot:
    rng = np.random.default_rng(size)
    return Snapshot(rows, rng.integers(0, 256, size).astype(np.uint8), np.arange(5, dtype=np.float32))


def files(folder: Path, made_with: dict[str, object] | None = None, limit: int = 10_000) -> StateFiles:
    return StateFiles(folder, MADE_WITH if made_with is None else made_with, 5, limit)


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    kept = snapshot()
    files(tmp_path).put("a", kept)
    found = files(tmp_path).get("a")
    assert found is not None
    assert found.rows == kept.rows
    assert np.array_equal(found.state, kept.state)
    assert np.array_equal(found.logits, kept.logits)
    assert files(tmp_path).get("b") is None


def test_another_build_model_or_file_finds_nothing(tmp_path: Path) -> None:
    files(tmp_path).put("a", snapshot())
    assert files(tmp_path, {**MADE_WITH, "build": "2"}).get("a") is None
    assert files(tmp_path, {**MADE_WITH, "file": ["m.gguf", 7, 9]}).get("a") is None
    other = files(tmp_path, {**MADE_WITH, "build": "2"})
    os.rename(files(tmp_path).path("a"), other.path("a"))  # even under the right name
    assert other.get("a") is None
    assert not other.path("a").exists()


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 10_000), bit=st.integers(0, 7), cut=st.booleans())
def test_damage_anywhere_is_noticed(tmp_path_factory: pytest.TempPathFactory, place: int, bit: int, cut: bool) -> None:
    store = files(tmp_path_factory.mktemp("states"))
    store.put("a", snapshot())
    data = bytearray(store.path("a").read_bytes())
    place %= len(data)
    if cut:
        del data[place:]
    else:
        data[place] ^= 1 << bit
    store.path("a").write_bytes(data)
    assert store.get("a") is None
    assert not store.path("a").exists()


def test_the_least_recently_used_are_deleted_and_the_too_large_not_kept(tmp_path: Path) -> None:
    store = files(tmp_path / "one", limit=2**20)
    store.put("a", snapshot(400))
    size = store.path("a").stat().st_size
    store = files(tmp_path / "all", limit=2 * size)
    for number, key in enumerate("abc"):
        store.put(key, snapshot(400))
        os.utime(store.path(key), (number + 1, number + 1))
    assert [store.path(key).exists() for key in "abc"] == [False, True, True]
    store.put("large", snapshot(2 * size))
    assert not store.path("large").exists()
    assert sum(file.stat().st_size for file in (tmp_path / "all").iterdir()) <= 2 * size


def test_a_use_counts(tmp_path: Path) -> None:
    store = files(tmp_path, limit=1200)
    store.put("a", snapshot(300))
    store.put("b", snapshot(300))
    os.utime(store.path("a"), (1, 1))
    os.utime(store.path("b"), (2, 2))
    assert store.get("a") is not None
    store.put("c", snapshot(300))
    assert store.path("a").exists()
    assert not store.path("b").exists()


def test_what_a_killed_process_left_half_written_goes(tmp_path: Path) -> None:
    store = files(tmp_path)
    for name, age in ((".x.state.abc", 10_000), (".y.state.abc", 10)):
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    store.put("a", snapshot())
    assert not (tmp_path / ".x.state.abc").exists()
    assert (tmp_path / ".y.state.abc").exists()


def test_a_disk_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = files(tmp_path / "file" / "states")
    store.put("a", snapshot())
    assert store.get("a") is None


def test_the_memory_writes_behind_later(tmp_path: Path) -> None:
    store = files(tmp_path)
    cache = PrefixCache(1000, store)
    cache.put("a", snapshot())
    assert store.get("a") is None
    cache.flush()
    assert store.get("a") is not None
    other = PrefixCache(1000, files(tmp_path))
    assert other.get("a") is not None
    assert "a" in other
    other.discard("a")
    assert store.get("a") is None
    assert cache.get("a") is not None


@pytest.fixture
def stack(some_module: Callable[[int, int], Module]) -> Stack:
    return Stack().add(some_module(12, 1))


def write(path: Path, stack: Stack, **more: Any) -> tuple[str, Finished]:
    with LlamaEngine(ModelFile.at(path), **more) as engine:
        records = list(
            engine.generate(
                Request(text="Once upon a time", stack=stack, max_tokens=20, sampler=Sampler(temperature=0))
            )
        )
    return text_in(records), last(records, Finished)


def states(home: Path) -> list[Path]:
    return sorted((home / "cache" / "states").glob("*.state"))


def test_a_new_process_reads_no_row_of_a_known_stack(stories: Path, stack: Stack, home: Path) -> None:
    path = stories / "stories260K-F16.gguf"
    first, computed = write(path, stack)
    again, restored = write(path, stack)
    assert (computed.prefix_decoded, restored.prefix_decoded) == (12, 0)
    assert again == first
    assert len(states(home)) == 1
    _, other = write(path, stack, exact=True)
    assert other.prefix_decoded == 12
    assert len(states(home)) == 2
    _, none = write(stories / "stories260K-F32.gguf", stack, disk=0)
    assert none.prefix_decoded == 12
    assert len(states(home)) == 2


def test_a_damaged_or_foreign_state_is_computed_again(stories: Path, stack: Stack, home: Path) -> None:
    path = stories / "stories260K-F16.gguf"
    first, _ = write(path, stack)
    whole = states(home)[0].read_bytes()
    for data in (whole[:-1], whole[:100], b"", whole[:-500] + bytes(500), whole[::-1]):
        states(home)[0].write_bytes(data)
        again, finished = write(path, stack)
        assert (again, finished.prefix_decoded) == (first, 12)
        assert states(home)[0].read_bytes() == whole


def test_a_state_that_llama_cpp_refuses_is_computed_again(stories: Path, stack: Stack, home: Path) -> None:
    """A good checksum over bytes that llama.cpp cannot read: another version could have written it."""
    path = stories / "stories260K-F16.gguf"
    first, _ = write(path, stack)
    with LlamaEngine(ModelFile.at(path)) as engine:
        store = decoder_of(engine).pool.cache._behind
        assert store is not None
        good = store.get(stack.digest)
        assert good is not None
        for state in (good.state[:-8].copy(), np.zeros_like(good.state), good.state[:4].copy()):
            store.put(stack.digest, Snapshot(good.rows, state, good.logits))
            again, finished = write(path, stack)
            assert (again, finished.prefix_decoded) == (first, 12)
        store.put(stack.digest, Snapshot(good.rows + 1, good.state, good.logits))
        assert write(path, stack)[1].prefix_decoded == 12
