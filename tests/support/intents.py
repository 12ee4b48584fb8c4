"""Intents that serve no stem, to watch the engine alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus, Observation, plan
from invoicepay.domain.entity import Entity
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Needs, find, need
from invoicepay.ports.rails import RailOrder, RailTransfer
from invoicepay.use_cases.claims import TO_POLL, TO_SEND
from invoicepay.use_cases.recover import poll_due, send_due
from tests.support.desk import Desk
from tests.support.free import free


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand(Entity):
    """A cause that no stem knows."""

    KIND: ClassVar[str] = "errand"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanErrand:
    kind: EffectKind
    amount: Money
    request: dict[str, str] = field(default_factory=dict[str, str])


def _needs(command: PlanErrand, _seen: Snapshot) -> Needs:
    return need()


def _decide(command: PlanErrand, change: Change) -> Effect:
    return plan(
        change,
        kind=command.kind,
        cause=Errand(id=change.new_id("job")),
        amount=command.amount,
        request=command.request,
    )


PLAN = free("test.plan", Effect, _needs, _decide)
ANN = {"rail": "instant", "party_id": "ann"}


def intend(
    desk: Desk, kind: EffectKind = EffectKind.PAYOUT, amount: str = "10.00 USD", **request: str
) -> str:
    """Plan an intent; its id. The bank has the cash for a payout."""
    by_kind = {
        EffectKind.DEPOSIT: ANN,
        EffectKind.PAYOUT: ANN,
        EffectKind.MINT: {"to_party": "ann"},
        EffectKind.BURN: {"from_party": "ann"},
        EffectKind.TRANSFER: {"from_party": "ann", "to_party": "acme"},
    }
    if kind is EffectKind.PAYOUT:
        desk.bring_cash(Money.of(amount))
    command = PlanErrand(kind=kind, amount=Money.of(amount), request={**by_kind[kind], **request})
    return desk.decide(PLAN, command).id


def effect(desk: Desk, id: str) -> Effect:
    """The intent as stored."""
    found: Effect = desk.row(Effect, id)
    return found


def status(desk: Desk, id: str) -> EffectStatus:
    """Where the intent is."""
    return effect(desk, id).status


def observations(desk: Desk, id: str) -> list[Observation]:
    """What was seen of it, oldest first."""

    async def read() -> tuple[Observation, ...]:
        async with desk.deps.repository.reader(desk.deps.tenant_id) as reader:
            return await reader.find(find(Observation, effect_id=id, order=("created_at",)))

    return list(desk.run(read()))


def send(desk: Desk, limit: int = 100) -> int:
    """One turn of the sender."""
    return desk.run(send_due(desk.deps, limit)).count


def poll(desk: Desk, limit: int = 100) -> int:
    """One turn of the poller."""
    return desk.run(poll_due(desk.deps, limit)).count


def until_due(desk: Desk, id: str) -> None:
    """Move the clock to where the intent is due again."""
    waiting = effect(desk, id)
    assert waiting.status in (*TO_SEND, *TO_POLL)
    desk.clock.set(max(desk.clock.now(), waiting.due_at))


class WatchedRails:
    """Rails that call back whenever an order comes in, before it is carried out."""

    def __init__(self, inner: Any, watch: Callable[[RailOrder], None]) -> None:
        self._inner, self._watch = inner, watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        """Call back, then go on."""
        self._watch(order)
        transfer: RailTransfer = await self._inner.initiate_withdrawal(order, idempotency_key=idempotency_key)
        return transfer
