"""Bars for ways to pay, drawn as SVG in the colours of the page around them."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

BARS = (
    ("pay_many_per_second", "pay_many, 1,000 per call, 2 processes"),
    ("pay_many_100_per_second", "pay_many, 100 per call, 2 processes"),
    ("hot_per_second", "pay_many, 1,000 per call, one enterprise"),
    ("grown_per_second", "pay_many, 1,000 per call, grown store"),
    ("group_commit_per_second", "pay, 2 processes with 1,000 tasks"),
    ("group_threads_64_per_second", "pay, 2 processes with 64 threads"),
    ("single_4_processes_per_second", "pay, 4 processes with 1 caller"),
    ("single_per_second", "pay, 1 process with 1 caller"),
    ("sqlite_1000_per_second", "SQLite, pay_many, 1,000 per call"),
    ("sqlite_100_per_second", "SQLite, pay_many, 100 per call"),
    ("sqlite_single_per_second", "SQLite, pay"),
    ("pay_many_pgbench_tps", "pgbench, TPC-B-like, 8 clients"),
    ("sqlite_inserts_per_second", "SQLite, one durable insert"),
    ("django_hordak_per_second", "django-hordak, 4 processes"),
    ("python_accounting_per_second", "python-accounting, 4 processes"),
)
OURS = 11
WIDTH, LABELS, VALUES = 760, 290, 70
STEP, BAR = 26, 16


def drawn(figures: Mapping[str, float]) -> str:
    """A picture of those figures that were measured."""
    bars = [(label, figures[key], place < OURS) for place, (key, label) in enumerate(BARS) if key in figures]
    longest = max((value for _, value, _ in bars), default=1.0)
    height = STEP * len(bars) + 8
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
            ' font-family="sans-serif" font-size="13" fill="currentColor">',
            "<title>Payments or transactions per second</title>",
            *(_bar(row, *bar, longest) for row, bar in enumerate(bars)),
            "</svg>",
        ]
    )


def _bar(row: int, label: str, value: float, is_ours: bool, longest: float) -> str:
    top = STEP * row + 4
    width = max(1.0, value / longest * (WIDTH - LABELS - VALUES))
    colour = "#3f51b5" if is_ours else "#9e9e9e"
    middle = top + BAR - 3
    return (
        f'<text x="{LABELS - 8}" y="{middle}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="{LABELS}" y="{top}" width="{width:.1f}" height="{BAR}" fill="{colour}"/>'
        f'<text x="{LABELS + width + 6:.1f}" y="{middle}">{value:,.0f}</text>'
    )
