from __future__ import annotations

import numpy as np

from kobold_modules.generation.cache.prefix import PrefixCache, Snapshot


def snapshot(size: int) -> Snapshot:
    return Snapshot(1, np.zeros(size - 4, dtype=np.uint8), np.zeros(1, dtype=np.float32))


def test_the_least_recently_used_goes_first() -> None:
    cache = PrefixCache(limit=100)
    for key in "abc":
        cache.put(key, snapshot(30))
    assert cache.get("a") is not None
    cache.put("d", snapshot(30))
    assert [key in cache for key in "abcd"] == [True, False, True, True]
    assert (cache.bytes, len(cache)) == (90, 3)


def test_replacing_counts_once_and_the_too_large_is_not_kept() -> None:
    cache = PrefixCache(limit=100)
    cache.put("a", snapshot(60))
    cache.put("a", snapshot(70))
    assert cache.bytes == 70
    cache.put("b", snapshot(101))
    assert "b" not in cache
    assert cache.get("b") is None
    assert "a" in cache
    cache.clear()
    assert len(cache) == 0
