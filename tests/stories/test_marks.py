"""Spans are a run-length code: every operation on them is the same operation on single characters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.stories.marks import Marks, Span, Take, joined, moved, replaced, step_between, stepped, within


spans = st.lists(st.builds(Span, st.integers(0, 4), st.booleans(), st.sampled_from(["", "a"])), max_size=6).map(
    lambda found: joined(tuple(found))
)


def characters(code: tuple[Span, ...]) -> list[Span]:
    return [span.resized(1) for span in code for _ in range(span.length)]


def coded(found: list[Span]) -> tuple[Span, ...]:
    return joined(tuple(found))


@given(spans, spans, st.integers(0, 30), st.integers(0, 30))
def test_a_part_gives_way_to_another(code: tuple[Span, ...], by: tuple[Span, ...], a: int, b: int) -> None:
    start, end = sorted((min(a, len(characters(code))), min(b, len(characters(code)))))
    all_ = characters(code)

    assert within(code, start, end) == coded(all_[start:end])
    assert replaced(code, start, end, *by) == coded([*all_[:start], *characters(by), *all_[end:]])


@given(spans, spans, st.integers(0, 30), st.integers(0, 30))
def test_a_step_leads_there_and_back(code: tuple[Span, ...], by: tuple[Span, ...], a: int, b: int) -> None:
    length = len(characters(code))
    start, end = sorted((min(a, length), min(b, length)))
    takes = tuple(Take(at, "xx", "a", at) for at in range(0, length - 1, 3))
    before = Marks(code, takes)
    new = len(characters(by))
    after = Marks(replaced(code, start, end, *by), moved(takes, start, end, new - (end - start)))
    step = step_between(before, start, "o" * (end - start), "n" * new, after)

    assert stepped(before, step) == after
    assert stepped(after, step.backward) == before
    assert step.backward.backward == step
