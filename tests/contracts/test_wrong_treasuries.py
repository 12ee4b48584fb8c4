"""The treasury's contract catches adapters that break a promise: each wrong one makes a named test fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any

import pytest

from invoicepay.adapters.circle import CircleTreasury
from invoicepay.adapters.circle.webhooks_v1 import SnsMessage
from invoicepay.errors import InvoicePayError, ProviderRejected, ProviderUnavailable
from invoicepay.ports.treasury import (
    TreasuryEvent,
    TreasuryKind,
    TreasuryMovement,
    TreasuryOrder,
    TreasuryStatus,
)
from invoicepay.testing.hosts import BlockingHost
from invoicepay.testing.treasury_contract import TreasuryBench
from tests.adapters.circle.vault import Vault, vaulted
from tests.contracts import test_circle as circle


class Wrong(CircleTreasury):
    """Right in all that a class below does not change."""

    def __init__(self, vault: Vault) -> None:
        self.__dict__ = vault.treasury.__dict__


class Forgetful(Wrong):
    """Pays again for a key that it has seen."""

    calls = count()

    async def pay_out(self, order: TreasuryOrder, *, idempotency_key: str) -> TreasuryMovement:
        return await super().pay_out(order, idempotency_key=f"{idempotency_key}/{next(self.calls)}")


class Hasty(Wrong):
    """Takes silence for a refusal."""

    async def fund(self, order: TreasuryOrder, *, idempotency_key: str) -> TreasuryMovement:
        try:
            return await super().fund(order, idempotency_key=idempotency_key)
        except ProviderRejected:
            raise
        except InvoicePayError as error:
            raise ProviderUnavailable("not funded") from error


class Hopeful(Wrong):
    """Takes a payout that is final for one that stays."""

    async def find(self, kind: TreasuryKind, provider_ref: str) -> TreasuryMovement | None:
        found = await super().find(kind, provider_ref)
        is_back = found is not None and found.status is TreasuryStatus.RETURNED
        return replace(found, status=TreasuryStatus.FINAL) if found is not None and is_back else found


class Blind(Wrong):
    """Lists what it has now, whatever the time that is asked for."""

    async def movements(
        self, kind: TreasuryKind, *, since: datetime, until: datetime | None = None
    ) -> tuple[TreasuryMovement, ...]:
        return await super().movements(kind, since=since.replace(year=2020), until=until)


class Trusting(Wrong):
    """Reads notifications without checking who signed them."""

    def parse_webhook(
        self, body: bytes, headers: dict[str, str], *, received_at: datetime
    ) -> tuple[TreasuryEvent, ...]:
        seen = SnsMessage.model_validate(json.loads(body))
        movement = self._told(seen)
        assert movement is not None
        at = movement.observed_at
        return (TreasuryEvent(event_id=seen.message_id, occurred_at=at, movement=movement),)


CONTRACT = circle.TestCircleTreasury
PROMISES: list[tuple[type[Wrong], Callable[..., None], dict[str, Any]]] = [
    (Forgetful, CONTRACT.test_one_key_moves_money_once_and_answers_alike, {"work": "pay_out"}),
    (Hasty, CONTRACT.test_a_lost_answer_is_unknown_and_found_out_by_the_same_key, {"work": "fund"}),
    (Hopeful, CONTRACT.test_a_final_payout_is_watched_until_it_has_come_back, {}),
    (Blind, CONTRACT.test_what_was_ordered_is_listed_in_its_time, {"work": "fund"}),
    (Trusting, CONTRACT.test_a_changed_webhook_is_refused_with_the_one_error_or_says_the_same, {}),
]


@pytest.mark.parametrize(
    ("wrong", "promise", "arguments"), PROMISES, ids=[w.__name__ for w, _, _ in PROMISES]
)
def test_a_broken_promise_is_found(
    wrong: type[Wrong], promise: Callable[..., None], arguments: dict[str, Any]
) -> None:
    host = BlockingHost()
    for kind, is_kept in ((Wrong, True), (wrong, False)):
        with vaulted(host) as vault:
            bench = TreasuryBench(kind(vault), circle.MintFarSide(vault.stage), vault.order("1.25").amount)

            assert holds(promise, host=host, bench=bench, **arguments) is is_kept


def holds(promise: Callable[..., None], **given: Any) -> bool:
    """Whether a test of the contract passes, run here instead of by pytest."""
    try:
        promise(CONTRACT(), **given)
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - however it fails, the promise is broken
        return False
    return True
