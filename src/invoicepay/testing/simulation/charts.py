"""Small charts for notebooks: lines over days as plain SVG, with no library and no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import NamedTuple

Point = tuple[float, float]

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 30, 40
COLOURS = ("#4269d0", "#e8743b", "#3ca951", "#a463f2", "#b8860b")
"""Of the lines in their order; each shows on light and on dark ground."""
MOST_POINTS = 400
GREY = "rgba(128, 128, 128, .35)"


class Bounds(NamedTuple):
    """Where the frame of a chart begins and ends, in the values of its lines."""

    left: float
    right: float
    low: float
    high: float

    def at(self, point: Point) -> str:
        """Where a point is drawn."""
        across, up = (point[0] - self.left) / (self.right - self.left), (point[1] - self.low)
        x = LEFT + across * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - up / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)
        return f"{x:.1f},{y:.1f}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: points from left to right; between two of them the first one holds."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Lines in one frame, which draws itself as the last line of a notebook's cell.

    Examples:
        >>> chart = Chart(title="Tokens", across="days", up="USD", lines=(Line("ann", ((0, 1), (2, 5))),))
        >>> chart.svg().startswith("<svg")
        True
    """

    title: str
    across: str
    up: str
    lines: tuple[Line, ...]

    def svg(self) -> str:
        """The chart as an SVG element."""
        bounds = self._bounds()
        body = [*self._frame(bounds), *self._drawn(bounds), *self._legend()]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="{escape(self.title)}" style="max-width: {WIDTH}px; font: 12px sans-serif">'
            f"{''.join(body)}</svg>"
        )

    def _repr_html_(self) -> str:
        return self.svg()

    def __str__(self) -> str:
        """The last value of each line."""
        ends = ", ".join(f"{line.name} {line.points[-1][1]:,.2f}" for line in self.lines if line.points)
        return f"{self.title}: {ends} {self.up}"

    def _bounds(self) -> Bounds:
        points = [point for line in self.lines for point in line.points] or [(0.0, 0.0)]
        rights, heights = [x for x, _ in points], [y for _, y in points]
        low, high = min(0.0, *heights), max(0.0, *heights)
        return Bounds(min(rights), max(*rights, min(rights) + 1e-9), low, high if high > low else low + 1)

    def _frame(self, bounds: Bounds) -> list[str]:
        left, right, low, high = bounds
        parts = [_text(LEFT, 16, self.title, weight="bold")]
        for share in (0.0, 0.5, 1.0):
            height = low + share * (high - low)
            _, y = bounds.at((left, height)).split(",")
            parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="{GREY}"/>')
            parts.append(_text(LEFT - 6, float(y) + 4, _number(height), anchor="end"))
            across = left + share * (right - left)
            x = LEFT + share * (WIDTH - LEFT - RIGHT)
            parts.append(_text(x, HEIGHT - BOTTOM + 16, _number(across), anchor="middle"))
        parts.append(_text(WIDTH - RIGHT, HEIGHT - 6, self.across, anchor="end"))
        parts.append(_text(WIDTH - RIGHT, 16, self.up, anchor="end"))
        return parts

    def _drawn(self, bounds: Bounds) -> list[str]:
        drawn = list[str]()
        for line, colour in zip(self.lines, _colours(len(self.lines)), strict=True):
            path = " ".join(bounds.at(point) for point in _stepped(_thinned(line.points)))
            drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        return drawn

    def _legend(self) -> list[str]:
        parts, x = list[str](), float(LEFT)
        for line, colour in zip(self.lines, _colours(len(self.lines)), strict=True):
            parts.append(f'<rect x="{x}" y="{HEIGHT - 15}" width="9" height="9" fill="{colour}"/>')
            parts.append(_text(x + 13, HEIGHT - 6, line.name))
            x += 30 + 6.5 * len(line.name)
        return parts


def _text(x: float, y: float, words: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="currentColor">{escape(words)}</text>'
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.1f}"


def _colours(count: int) -> list[str]:
    return [COLOURS[place % len(COLOURS)] for place in range(count)]


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    """At most so many points, the last one always among them."""
    every = len(points) // MOST_POINTS + 1
    return [*points[::every], *points[-1:]]


def _stepped(points: Sequence[Point]) -> list[Point]:
    """The corners of a line that stays where it is until the next point."""
    corners = list(points[:1])
    for (_, before), (x, y) in pairwise(points):
        corners += [(x, before), (x, y)]
    return corners
