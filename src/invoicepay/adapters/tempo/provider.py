"""Tempo as a TokenProvider: each order once on the chain, final only when a final block's logs show it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from invoicepay.adapters.system import SystemClock, elapsed_seconds
from invoicepay.adapters.tempo.answers import Outcome, movement_in, told, unasked
from invoicepay.adapters.tempo.batches import Batches
from invoicepay.adapters.tempo.control import TempoControl
from invoicepay.adapters.tempo.desk import Desk
from invoicepay.adapters.tempo.health import TempoHealth
from invoicepay.adapters.tempo.lanes import Lanes
from invoicepay.adapters.tempo.network import TempoAccounts, TempoNetwork, TempoToken
from invoicepay.adapters.tempo.orders import Custody, Wallets
from invoicepay.adapters.tempo.recovery import Recovery, Seen
from invoicepay.adapters.tempo.rpc import TempoRpc
from invoicepay.adapters.tempo.trials import Trials
from invoicepay.domain.money import Money
from invoicepay.errors import InvoicePayError, ProviderRejected, WebhookSignatureInvalid
from invoicepay.ports.health import Health
from invoicepay.ports.production import production_faults
from invoicepay.ports.runtime import Clock
from invoicepay.ports.signing import Signer
from invoicepay.ports.slots import MoveState, Slot, SlotKey, SlotStore
from invoicepay.ports.tokens import (
    MoveKind,
    TokenCapabilities,
    TokenEvent,
    TokenMove,
    TokenOrder,
    TokenTransfer,
)

LANES: Final = 8
"""At two blocks a second, 8 lanes of 32 movements carry 512 movements a second for each account."""


class Tempo:
    """Tokens on a Tempo network, as a TokenProvider that takes orders in batches.

    Every wallet is an account of the signer. Once, before a wallet's tokens move for the first time, it
    approves the operator, who moves them, and the issuer, who burns them; `fees` pays. Orders of one call
    share transactions of at most 32 calls.

    An order is bound to a slot of the chain and its bytes are kept in `slots` before anything is sent: lose
    that store, and nobody can tell any more what was sent. Orders are remembered for ever.

    Args:
        tokens: as `set_up_token` gave them back.
        slots: where slots are kept; a database that lasts as long as the books.
        custody: `wallets` gives each party a wallet of its own; `omnibus` keeps everybody's tokens in one,
            for assets that settle in our books.
        tenant_id: whose wallets and lanes these are; each tenant of a host needs a provider of its own.
        lanes: lanes of each account; so many of its transactions do not wait for each other.

    Examples:
        keys, network = LocalKeys(seed), TempoNetwork(chain_id=42431)
        rpc = TempoRpc(sender_to("https://rpc.moderato.tempo.xyz"))
        tempo = Tempo(rpc, keys, network, [token], slots=SqlSlots("postgresql://…"))
        pay = InvoicePay("postgresql://…", token=tempo)
    """

    def __init__(
        self,
        rpc: TempoRpc,
        signer: Signer,
        network: TempoNetwork,
        tokens: Sequence[TempoToken],
        *,
        slots: SlotStore,
        accounts: TempoAccounts | None = None,
        custody: Custody = "wallets",
        tenant_id: str = "main",
        name: str = "tempo",
        lanes: int = LANES,
        clock: Clock | None = None,
        elapsed: Callable[[], float] = elapsed_seconds,
    ) -> None:
        self._clock: Clock = clock or SystemClock()
        roles = accounts or TempoAccounts()
        by_asset = {token.asset: replace(token, address=token.address.lower()) for token in tokens}
        self._rpc, self._slots, self._name, self._network = rpc, slots, name, network
        self.wallets: Wallets = Wallets(signer, roles, by_asset, custody=custody, tenant_id=tenant_id)
        self._desk = Desk(rpc, signer, network, roles, clock=self._clock)
        self._lanes = Lanes(
            signer, network, self.wallets, clock=self._clock, tenant_id=tenant_id, count=lanes
        )
        self._recovery = Recovery(rpc, self._lanes, slots, self.wallets, clock=self._clock)
        self._batches = Batches(
            slots,
            self.wallets,
            self._desk,
            self._lanes,
            Trials(rpc, self.wallets),
            self._recovery,
            clock=self._clock,
            check=self._check,
            elapsed=elapsed,
        )
        self._health = TempoHealth(rpc, signer, network, roles, tokens, clock=self._clock)
        self._controls = {
            token.asset: TempoControl(rpc, self._desk, roles, token) for token in by_asset.values()
        }
        self._is_checked = False

    @property
    def name(self) -> str:
        return self._name

    def production_faults(self) -> tuple[str, ...]:
        tests = (f"{self.name} is on the test chain {self._network.chain_id}",)
        own = tests if self._network.is_test else ()
        return (*own, *self._rpc.production_faults(), *production_faults(self._slots))

    def capabilities(self) -> TokenCapabilities:
        return TokenCapabilities(
            deduplicates=True,
            finds_by_reference=True,
            absent_grace_seconds=5,
            freezes=True,
            per_party=self.wallets.custody == "wallets",
        )

    async def mint(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        return await self._one(MoveKind.MINT, order, idempotency_key)

    async def burn(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        return await self._one(MoveKind.BURN, order, idempotency_key)

    async def transfer(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        return await self._one(MoveKind.TRANSFER, order, idempotency_key)

    async def move(self, moves: Sequence[TokenMove]) -> Sequence[Outcome]:
        return await self._batches.move(moves)

    async def find(self, reference: str) -> TokenTransfer | None:
        try:
            return await self._found(reference)
        except InvoicePayError as error:
            raise unasked(error) from error

    async def _found(self, reference: str) -> TokenTransfer | None:
        """What is on record, brought on when it is not decided yet."""
        slot = await self._recorded(reference)
        if slot is None:
            await self._check(again=True)  # else our not knowing it would prove nothing
            return None
        seen: dict[SlotKey, Seen] = {}
        if movement_in(slot, reference).state is MoveState.OPEN:
            await self._check()
            seen = await self._recovery.bring_on(await self._up_to(slot))
            slot = await self._recorded(reference) or slot
        return told(slot, reference, seen.get(slot.key), self._clock.now())

    async def recover(self, limit: int = 1_000) -> int:
        """Bring every open slot on, whoever took it; `find` does the same for one order.

        Returns:
            How many slots were looked at.

        Raises:
            ProviderUnavailable: the node did not answer; call again.
        """
        await self._check()
        slots = await self._slots.open(limit=limit)
        await self._recovery.bring_on(slots)
        return len(slots)

    async def supply(self, asset: str) -> Money:
        return await self._control(asset).supply()

    async def balance(self, party_id: str, asset: str) -> Money:
        if self.wallets.custody == "omnibus":
            raise ProviderRejected("one wallet holds all tokens: whose they are, only the books know")
        return await self._control(asset).balance(await self.wallets.address_of(party_id))

    def parse_webhook(
        self,
        body: bytes,  # noqa: ARG002 - whatever it says
        headers: dict[str, str],  # noqa: ARG002
        *,
        received_at: datetime,  # noqa: ARG002
    ) -> tuple[TokenEvent, ...]:
        raise WebhookSignatureInvalid("a chain sends no webhooks: this came from somebody else")

    async def health(self) -> Health:
        return await self._health.look(self._name)

    async def freeze(self, party_id: str, asset: str) -> None:
        """Let a party's tokens neither come nor go; returns when that is final."""
        await self._control(asset).freeze(await self.wallets.address_of(party_id))

    async def unfreeze(self, party_id: str, asset: str) -> None:
        """Let a party's tokens move again; returns when that is final."""
        await self._control(asset).unfreeze(await self.wallets.address_of(party_id))

    async def pause(self, asset: str) -> None:
        """Stop every movement of a token; returns when that is final."""
        await self._control(asset).pause()

    async def unpause(self, asset: str) -> None:
        """Let a token move again; returns when that is final."""
        await self._control(asset).unpause()

    async def prepare(self, party_id: str, asset: str) -> None:
        """Let a party's wallet approve operator and issuer; done by itself before its tokens move first.

        Raises:
            ProviderRejected, ProviderUnavailable, ProviderUnknown: no token moved; call again.
        """
        await self._batches.approve(party_id, asset)

    async def aclose(self) -> None:
        """Give connections back, to the node and to the slots; a later call opens new ones."""
        await self._slots.close()
        await self._rpc.aclose()

    async def _one(self, kind: MoveKind, order: TokenOrder, key: str) -> TokenTransfer:
        (outcome,) = await self.move([TokenMove(kind=kind, order=order, idempotency_key=key)])
        if isinstance(outcome, InvoicePayError):
            raise outcome
        return outcome

    async def _recorded(self, reference: str) -> Slot | None:
        return (await self._slots.find([reference])).get(reference)

    async def _up_to(self, slot: Slot) -> list[Slot]:
        """A slot and the open ones before it in its lane, which it has to wait for."""
        opened = await self._slots.open(slot.key.lane)
        before = [other for other in opened if other.key < slot.key]
        return [*before, slot]

    async def _check(self, *, again: bool = False) -> None:
        """The node is of our network, and the slot store is not older than the chain.

        Raises:
            ProviderUnavailable, ConfigurationError: not so, or not answered.
        """
        if not self._is_checked:
            await self._desk.check_network()
        if again or not self._is_checked:  # a store that lost its last commits while we ran is old, too
            await self._lanes.check(self._rpc, self._slots)
        self._is_checked = True

    def _control(self, asset: str) -> TempoControl:
        self.wallets.token(asset)
        return self._controls[asset]
