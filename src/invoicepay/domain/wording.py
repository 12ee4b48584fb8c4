"""What people call the accounts and postings of the issuer book, where a code alone says too little."""

from __future__ import annotations

from collections.abc import Mapping

from invoicepay.domain.accounts import Account, Code

RULES: Mapping[str, str] = {
    "P-01": "a deposit was captured",
    "P-02": "a deposit is final",
    "P-03": "tokens are minted",
    "P-04": "a deposit goes back before tokens exist",
    "P-05": "a deposit goes back after its tokens exist",
    "P-06": "a debt from a returned deposit is recovered or given up",
    "P-07": "money of an unknown owner arrives, finds its owner or goes back",
    "P-08": "earned fees or interest move",
    "P-09": "a wallet is frozen or released",
    "P-10": "tokens are set aside",
    "P-11": "a payment settles",
    "P-12": "tokens set aside are released",
    "P-13": "a credit pays an invoice",
    "P-15": "a credit goes back to who paid it in",
    "P-16": "a credit expires",
    "P-17": "tokens go from party to party",
    "P-18": "tokens leave the programme or arrive",
    "P-24": "a voided invoice becomes credit",
    "P-27": "a paid invoice is refunded or becomes credit",
    "P-30": "tokens are set aside for a withdrawal",
    "P-31": "tokens of a withdrawal are burned",
    "P-32": "a payout is on its way",
    "P-33": "a payout arrived",
    "P-34": "a payout failed before cash left",
    "P-35": "the bank sent a payout back",
    "P-36": "a returned payout becomes tokens again",
}
"""What each posting rule is about; who pays whom is in its lines."""

ACCOUNTS: Mapping[Code, str] = {
    Code.BACKING: "cash earmarked behind tokens",
    Code.CUSTODY: "stablecoin held behind tokens",
    Code.OPERATIONAL: "safeguarded cash that backs no token",
    Code.INBOUND: "money that a processor captured",
    Code.RETURNED_DEPOSIT: "owed by {party} for a returned deposit",
    Code.AVAILABLE: "spendable tokens of {party}",
    Code.HELD: "tokens of {party} set aside",
    Code.CREDIT_RESERVE: "tokens of {party} behind its customers' credits",
    Code.FROZEN: "frozen tokens of {party}",
    Code.IN_TRANSIT: "tokens on their way out",
    Code.EXTERNAL_HOLDERS: "tokens outside the programme",
    Code.UNCONFIRMED: "owed to {party} for a deposit that is not final",
    Code.UNMINTED: "owed to {party} until tokens exist",
    Code.REDEMPTION_PAYABLE: "owed to {party} for burned tokens",
    Code.REDEMPTION_IN_TRANSIT: "payout to {party} on its way",
    Code.REDEMPTION_RETURNED: "payout to {party} that came back",
    Code.RETURN_DUE: "owed to the bank for a returned deposit",
    Code.FEES_PAYABLE: "fees earned by the operator",
    Code.RESERVE_INCOME: "interest earned by the operator",
    Code.SUSPENSE: "money of an unknown owner",
    Code.BUFFER: "the operator's own money",
    Code.LOSSES: "the operator's losses",
}


def account_words(account: Account) -> str:
    """An account in words.

    Examples:
        >>> from invoicepay.domain.accounts import available
        >>> account_words(available("ann", "USD"))
        'spendable tokens of ann'
    """
    return ACCOUNTS[account.code].replace("{party}", account.party_id)
