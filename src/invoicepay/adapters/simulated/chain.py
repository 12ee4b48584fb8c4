"""A simulated token issuer: mints, burns and transfers with a supply and balances that add up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from invoicepay.adapters.simulated.weather import Delivery, Postbox, Weather
from invoicepay.domain.money import Money
from invoicepay.errors import NotFound, ProviderRejected, ProviderUnknown
from invoicepay.ports.health import Health
from invoicepay.ports.runtime import Clock
from invoicepay.ports.tokens import TokenCapabilities, TokenEvent, TokenOrder, TokenStatus, TokenTransfer

CAPABILITIES = TokenCapabilities(deduplicates=True, finds_by_reference=True, absent_grace_seconds=60)
WEBHOOK_KEY = b"a simulated issuer signs with this"
ISSUER = ""
"""The side of a mint or burn that is no party."""


class SimulatedTokens:
    """A token issuer in the process, as a TokenProvider.

    Args:
        finality: `immediate` makes each order final at once; `manual` waits for `finalize` or `fail`.
        custody: `omnibus` refuses only what the whole supply cannot give, for programmes that keep their
            parties' tokens in one place; `wallets` refuses what the party's own balance cannot give
            (`capabilities().per_party`).
        after: a number that its own names come after, as for the bank. Tokens from before it are then not
            known here, and in one place they cover what the books let through.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        name: str = "simulated-tokens",
        finality: str = "immediate",
        custody: str = "omnibus",
        capabilities: TokenCapabilities = CAPABILITIES,
        webhook_key: bytes = WEBHOOK_KEY,
        after: int = 0,
    ) -> None:
        assert finality in ("immediate", "manual"), "finality is immediate or manual"
        assert custody in ("omnibus", "wallets"), "custody is omnibus or wallets"
        self._clock, self._name, self._after = clock, name, after
        self._capabilities = replace(capabilities, per_party=custody == "wallets")
        self._finality, self._custody = finality, custody
        self._lock = threading.RLock()
        self._by_key: dict[str, tuple[TokenOrder, str]] = {}
        self._orders: dict[str, TokenOrder] = {}
        self._transfers: dict[str, TokenTransfer] = {}
        self._references: dict[str, str] = {}
        self._balances: dict[tuple[str, str], int] = {}
        self._facts = after
        self.weather: Weather = Weather()
        self.postbox: Postbox = Postbox(name, webhook_key, clock, TokenEvent)

    @property
    def name(self) -> str:
        return self._name

    def production_faults(self) -> tuple[str, ...]:
        return (f"the tokens of {self._name} are simulated",)

    def capabilities(self) -> TokenCapabilities:
        return self._capabilities

    async def health(self) -> Health:
        return Health(self._name, (self.weather.seen(),))

    async def mint(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        return self._order(replace(order, from_party=ISSUER), idempotency_key)

    async def burn(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        return self._order(replace(order, to_party=ISSUER), idempotency_key)

    async def transfer(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        return self._order(order, idempotency_key)

    async def find(self, reference: str) -> TokenTransfer | None:
        with self._lock:
            self.weather.question()
            ref = self._references.get(reference)
            return self._transfers[ref] if ref else None

    async def supply(self, asset: str) -> Money:
        with self._lock:
            self.weather.question()
            return Money.from_micros(-self._held(ISSUER, asset), asset)

    async def balance(self, party_id: str, asset: str) -> Money:
        with self._lock:
            self.weather.question()
            return Money.from_micros(self._held(party_id, asset), asset)

    def parse_webhook(
        self, body: bytes, headers: dict[str, str], *, received_at: datetime
    ) -> tuple[TokenEvent, ...]:
        return (self.postbox.read(body, headers, received_at),)

    def drain(
        self, reorder: Callable[[list[Delivery]], list[Delivery]] = lambda queued: queued
    ) -> list[Delivery]:
        """Take the queued webhooks, in the order they were made or another one."""
        with self._lock:
            return self.postbox.drain(reorder)

    def issue(self, party_id: str, amount: Money) -> None:
        """Give tokens that were outstanding before the story begins."""
        with self._lock:
            self._shift(TokenOrder(reference="", amount=amount, to_party=party_id))

    def push(self, from_party: str, to_party: str, amount: Money, *, invoice_id: str = "") -> TokenTransfer:
        """Move tokens without being asked by us, as a payer's own wallet does."""
        with self._lock:
            reference = f"push-{self._after + len(self._transfers) + 1:06d}"
            order = TokenOrder(reference=reference, amount=amount, from_party=from_party, to_party=to_party)
            self._refuse_uncovered(order)
            return self._state(self._new(order, TokenStatus.FINAL), invoice_id=invoice_id)

    def hold(self) -> None:
        """From now on orders stay pending until they are finalized or released."""
        with self._lock:
            self._finality = "manual"

    def release(self) -> None:
        """Make every pending order final, oldest first, and later ones at once."""
        with self._lock:
            self._finality = "immediate"
            for transfer in self.transfers():
                if transfer.status is TokenStatus.PENDING:
                    self._state(replace(transfer, status=TokenStatus.FINAL, provider_status="final"))

    def finalize(self, reference: str) -> None:
        """Make a pending order final."""
        self._settle(reference, TokenStatus.FINAL, "")

    def fail(self, reference: str, reason: str = "reverted") -> None:
        """Let a pending order fail for certain."""
        self._settle(reference, TokenStatus.FAILED, reason)

    def tell(self, reference: str, status: TokenStatus, **stated: Any) -> None:
        """State any fact of an order, also one that contradicts what was said before; no token moves."""
        with self._lock:
            told = replace(self.found(reference), status=status, provider_status=status.value, **stated)
            self._transfers[told.provider_ref] = told
            self.postbox.send(self._event(told))

    def forged(self, reference: str) -> Delivery:
        """A webhook that somebody else signed and that calls an order final."""
        with self._lock:
            transfer = replace(self.found(reference), status=TokenStatus.FINAL, provider_status="final")
            return self.postbox.delivery(self._event(transfer), key=b"somebody else signed with this!!")

    def found(self, reference: str) -> TokenTransfer:
        """The order under our reference.

        Raises:
            NotFound: the issuer never saw it.
        """
        with self._lock:
            if reference not in self._references:
                raise NotFound("the simulated issuer has no such order", id=reference)
            return self._transfers[self._references[reference]]

    def knows(self, reference: str) -> bool:
        """Whether an order came under our reference."""
        with self._lock:
            return reference in self._references

    def transfers(self) -> tuple[TokenTransfer, ...]:
        """Every order and push, oldest first."""
        with self._lock:
            return tuple(self._transfers.values())

    def _order(self, order: TokenOrder, key: str) -> TokenTransfer:
        with self._lock, self.weather.order():
            if self._capabilities.deduplicates and key in self._by_key:
                known, ref = self._by_key[key]
                if known != order:
                    raise ProviderUnknown("the key was used for another order", key=key)
                return self._transfers[ref]
            self._refuse_uncovered(order)
            status = TokenStatus.FINAL if self._finality == "immediate" else TokenStatus.PENDING
            transfer = self._new(order, status)
            self._by_key[key] = (order, transfer.provider_ref)
            return self._state(transfer)

    def _refuse_uncovered(self, order: TokenOrder) -> None:
        asset = order.amount.asset
        if order.from_party == ISSUER or (self._after and self._custody == "omnibus"):
            return
        source = (
            -self._held(ISSUER, asset) if self._custody == "omnibus" else self._held(order.from_party, asset)
        )
        if source < order.amount.micros:
            raise ProviderRejected("not enough tokens", party=order.from_party, asset=asset)

    def _new(self, order: TokenOrder, status: TokenStatus) -> TokenTransfer:
        ref = f"0x{self._after + len(self._transfers) + 1:064x}"
        self._references[order.reference] = ref
        self._orders[ref] = order
        return TokenTransfer(
            provider_ref=ref,
            reference=order.reference,
            status=status,
            provider_status=status.value,
            amount=order.amount,
            observed_at=self._clock.now(),
        )

    def _settle(self, reference: str, status: TokenStatus, reason: str) -> None:
        with self._lock:
            transfer = self.found(reference)
            if transfer.status is TokenStatus.PENDING:
                self._state(replace(transfer, status=status, provider_status=status.value, reason=reason))

    def _state(self, transfer: TokenTransfer, *, invoice_id: str = "") -> TokenTransfer:
        """Keep a fact, move the tokens that it means, and tell the host of it."""
        stated = replace(transfer, observed_at=self._clock.now())
        self._transfers[stated.provider_ref] = stated
        if stated.status is TokenStatus.FINAL:
            self._shift(self._orders[stated.provider_ref])
        self.postbox.send(self._event(stated, invoice_id=invoice_id))
        return stated

    def _event(self, transfer: TokenTransfer, *, invoice_id: str = "") -> TokenEvent:
        self._facts += 1
        order = self._orders[transfer.provider_ref]
        is_push = transfer.reference.startswith("push-")
        return TokenEvent(
            event_id=f"{self._name}-{self._facts:06d}",
            occurred_at=transfer.observed_at,
            transfer=replace(transfer, reference="") if is_push else transfer,
            from_party=order.from_party if is_push else "",
            to_party=order.to_party if is_push else "",
            invoice_id=invoice_id,
        )

    def _shift(self, order: TokenOrder) -> None:
        asset = order.amount.asset
        for party_id, growth in (
            (order.from_party, -order.amount.micros),
            (order.to_party, order.amount.micros),
        ):
            self._balances[party_id, asset] = self._held(party_id, asset) + growth

    def _held(self, party_id: str, asset: str) -> int:
        return self._balances.get((party_id, asset), 0)
