"""A returned payout goes to another account only when screening lets it (spec 10: payee change)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus
from invoicepay.errors import ComplianceBlocked, ComplianceReview, InvoicePayError, NotFound
from invoicepay.ports.screening import Screened, Subject, Verdict
from invoicepay.use_cases.withdrawals import RetryPayout, retry_payout
from tests.support.money_desk import MoneyDesk, S, Says


class Listens:
    """Screening that allows everything and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Subject] = []

    async def screen(self, subject: Subject) -> Screened:
        """Allow."""
        self.asked.append(subject)
        return Screened(verdict=Verdict.ALLOW)


def returned(desk: MoneyDesk) -> Withdrawal:
    """A payout of 100.00 that the bank sent back."""
    desk.bring("ann", "100.00")
    return desk.withdraw("ann", "100.00", until=S.RETURNED)


def test_screening_is_asked_about_the_new_account() -> None:
    desk = MoneyDesk()
    payout = returned(desk)
    listens = Listens()
    desk.deps = replace(desk.deps, screening=listens)

    desk.run(retry_payout(desk.deps, RetryPayout(withdrawal_id=payout.id, account_token="ba_2")))

    assert listens.asked == [
        Subject(action="payee_change", party_id="ann", counterparty_id="ba_2", amount=payout.payout)
    ]
    assert desk.withdrawal(payout.id).status is WithdrawalStatus.PAYOUT_SUBMITTED


@pytest.mark.parametrize(
    ("verdict", "refusal"), [(Verdict.BLOCK, ComplianceBlocked), (Verdict.REVIEW, ComplianceReview)]
)
def test_what_screening_stops_stays_returned(verdict: Verdict, refusal: type[InvoicePayError]) -> None:
    desk = MoneyDesk()
    payout = returned(desk)
    desk.deps = replace(desk.deps, screening=Says(verdict))

    with pytest.raises(refusal):
        desk.run(retry_payout(desk.deps, RetryPayout(withdrawal_id=payout.id, account_token="ba_2")))

    assert desk.withdrawal(payout.id).status is WithdrawalStatus.RETURNED
    assert desk.broken() == []


def test_the_same_key_answers_whatever_screening_says_by_then() -> None:
    desk = MoneyDesk()
    command = RetryPayout(withdrawal_id=returned(desk).id, account_token="ba_2")
    first = desk.run(retry_payout(desk.deps, command, "k1"))
    desk.deps = replace(desk.deps, screening=Says(Verdict.BLOCK))

    assert desk.run(retry_payout(desk.deps, command, "k1")) == first


def test_there_is_nothing_to_screen_without_a_withdrawal() -> None:
    desk = MoneyDesk()

    with pytest.raises(NotFound):
        desk.run(retry_payout(desk.deps, RetryPayout(withdrawal_id="wdr_nothing", account_token="ba_2")))
