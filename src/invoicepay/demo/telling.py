"""Tells the story on one SQLite file, each run in a tenant of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from invoicepay.adapters.system import SystemClock, SystemIds
from invoicepay.blocking import InvoicePay
from invoicepay.demo.screen import Screen
from invoicepay.demo.story import STEPS, Scene
from invoicepay.wiring import migrate


def tell(database: Path, screen: Screen, *, check: Callable[[], None] = lambda: None) -> bool:
    """Tell every step; whether the books were right at the end.

    Args:
        check: called before each step, and raises when the story should stop.
    """
    url = f"sqlite:///{database}"
    migrate(url)
    tenant = SystemIds().new("demo", SystemClock().now())
    with InvoicePay(url, tenant=tenant) as pay:
        scene = Scene(pay)
        screen.begin(database, tenant, len(STEPS))
        for number, step in enumerate(STEPS, start=1):
            check()
            screen.working(number, step.title)
            said = step.tell(scene)
            screen.step(number, step.title, said, scene.look())
        verdict = scene.verdict()
        screen.close(database, tenant, verdict)
    return verdict.is_right
