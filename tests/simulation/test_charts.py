"""Charts draw themselves as sound SVG, whatever their lines hold."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from invoicepay.testing.simulation.charts import MOST_POINTS, Chart, Line, Point

SVG = "{http://www.w3.org/2000/svg}"


def chart(*lines: Line, title: str = "Tokens") -> Chart:
    return Chart(title=title, across="days", up="USD", lines=lines)


def corners(drawn: Chart) -> list[list[tuple[float, float]]]:
    """The corners of each line as they are drawn."""
    found = fromstring(drawn.svg()).findall(f"{SVG}polyline")
    return [
        [(float(x), float(y)) for x, y in (pair.split(",") for pair in line.get("points", "").split())]
        for line in found
    ]


@pytest.mark.parametrize("points", [(), ((0.0, 0.0),), ((1.0, 5.0),), ((0.0, -2.0), (1.0, 3.0))])
def test_few_points_draw_a_sound_picture(points: tuple[Point, ...]) -> None:
    drawn = chart(Line("ann", points))

    assert len(corners(drawn)) == 1


def test_a_line_stays_where_it_is_until_its_next_point() -> None:
    (line,) = corners(chart(Line("ann", ((0.0, 1.0), (2.0, 5.0)))))

    (_, before), (x, still), (same_x, after) = line[0], line[1], line[2]
    assert still == before
    assert same_x == x
    assert after < before


def test_every_corner_lies_within_the_frame() -> None:
    points = tuple((float(day), float((day * 37) % 11)) for day in range(50))

    for line in corners(chart(Line("ann", points), Line("bob", points[:3]))):
        assert all(0 <= x <= 640 and 0 <= y <= 240 for x, y in line)


def test_long_lines_are_thinned_and_keep_their_end() -> None:
    points = tuple((float(n), float(n % 7)) for n in range(10_000))

    (line,) = corners(chart(Line("ann", points)))

    assert len(line) <= 2 * (MOST_POINTS + 2)
    assert line[-1][0] == max(x for x, _ in line)


def test_names_are_escaped() -> None:
    drawn = chart(Line("<script>", ((0.0, 1.0),)), title="A & B")

    texts = [element.text for element in fromstring(drawn.svg()).iter(f"{SVG}text")]
    assert {"<script>", "A & B"} <= set(texts)


def test_as_text_a_chart_says_where_its_lines_end() -> None:
    assert str(chart(Line("ann", ((0.0, 1.0), (2.0, 5.0))))) == "Tokens: ann 5.00 USD"
