"""An adapter beside a simulated gateway, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from invoicepay.adapters.http import Limits
from invoicepay.adapters.tillipay import TilliPay, TilliPayProfile
from invoicepay.domain.money import Money
from invoicepay.ports.rails import RailOrder, RailStatus
from invoicepay.testing.clock import FrozenClock
from invoicepay.testing.contracts import Webhook
from invoicepay.testing.simulators.tillipay import TilliPaySimulator

TEN = Money.of("10.00 USD")
ONE_TRY = Limits(tries=1)


class Desk:
    """Both sides of one wire; also the far side of the rails contract."""

    def __init__(self, gateway: TilliPaySimulator, clock: FrozenClock, **options: Any) -> None:
        self.gateway, self.clock = gateway, clock
        self.rails = TilliPay(
            gateway.profile,
            gateway.credentials,
            environment="simulator",
            base_url=gateway.url,
            clock=clock,
            webhook_secrets=gateway.webhook_secrets,
            fingerprint_key=SecretStr("a key for fingerprints"),
            limits=options.pop("limits", ONE_TRY),
            **options,
        )

    def order(
        self, amount: str = "10.00 USD", *, rail: str = "bank_debit", reference: str = "eff_1"
    ) -> RailOrder:
        channel = next(name for name, one in self.gateway.profile.channels.items() if one.rail == rail)
        return RailOrder(
            reference=reference,
            amount=Money.of(amount),
            rail=rail,
            party_id="ann",
            account_token=self.gateway.account(channel),
        )

    def now(self) -> datetime:
        return self.clock.now()

    def movements(self) -> int:
        return len(self.gateway.payments())

    def lose_next_answer(self) -> None:
        self.gateway.faults.drop_answer(on="POST /gps")

    def reject_next(self) -> None:
        self.gateway.refuse_next()

    def be_unreachable(self) -> None:
        self.gateway.__exit__(None, None, None)

    def webhooks(self) -> list[Webhook]:
        return self.gateway.webhooks()

    def settle(self, reference: str) -> None:
        self.gateway.move(reference, RailStatus.SETTLED)

    def return_(self, reference: str) -> None:
        self.gateway.move(reference, RailStatus.RETURNED, return_code="R01")


@contextmanager
def desk(profile: TilliPayProfile | None = None, *, envelope: str = "flat", **options: Any) -> Iterator[Desk]:
    """A fresh gateway with an adapter, both ended with the block."""
    clock = FrozenClock()
    with TilliPaySimulator(profile, clock=clock, envelope=envelope) as gateway:
        made = Desk(gateway, clock, **options)
        yield made
        made.rails.close()
