"""Simulated banks and tokens on command; exists only where all providers are simulated."""

from __future__ import annotations

from datetime import timedelta

from invoicepay.adapters.simulated import SimControl
from invoicepay.client.base import Core, Group, id_of, optional_money
from invoicepay.client.events import log_undelivered
from invoicepay.domain.deposits import Deposit
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.money import MoneyLike
from invoicepay.domain.needs import find
from invoicepay.domain.withdrawals import Withdrawal
from invoicepay.errors import ConfigurationError, NotFound
from invoicepay.use_cases import queries
from invoicepay.use_cases.inbox import receive_webhook
from invoicepay.use_cases.inside import require_outside
from invoicepay.use_cases.pending import LIMIT


class Sim(Group):
    """What banks and chains would do; each call delivers its webhooks and drains the work."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        require_outside(core.wired, "pay.sim")
        if core.sim is None:
            raise ConfigurationError(
                "pay.sim exists only with simulated rails and tokens",
                hint="With real providers, news comes through pay.webhooks.receive and pay.run_pending.",
            )
        self._sim: SimControl = core.sim

    async def settle(
        self,
        deposit: str | Deposit,
        *,
        amount: MoneyLike | None = None,
        fee: MoneyLike | None = None,
        delay_days: float = 0,
    ) -> Deposit:
        """The banks settle a deposit: in full, with another amount, after a processor's fee, or later.

        Args:
            amount: what arrived, where it is not what was asked for.
            fee: what a processor kept of it.
            delay_days: days until the news arrives; move the clock on to get there.

        Raises:
            NotFound: the bank was never asked about it.
            InvalidTransition: it is settled, failed or returned already.
        """
        reference = await self._reference(id_of(deposit), EffectKind.DEPOSIT)
        self._sim.settle(
            reference,
            amount=optional_money(amount),
            fee=optional_money(fee),
            after=timedelta(days=delay_days),
        )
        await self.deliver()
        return await queries.get(self._deps, Deposit, id_of(deposit))

    async def finalize(self, deposit: str | Deposit) -> Deposit:
        """The rail's return window is over.

        Raises:
            NotFound: the bank was never asked about it.
            InvalidTransition: it is past that.
        """
        self._sim.finalize(await self._reference(id_of(deposit), EffectKind.DEPOSIT))
        await self.deliver()
        return await queries.get(self._deps, Deposit, id_of(deposit))

    async def fail(self, deposit: str | Deposit, *, reason: str = "failed") -> Deposit:
        """The deposit ends before settlement; no money moved.

        Raises:
            NotFound: the bank was never asked about it.
            InvalidTransition: it is past that.
        """
        self._sim.fail(await self._reference(id_of(deposit), EffectKind.DEPOSIT), reason)
        await self.deliver()
        return await queries.get(self._deps, Deposit, id_of(deposit))

    async def return_deposit(self, deposit: str | Deposit, *, code: str = "R01") -> Deposit:
        """The payer's bank takes the money back; `code` is an ACH return code such as R01 or R10.

        Raises:
            NotFound: the bank was never asked about it.
            InvalidTransition: it is past that.
        """
        self._sim.return_(await self._reference(id_of(deposit), EffectKind.DEPOSIT), code)
        await self.deliver()
        return await queries.get(self._deps, Deposit, id_of(deposit))

    async def settle_payout(self, withdrawal: str | Withdrawal) -> Withdrawal:
        """The banks settle a payout.

        Raises:
            NotFound: the bank was never asked about it.
            InvalidTransition: it is past that.
        """
        self._sim.settle(await self._reference(id_of(withdrawal), EffectKind.PAYOUT))
        await self.deliver()
        return await queries.get(self._deps, Withdrawal, id_of(withdrawal))

    async def fail_payout(self, withdrawal: str | Withdrawal, *, reason: str = "failed") -> Withdrawal:
        """A payout ends before the money left.

        Raises:
            NotFound: the bank was never asked about it.
            InvalidTransition: it is past that.
        """
        self._sim.fail(await self._reference(id_of(withdrawal), EffectKind.PAYOUT), reason)
        await self.deliver()
        return await queries.get(self._deps, Withdrawal, id_of(withdrawal))

    async def return_payout(self, withdrawal: str | Withdrawal, *, code: str = "R03") -> Withdrawal:
        """The receiving bank sends a settled payout back.

        Raises:
            NotFound: the bank was never asked about it.
            InvalidTransition: it is past that.
        """
        self._sim.return_(await self._reference(id_of(withdrawal), EffectKind.PAYOUT), code)
        await self.deliver()
        return await queries.get(self._deps, Withdrawal, id_of(withdrawal))

    async def hold_tokens(self) -> None:
        """From now on mints, burns and transfers stay pending, as on a slow chain."""
        self._sim.hold_tokens()

    async def release_tokens(self) -> None:
        """Make every pending mint, burn and transfer final, and later ones at once."""
        self._sim.release_tokens()
        await self.deliver()

    async def deliver(self) -> int:
        """Deliver queued webhooks and drain the work until nothing moves; returns the deliveries made."""
        made = 0
        while deliveries := self._sim.deliveries():
            for slot, name, delivery in deliveries:
                await receive_webhook(self._deps, slot, delivery.body, dict(delivery.headers), name=name)
                made += 1
            log_undelivered(await self._core.run_pending(LIMIT))
        log_undelivered(await self._core.run_pending(LIMIT))
        return made

    async def _reference(self, cause_id: str, kind: EffectKind) -> str:
        """The newest intent that serves a deposit or withdrawal; the bank knows it by its id."""
        effects = await queries.every(
            self._deps, find(Effect, cause_id=cause_id, kind=kind, order=("-generation",), limit=1)
        )
        if not effects or effects[0].status is EffectStatus.PLANNED:
            raise NotFound(
                f"the bank was not asked about {cause_id} yet",
                hint='Call pay.run_pending() first: with dispatch="deferred" it is what asks the bank.',
                id=cause_id,
            )
        return effects[0].id
