"""Workers on PostgreSQL go by the database's clock, whatever their machines say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from invoicepay import InvoicePay, migrate
from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens
from invoicepay.adapters.sql import connect_store
from invoicepay.adapters.sql.connect import door_to
from invoicepay.adapters.sql.store_clock import FRESH_SECONDS, StoreClock, read_clock
from invoicepay.adapters.system import SystemClock, SystemIds
from invoicepay.bridge import run_blocking
from invoicepay.domain.effects import EffectStatus
from invoicepay.ports.rails import RailOrder, RailTransfer
from invoicepay.testing.clock import FrozenClock
from invoicepay.use_cases.claims import LEASE
from tests.support.sql import execute

CLOSE = timedelta(seconds=2)
"""The test's machine is the database's as well, so both clocks say nearly the same."""


class Ahead(SystemClock):
    """The clock of a machine that is wrong."""

    by = timedelta(minutes=10)

    def now(self) -> datetime:
        """Too late."""
        return super().now() + self.by


def test_the_database_is_asked_for_the_time(postgres_url: str) -> None:
    door = door_to(postgres_url, blocking=True)
    try:
        clock = run_blocking(read_clock(door))
    finally:
        run_blocking(door.close())

    assert abs(clock.now() - datetime.now(UTC)) < CLOSE
    assert clock.now().utcoffset() == timedelta(0)


def test_a_reading_is_counted_on_by_a_clock_that_nobody_sets() -> None:
    seconds = iter([100.0, 103.5, 100.0 + FRESH_SECONDS])
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    clock = StoreClock(noon, 100.0, lambda: next(seconds))

    assert [clock.now() - noon for _ in range(2)] == [timedelta(0), timedelta(seconds=3.5)]
    assert not clock.is_fresh


def test_a_reading_is_used_until_it_is_old(postgres_url: str) -> None:
    store = connect_store(postgres_url, SystemIds().new, blocking=True, tells_time=True)
    try:
        first, second = run_blocking(store.shared_clock()), run_blocking(store.shared_clock())
    finally:
        run_blocking(store.close())

    assert first is second is not None


@pytest.mark.parametrize("tells_time", [True, False])
def test_sqlite_leaves_the_time_to_its_one_machine(tmp_path: Path, tells_time: bool) -> None:
    url = f"sqlite:///{tmp_path / 'pay.db'}"
    store = connect_store(url, SystemIds().new, blocking=True, tells_time=tells_time)
    try:
        assert run_blocking(store.shared_clock()) is None
    finally:
        run_blocking(store.close())


@contextmanager
def sending(
    url: str, clock: FrozenClock | None = None, rails: SimulatedRails | None = None
) -> Iterator[InvoicePay]:
    """A client whose work is done by a worker."""
    seen = clock or SystemClock()
    rails = rails or SimulatedRails(seen)
    with InvoicePay(url, dispatch="deferred", rails=rails, token=SimulatedTokens(seen), clock=clock) as pay:
        if not pay.parties.list():
            pay.parties.register("ann")
        yield pay


def test_a_worker_whose_machine_is_ahead_takes_no_claim_that_still_holds(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(postgres_url)
    with sending(postgres_url) as pay:
        pay.deposits.initiate("ann", "5.00 USD")
    held = "UPDATE effects SET status = 'sending', fence = 1, lease_until = now() + interval '2 minutes', "
    execute(postgres_url, held + "due_at = now() + interval '2 minutes'")
    monkeypatch.setattr("invoicepay.wiring.SystemClock", Ahead)

    with sending(postgres_url) as wrong:
        done = wrong.run_pending()
        (effect,) = wrong.effects.list()

    assert (done.sent, effect.status, effect.fence) == (0, EffectStatus.SENDING, 1)


class Killed(BaseException):
    """The process is gone; no handler runs."""


class Deadly(SimulatedRails):
    """A bank during whose call the process dies."""

    async def initiate_deposit(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        """Die."""
        raise Killed


def test_a_worker_whose_machine_is_behind_makes_claims_that_hold_for_everybody(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(postgres_url)
    monkeypatch.setattr("invoicepay.wiring.SystemClock", Ahead)
    monkeypatch.setattr(Ahead, "by", -Ahead.by)
    with sending(postgres_url, rails=Deadly(Ahead())) as wrong:
        wrong.deposits.initiate("ann", "5.00 USD")
        with pytest.raises(Killed):
            wrong.run_pending()
        (claimed,) = wrong.effects.list()
    monkeypatch.undo()

    with sending(postgres_url) as right:
        done = right.run_pending()

    assert claimed.lease_until is not None and claimed.last_sent_at is not None
    assert claimed.lease_until > datetime.now(UTC) + LEASE / 2
    assert abs(claimed.last_sent_at - datetime.now(UTC)) < LEASE / 4
    assert done.sent == 0


def test_a_clock_that_the_host_brings_is_the_clock_of_its_workers(postgres_url: str) -> None:
    migrate(postgres_url)
    frozen = FrozenClock("2020-01-01T00:00:00Z")

    with sending(postgres_url, frozen) as pay:
        pay.deposits.initiate("ann", "5.00 USD")
        done = pay.run_pending()
        (effect,) = pay.effects.list()

    assert done.sent == 1
    assert effect.last_sent_at == frozen.now()
