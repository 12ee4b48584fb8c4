"""Bank accounts are told apart by their tokens, so that no spelling gets around one that is ruled out."""

from __future__ import annotations

import pytest

from invoicepay.domain.bank_accounts import clean_token
from invoicepay.errors import InvalidText
from invoicepay.use_cases import deposits, withdrawals
from invoicepay.use_cases.bank_accounts import DisableBankAccount, EnableBankAccount
from invoicepay.use_cases.bank_accounts import disable_bank_account as disable
from invoicepay.use_cases.bank_accounts import enable_bank_account as enable
from tests.support.money_desk import MoneyDesk, usd

PADDED = [
    " ba_1",
    "ba_1 ",
    "ba_1\u00a0",
    "ba_1\u200b",
    "ba\u2060_1",
    "\ufeffba_1",
    "ba_1\u3000",
    "ba\u00ad_1",
]


@pytest.mark.parametrize("token", PADDED)
def test_a_token_with_spaces_around_it_or_unseen_characters_names_no_account(token: str) -> None:
    desk = MoneyDesk()
    desk.bring("ann", "100.00")
    one = usd("1.00")
    paid_out = withdrawals.InitiateWithdrawal(party_id="ann", amount=one, rail="wire", account_token=token)
    paid_in = deposits.InitiateDeposit(party_id="ann", amount=one, rail="wire", account_token=token)
    retried = withdrawals.RetryPayout(withdrawal_id=desk.withdraw("ann", "2.00").id, account_token=token)
    enabled = EnableBankAccount(account_token=token, reason="verified", approved_by="cfo")
    for call in (
        withdrawals.initiate_withdrawal(desk.deps, paid_out),
        deposits.initiate_deposit(desk.deps, paid_in),
        withdrawals.retry_payout(desk.deps, retried),
        disable(desk.deps, DisableBankAccount(account_token=token, reason="closed")),
        enable(desk.deps, enabled),
    ):
        with pytest.raises(InvalidText):
            desk.run(call)


@pytest.mark.parametrize("token", ["", "ba_1", "Konto der B\u00e4ckerei", "ba/1:2-3.4"])
def test_any_other_printable_token_is_kept_as_it_is(token: str) -> None:
    assert clean_token(token) == token
