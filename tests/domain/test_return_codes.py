"""The table of ACH return codes: complete, and what follows from each group."""

from __future__ import annotations

import pytest

from invoicepay.domain.return_codes import CONSEQUENCES, RETURN_CODES, ReturnGroup


def test_every_code_of_the_range_is_there_once() -> None:
    numbers = [*range(1, 48), 50, 51, 52, 53, 61, 62, *range(67, 78), *range(80, 86)]
    missing = {f"R{number:02d}" for number in numbers} - RETURN_CODES.keys()

    assert missing == {"R50"}
    assert len(RETURN_CODES) == len(numbers) - 1


def test_every_group_has_codes_and_consequences() -> None:
    assert {code.group for code in RETURN_CODES.values()} == set(ReturnGroup) == set(CONSEQUENCES)


@pytest.mark.parametrize("code", ["R05", "R07", "R10", "R11", "R29", "R16"])
def test_an_unauthorised_debit_or_an_official_order_freezes_the_party(code: str) -> None:
    assert RETURN_CODES[code].consequences.freezes_party


def test_a_consumer_has_sixty_days_and_a_business_two() -> None:
    assert RETURN_CODES["R10"].consequences.calendar_days == 60
    assert RETURN_CODES["R29"].consequences.banking_days == 2


@pytest.mark.parametrize(("code", "again"), [("R01", True), ("R09", True), ("R02", False), ("R08", False)])
def test_only_missing_funds_may_be_tried_again(code: str, again: bool) -> None:
    assert RETURN_CODES[code].consequences.may_represent is again


@pytest.mark.parametrize("code", ["R02", "R03", "R04", "R20"])
def test_a_bad_account_is_not_used_again(code: str) -> None:
    assert RETURN_CODES[code].consequences.disables_account


@pytest.mark.parametrize("code", ["R06", "R31"])
def test_a_return_by_agreement_may_come_at_any_age(code: str) -> None:
    consequences = RETURN_CODES[code].consequences

    assert (consequences.banking_days, consequences.calendar_days) == (None, None)
