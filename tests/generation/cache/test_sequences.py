"""Which kept text a new one begins from, and which of them goes."""

from __future__ import annotations

from kobold_modules.generation.cache.sequences import CachedSequence, CachedSequences


def kept(*texts: tuple[str, list[int]], most: int = 4) -> CachedSequences:
    sequences = CachedSequences(most)
    for number, (key, tokens) in enumerate(texts):
        sequences.add(CachedSequence(number, key, tokens=tokens))
    return sequences


def test_the_longest_shared_beginning_behind_the_same_stack_counts() -> None:
    sequences = kept(("a", [1, 2]), ("a", [1, 2, 3, 4]), ("b", [1, 2, 3, 5]))
    near, shared = sequences.nearest("a", [1, 2, 3, 5, 6])
    assert near is not None
    assert (near.number, shared) == (1, 3)
    assert sequences.nearest("c", [1]) == (None, 0)
    near, shared = sequences.nearest("a", [9])
    assert near is not None
    assert (near.number, shared) == (1, 0)  # the stack alone is worth having


def test_of_equals_one_that_nobody_writes_with() -> None:
    sequences = kept(("a", [1, 2]), ("a", [1, 2]))
    next(iter(reversed(list(sequences)))).busy = True
    near, _ = sequences.nearest("a", [1, 2, 3])
    assert near is not None
    assert near.number == 0


def test_the_least_recently_used_goes_but_not_one_at_work() -> None:
    sequences = kept(("a", []), ("b", []), ("c", []), ("d", []))
    first, second, third, _ = sequences
    assert sequences.free_number() is None
    sequences.touch(first)
    assert sequences.oldest() is second
    second.busy = True
    assert sequences.oldest() is third
    oldest = sequences.oldest(but=third)
    assert oldest is not None
    assert oldest.key == "d"
    sequences.remove(third)
    assert sequences.free_number() == 2
