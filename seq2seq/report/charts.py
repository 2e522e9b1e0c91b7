"""Geometry of the page's line charts; the markup is in charts.html.j2, the colours in page.css."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 360, 210  # SVG units; near the pixels of a phone, so that text keeps its size there
LEFT, RIGHT, TOP, BOTTOM = 34, 10, 8, 22  # margins around the plot, for tick labels

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis, in SVG units."""

    at: float
    label: str


@dataclass(frozen=True)
class Dot:
    """A point of a line, in SVG units, and what it says when pointed at."""

    x: float
    y: float
    label: str


@dataclass(frozen=True)
class LineChart:
    """Lines over a common pair of axes."""

    x_ticks: list[Tick]
    y_ticks: list[Tick]
    lines: dict[str, list[Dot]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten that cover ``low`` to ``high``: at least 2, about ``most``."""
    span = max(high - low, 1e-9 * max(abs(low), abs(high), 1.0))
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(power * factor for factor in (1, 2, 5, 10, 20) if span / (power * factor) <= most - 1)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def line_chart(lines: Mapping[str, Points], x_name: str) -> LineChart | None:
    """Lay out named lines; None if no line has a point. Points that are not numbers are left out."""
    kept = {name: [(x, y) for x, y in points if math.isfinite(y)] for name, points in lines.items()}
    every = [point for points in kept.values() for point in points]
    if not every:
        return None
    x_values = round_ticks(0, max(x for x, _ in every), most=5)
    y_values = round_ticks(min(y for _, y in every), max(y for _, y in every), most=6)

    def across(x: float) -> float:
        return _scale(x, x_values, LEFT, WIDTH - RIGHT)

    def up(y: float) -> float:
        return _scale(y, y_values, HEIGHT - BOTTOM, TOP)

    return LineChart(
        x_ticks=[Tick(across(x), f"{x:,.0f}") for x in x_values],
        y_ticks=[Tick(up(y), f"{y:.4g}") for y in y_values],
        lines={
            name: [Dot(across(x), up(y), f"{name} {y:.3f} at {x_name} {x:,.0f}") for x, y in points]
            for name, points in kept.items()
        },
    )


@dataclass(frozen=True)
class ScatterPoint:
    """A point to draw, with the interval of its height."""

    name: str
    x: float
    y: float
    low: float
    high: float
    marked: bool


@dataclass(frozen=True)
class Mark:
    """A drawn point, in SVG units: its interval goes from ``low`` up to ``high``."""

    name: str
    x: float
    y: float
    low: float
    high: float
    marked: bool
    on_the_left: bool  # where its name stands, so that it stays inside
    label: str


@dataclass(frozen=True)
class ScatterChart:
    """Points with intervals over a pair of axes."""

    x_ticks: list[Tick]
    y_ticks: list[Tick]
    marks: list[Mark]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def scatter_chart(points: Sequence[ScatterPoint], x_name: str, y_name: str) -> ScatterChart | None:
    """Lay out points with their intervals; None if there is none."""
    if not points:
        return None
    x_values = round_ticks(0, max(point.x for point in points), most=5)
    y_values = round_ticks(min(point.low for point in points), max(point.high for point in points), most=6)

    def across(x: float) -> float:
        return _scale(x, x_values, LEFT, WIDTH - RIGHT)

    def up(y: float) -> float:
        return _scale(y, y_values, HEIGHT - BOTTOM, TOP)

    return ScatterChart(
        x_ticks=[Tick(across(x), f"{x:,.4g}") for x in x_values],
        y_ticks=[Tick(up(y), f"{y:.4g}") for y in y_values],
        marks=[
            Mark(
                point.name,
                across(point.x),
                up(point.y),
                up(point.low),
                up(point.high),
                point.marked,
                across(point.x) > WIDTH / 2,
                f"{point.name}: {y_name} {point.y:.1f} ({point.low:.1f} to {point.high:.1f}), {point.x:,.0f} {x_name}",
            )
            for point in points
        ],
    )


def _scale(value: float, ticks: list[float], start: float, end: float) -> float:
    share = (value - ticks[0]) / (ticks[-1] - ticks[0])
    return round(start + share * (end - start), 1)
