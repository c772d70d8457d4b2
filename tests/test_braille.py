from __future__ import annotations

from kobold_modules.braille import Canvas, braille


def first_cells(lines: list[str]) -> list[int]:
    return [len(line) - len(line.lstrip()) for line in lines]


def test_dots_are_where_they_were_set() -> None:
    canvas = Canvas(2, 1)
    canvas.set(0, 0)
    canvas.set(3, 3)

    assert canvas.lines() == ["⠁⢀"]
    assert Canvas(2, 1).lines() == ["  "]


def test_a_steep_fall_is_an_unbroken_stroke() -> None:
    canvas = Canvas(1, 2)
    canvas.stroke([(0, 0), (1, 7)])

    assert canvas.lines() == ["⡇", "⣇"]
    lone = Canvas(1, 1)
    lone.stroke([(1, 2)])
    assert lone.lines() == ["⠠"]


def test_a_falling_curve_falls_from_corner_to_corner() -> None:
    lines = braille([(0, 3.0), (100, 1.0)], 10, 4)

    assert [len(line) for line in lines] == [10] * 4
    assert lines[0][0] != " "
    assert lines[-1][-1] != " "
    assert first_cells(lines) == sorted(first_cells(lines))


def test_a_flat_curve_and_a_single_measurement_run_through_the_middle() -> None:
    for points in ([(0, 2.0), (5, 2.0)], [(3, 2.0)]):
        top, middle, bottom = braille(points, 6, 3)

        assert top.strip() == bottom.strip() == ""
        assert len(middle.strip()) == 6


def test_more_measurements_than_columns_lose_no_peak() -> None:
    lines = braille([(step, 5.0 if step == 501 else 1.0) for step in range(1000)], 4, 2)

    assert lines[0].strip()


def test_nothing_to_draw_is_no_lines() -> None:
    assert braille([], 6, 3) == braille([(0, 1.0)], 0, 3) == braille([(0, 1.0)], 6, 0) == []
