"""Tells a story on one SQLite file, each run in a tenant of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from invoicepay.adapters.system import SystemClock, SystemIds
from invoicepay.blocking import InvoicePay
from invoicepay.demo.screen import Screen
from invoicepay.demo.story import STEPS, Scene, Verdict
from invoicepay.errors import MissingExtra
from invoicepay.wiring import migrate

S_contra = TypeVar("S_contra", bound=Scene, contravariant=True)
S = TypeVar("S", bound=Scene)


class Telling(Protocol[S_contra]):
    """A step of a story on scenes of one kind."""

    @property
    def title(self) -> str:
        """What it is about."""
        ...

    @property
    def tell(self) -> Callable[[S_contra], list[str]]:
        """Does it, and returns the sentences to show."""
        ...


def tell(database: Path, screen: Screen, *, check: Callable[[], None] = lambda: None) -> bool:
    """Tell every step with simulated providers; whether the books were right at the end.

    Args:
        check: called before each step, and raises when the story should stop.
    """
    url, tenant = _opened(database)
    with InvoicePay(url, tenant=tenant) as pay:
        screen.begin(database, tenant, len(STEPS), providers="banks and tokens are simulated")
        return _told(
            Scene(pay), STEPS, screen, check, lambda verdict: screen.close(database, tenant, verdict)
        )


def tell_on_tempo(database: Path, screen: Screen, *, check: Callable[[], None] = lambda: None) -> bool:
    """Tell every step with tokens on a Tempo chain of this machine.

    Raises:
        ConfigurationError: no Tempo node can be had here; the message says why and what to do.
        MissingExtra: the libraries for Tempo are not installed.
    """
    from invoicepay.demo.tempo_stage import staged
    from invoicepay.demo.tempo_story import STEPS as TEMPO_STEPS

    url, tenant = _opened(database)
    providers = "banks are simulated, tokens are on a Tempo chain that ends with this demo"
    screen.begin(database, tenant, len(TEMPO_STEPS), providers=providers)
    screen.working(1, TEMPO_STEPS[0].title)
    with staged(url, tenant) as scene:
        return _told(
            scene, TEMPO_STEPS, screen, check, lambda verdict: screen.close(database, tenant, verdict)
        )


def tell_at_circle(database: Path, screen: Screen, *, check: Callable[[], None] = lambda: None) -> bool:
    """Tell every step with USDC in wallets of a Circle that is simulated on this machine.

    Raises:
        MissingExtra: the libraries for Circle or its simulator are not installed.
    """
    try:
        from invoicepay.demo.circle_stage import staged
        from invoicepay.demo.circle_story import STEPS as CIRCLE_STEPS
    except ImportError as error:
        raise MissingExtra("circle,simulators", needed_for="The demo with --circle") from error

    url, tenant = _opened(database)
    providers = "banks are simulated, tokens are USDC in wallets at a simulated Circle"
    screen.begin(database, tenant, len(CIRCLE_STEPS), providers=providers)
    screen.working(1, CIRCLE_STEPS[0].title)
    with staged(url, tenant) as scene:
        return _told(
            scene, CIRCLE_STEPS, screen, check, lambda verdict: screen.close(database, tenant, verdict)
        )


def _opened(database: Path) -> tuple[str, str]:
    """The URL of the database with its tables, and a fresh tenant."""
    url = f"sqlite:///{database}"
    migrate(url)
    return url, SystemIds().new("demo", SystemClock().now())


def _told(
    scene: S,
    steps: Sequence[Telling[S]],
    screen: Screen,
    check: Callable[[], None],
    close: Callable[[Verdict], None],
) -> bool:
    for number, step in enumerate(steps, start=1):
        check()
        screen.working(number, step.title)
        said = step.tell(scene)
        screen.step(number, step.title, said, scene.look())
    verdict = scene.verdict()
    close(verdict)
    return verdict.is_right
