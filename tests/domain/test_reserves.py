"""Backing, cover and stale tie-outs as values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from invoicepay.domain.accounts import Account, Code
from invoicepay.domain.deposits import Attestation
from invoicepay.domain.money import Money
from invoicepay.domain.policies import Programme
from invoicepay.domain.reserves import Cover, backing_of, cover_of, deficit_accounts, is_stale

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def usd(text: str) -> Money:
    return Money(text, "USD")


def balances(**amounts: str) -> dict[Account, int]:
    """`a1000="80"` is a control account, `a2000_bob="20"` one of a party."""
    found = {}
    for name, amount in amounts.items():
        code, _, party = name.removeprefix("a").partition("_")
        sign = -1 if amount.startswith("-") else 1
        found[Account(Code(int(code)), "USD", party)] = sign * usd(amount.lstrip("-")).micros
    return found


def test_tokens_are_backed_when_the_earmark_equals_all_of_them() -> None:
    books = balances(a1000="100", a2000_bob="15", a2010_bob="5", a2020_acme="20", a2030_cho="10", a2050="50")

    found = backing_of(books, "USD")

    assert (found.backing, found.tokens, found.is_backed) == (usd("100"), usd("100"), True)


def test_custody_stands_in_for_the_earmark() -> None:
    found = backing_of(balances(a1010="7", a2000_bob="7"), "USD")

    assert found.is_backed
    assert found.custody == usd("7")


def test_another_assets_accounts_do_not_count() -> None:
    books = {**balances(a1000="5", a2000_bob="5"), Account(Code.AVAILABLE, "EUR", "bob"): 1}

    assert backing_of(books, "USD").is_backed


def test_cash_that_backs_no_token_is_no_backing() -> None:
    found = backing_of(balances(a1000="4", a1050="1", a2000_bob="5"), "USD")

    assert not found.is_backed


@pytest.mark.parametrize(
    ("cash", "equity", "receivable", "deficit"),
    [
        ("80", "80", "80", "0"),  # E8 with its buffer, exactly enough
        ("0", "80", "80", "0"),
        ("-80", "0", "80", "80"),  # E8 without a buffer
        ("-10", "5", "0", "10"),  # other people's cash was paid out
        ("0", "10", "25", "15"),
        ("100", "0", "0", "0"),
    ],
)
def test_the_deficit_is_what_the_operator_must_pay_in(
    cash: str, equity: str, receivable: str, deficit: str
) -> None:
    sign = -1 if cash.startswith("-") else 1
    cover = Cover(
        cash=Money.from_micros(sign * usd(cash.lstrip("-")).micros, "USD"),
        equity=usd(equity),
        receivable=usd(receivable),
    )

    assert cover.deficit == usd(deficit)


def test_a_top_up_of_the_deficit_cures_it() -> None:
    before = cover_of("USD", dict.fromkeys(deficit_accounts("USD"), 0) | balances(a1050="-80", a3000="0"), [])

    after = Cover(
        cash=before.cash + before.deficit,
        equity=before.equity + before.deficit,
        receivable=before.receivable,
    )

    assert before.deficit == usd("80")
    assert not after.deficit


def test_losses_eat_the_buffer() -> None:
    books = dict.fromkeys(deficit_accounts("USD"), 0) | balances(a1050="70", a3000="80", a5000="30")

    assert cover_of("USD", books, []).headroom == usd("50")


def attested(at: datetime) -> Attestation:
    return Attestation(
        id="att",
        asset="USD",
        bank_balance=usd("1"),
        ledger_balance=usd("1"),
        supply=usd("1"),
        tokens_outstanding=usd("1"),
        is_tied_out=True,
        as_of=at,
    )


@pytest.mark.parametrize(
    ("hours", "latest", "expected"),
    [
        (None, [], False),
        (24, [], True),
        (24, [attested(NOON - timedelta(hours=24))], False),
        (24, [attested(NOON - timedelta(hours=24, seconds=1))], True),
    ],
)
def test_a_tie_out_is_stale_when_it_is_older_than_the_programme_allows(
    hours: int | None, latest: list[Attestation], expected: bool
) -> None:
    assert is_stale(Programme(attestation_max_age_hours=hours), latest, NOON) is expected
