"""For hosts and outside adapters: contract suites, a clock moved by hand, both kinds of host.

Names are loaded on first use, so that the clock can be had without pytest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from invoicepay.testing.clock import FrozenClock as FrozenClock
    from invoicepay.testing.hosts import AwaitingHost as AwaitingHost
    from invoicepay.testing.hosts import BlockingHost as BlockingHost
    from invoicepay.testing.hosts import Host as Host
    from invoicepay.testing.notifier_contract import NotifierBench as NotifierBench
    from invoicepay.testing.notifier_contract import NotifierContract as NotifierContract
    from invoicepay.testing.rails_contract import RailsBench as RailsBench
    from invoicepay.testing.rails_contract import RailsContract as RailsContract
    from invoicepay.testing.repository_contract import RepositoryContract as RepositoryContract
    from invoicepay.testing.slots_contract import SlotContract as SlotContract
    from invoicepay.testing.tokens_contract import TokenContract as TokenContract
    from invoicepay.testing.tokens_contract import TokensBench as TokensBench
    from invoicepay.testing.treasury_contract import TreasuryBench as TreasuryBench
    from invoicepay.testing.treasury_contract import TreasuryContract as TreasuryContract

_HOMES = {
    "AwaitingHost": "hosts",
    "BlockingHost": "hosts",
    "FrozenClock": "clock",
    "Host": "hosts",
    "NotifierBench": "notifier_contract",
    "NotifierContract": "notifier_contract",
    "RailsBench": "rails_contract",
    "RailsContract": "rails_contract",
    "RepositoryContract": "repository_contract",
    "SlotContract": "slots_contract",
    "TokenContract": "tokens_contract",
    "TokensBench": "tokens_contract",
    "TreasuryBench": "treasury_contract",
    "TreasuryContract": "treasury_contract",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - one list, not two


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
