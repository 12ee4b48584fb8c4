"""Tells the story on one SQLite file, each run in a tenant of its own."""

from __future__ import annotations

from pathlib import Path

from invoicepay.adapters.system import SystemClock, SystemIds
from invoicepay.blocking import InvoicePay
from invoicepay.demo.screen import Screen
from invoicepay.demo.story import STEPS, Scene
from invoicepay.wiring import migrate


def tell(database: Path, screen: Screen) -> bool:
    """Tell every step; whether the books were right at the end."""
    url = f"sqlite:///{database}"
    migrate(url)
    tenant = SystemIds().new("demo", SystemClock().now())
    with InvoicePay(url, tenant=tenant) as pay:
        scene = Scene(pay)
        screen.begin(database, tenant, len(STEPS))
        for number, step in enumerate(STEPS, start=1):
            screen.working(number, step.title)
            said = step.tell(scene)
            screen.step(number, step.title, said, scene.look())
        verdict = scene.verdict()
        screen.close(database, tenant, verdict)
    return verdict.is_right
