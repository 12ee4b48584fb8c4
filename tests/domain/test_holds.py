"""Holds: their states, and when their time is over."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from invoicepay.domain.holds import HOLD, Hold, HoldCommand, HoldPurpose, HoldStatus, has_expired
from invoicepay.domain.money import Money
from invoicepay.errors import InvalidTransition

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
STATES: tuple[HoldStatus | None, ...] = (None, *HoldStatus)
UNTIL_NOON = Hold(
    id="hld_1",
    owner_id="ann",
    asset="USD",
    amount=Money("10", "USD"),
    captured=Money("0", "USD"),
    purpose=HoldPurpose.AUTHORIZATION,
    expires_at=NOON,
)


@pytest.mark.parametrize(
    ("state", "command"), [pair for pair in product(STATES, HoldCommand) if pair not in HOLD.table]
)
def test_every_step_not_in_the_table_is_refused(state: HoldStatus | None, command: HoldCommand) -> None:
    with pytest.raises(InvalidTransition):
        HOLD.after(state, command)


def test_every_way_out_of_active_is_final() -> None:
    assert HOLD.terminal == {HoldStatus.CAPTURED, HoldStatus.RELEASED, HoldStatus.EXPIRED}


@pytest.mark.parametrize(("seconds", "is_over"), [(-1, False), (0, True), (1, True)])
def test_a_hold_is_over_from_the_instant_of_its_expiry(seconds: int, is_over: bool) -> None:
    assert has_expired(UNTIL_NOON, NOON + timedelta(seconds=seconds)) is is_over


def test_a_hold_without_expiry_is_never_over() -> None:
    assert not has_expired(replace(UNTIL_NOON, expires_at=None), NOON + timedelta(days=9_999))


def test_a_hold_that_has_ended_does_not_expire() -> None:
    assert not has_expired(replace(UNTIL_NOON, status=HoldStatus.CAPTURED), NOON)
