"""P-01 … P-36: what each fact books in the issuer book, one small function each (spec 5).

Amounts are micros of `asset`. The enterprise book's side of the same facts is derived, see `enterprise_book`.
"""

from __future__ import annotations

from collections.abc import Iterable

from invoicepay.domain.accounts import (
    Account,
    Code,
    Posting,
    account,
    available,
    credit_reserve,
    frozen,
    held,
    posting,
)


def backing(asset: str, *, custodied: bool) -> Account:
    """What stands behind tokens of the asset: earmarked cash, or the held stablecoin itself."""
    return account(Code.CUSTODY if custodied else Code.BACKING, asset)


def deposit_received(party_id: str, asset: str, amount: int, *, memo: str) -> Posting:
    """P-01: the processor captured the money, it is owed to the depositor."""
    inbound, owed = account(Code.INBOUND, asset), account(Code.UNCONFIRMED, asset, party_id)
    return posting("P-01", (inbound, owed, amount), memo=memo)


def reserve_confirmed(
    party_id: str,
    asset: str,
    amount: int,
    *,
    fee: int = 0,
    processor_fee: int = 0,
    borne: bool = False,
    memo: str,
) -> Posting:
    """P-02: the money is final; the operator's fee and the processor's are taken out.

    Args:
        processor_fee: kept by the processor out of `amount`.
        borne: the operator bears the processor's fee (5000); the depositor gets tokens for all of `amount`.
    """
    inbound, cash = account(Code.INBOUND, asset), account(Code.OPERATIONAL, asset)
    owed = account(Code.UNCONFIRMED, asset, party_id)
    unminted = account(Code.UNMINTED, asset, party_id)
    fees, losses = account(Code.FEES_PAYABLE, asset), account(Code.LOSSES, asset)
    lost = processor_fee if borne else 0
    net = amount - fee - (0 if borne else processor_fee)
    made_up = min(lost, net)  # the rest of the operator's loss stands for its own fee
    return posting(
        "P-02",
        (cash, inbound, amount - processor_fee),
        (owed, unminted, net - made_up),
        (losses, unminted, made_up),
        (losses, fees, lost - made_up),
        (owed, fees, fee - (lost - made_up)),
        (owed, inbound, processor_fee),
        memo=memo,
    )


def minted(
    party_id: str, asset: str, amount: int, *, custodied: bool, into: Code = Code.AVAILABLE, memo: str
) -> Posting:
    """P-03: tokens exist; cash moves into the earmark behind them. A frozen wallet receives into 2030."""
    back, cash = backing(asset, custodied=custodied), account(Code.OPERATIONAL, asset)
    unminted = account(Code.UNMINTED, asset, party_id)
    return posting(
        "P-03", (back, cash, amount), (unminted, account(into, asset, party_id), amount), memo=memo
    )


def returned_before_mint(
    party_id: str,
    asset: str,
    amount: int,
    *,
    fee: int,
    confirmed: bool,
    swept: bool = False,
    lost: int = 0,
    memo: str,
) -> tuple[Posting, Posting]:
    """P-04: the bank takes a deposit back before tokens exist; a fact that cannot be refused.

    Args:
        fee: the part of `amount` that the operator gives back of its fee, out of losses once it was `swept`.
        lost: the part that a processor kept and the bank takes back all the same; the operator's loss.
    """
    owed = account(Code.UNMINTED if confirmed else Code.UNCONFIRMED, asset, party_id)
    losses = account(Code.LOSSES, asset)
    due, fees = account(Code.RETURN_DUE, asset), losses if swept else account(Code.FEES_PAYABLE, asset)
    cash = account(Code.OPERATIONAL if confirmed else Code.INBOUND, asset)
    return (
        posting("P-04", (owed, due, amount - fee - lost), (fees, due, fee), (losses, due, lost), memo=memo),
        posting("P-04", (due, cash, amount), memo=memo),
    )


def returned_after_mint(
    party_id: str,
    asset: str,
    amount: int,
    *,
    burned: int,
    top_up: int = 0,
    custodied: bool,
    out_of: Code = Code.AVAILABLE,
    memo: str,
) -> tuple[Posting, ...]:
    """P-05: the bank takes a deposit back after its tokens exist.

    What the party still has (`burned`) is burned, the rest becomes a receivable (1200). `top_up` is the
    operator's own money placed beforehand. `out_of` is 2030 when the wallet is frozen.
    """
    wallet, due = account(out_of, asset, party_id), account(Code.RETURN_DUE, asset)
    owed, cash = account(Code.RETURNED_DEPOSIT, asset, party_id), account(Code.OPERATIONAL, asset)
    steps = [posting("P-05", (wallet, due, burned), (owed, due, amount - burned), memo=memo)]
    if top_up:
        steps.insert(0, buffer_topped_up(asset, top_up, memo=memo))
    if burned:
        steps.append(posting("P-05", (cash, backing(asset, custodied=custodied), burned), memo=memo))
    steps.append(posting("P-05", (due, cash, amount), memo=memo))
    return tuple(steps)


def buffer_topped_up(asset: str, amount: int, *, memo: str) -> Posting:
    """P-05, first line: the operator places own money in the safeguarded account."""
    return posting("P-05", (account(Code.OPERATIONAL, asset), account(Code.BUFFER, asset), amount), memo=memo)


def receivable_recovered(
    party_id: str, asset: str, amount: int, *, custodied: bool, out_of: Code = Code.AVAILABLE, memo: str
) -> tuple[Posting, ...]:
    """P-06: a receivable of a returned deposit is taken from the party's tokens (or 2030) and burned."""
    owed, cash = account(Code.RETURNED_DEPOSIT, asset, party_id), account(Code.OPERATIONAL, asset)
    return (
        posting("P-06", (account(out_of, asset, party_id), owed, amount), memo=memo),
        posting("P-06", (cash, backing(asset, custodied=custodied), amount), memo=memo),
    )


def receivable_written_off(party_id: str, asset: str, amount: int, *, memo: str) -> Posting:
    """P-06: the operator gives a receivable up."""
    owed, losses = account(Code.RETURNED_DEPOSIT, asset, party_id), account(Code.LOSSES, asset)
    return posting("P-06", (losses, owed, amount), memo=memo)


def unmatched_received(asset: str, amount: int, *, memo: str) -> Posting:
    """P-07: money of an unknown owner arrived."""
    return posting(
        "P-07", (account(Code.OPERATIONAL, asset), account(Code.SUSPENSE, asset), amount), memo=memo
    )


def unmatched_matched(party_id: str, asset: str, amount: int, *, memo: str) -> Posting:
    """P-07: its owner is found; it waits to be minted."""
    suspense, unminted = account(Code.SUSPENSE, asset), account(Code.UNMINTED, asset, party_id)
    return posting("P-07", (suspense, unminted, amount), memo=memo)


def unmatched_returned(asset: str, amount: int, *, memo: str) -> Posting:
    """P-07 back: its owner is not found, and it goes back to where it came from."""
    return posting(
        "P-07", (account(Code.SUSPENSE, asset), account(Code.OPERATIONAL, asset), amount), memo=memo
    )


def fees_swept(asset: str, amount: int, *, memo: str) -> Posting:
    """P-08: the operator takes earned fees out of the safeguarded account."""
    return posting(
        "P-08", (account(Code.FEES_PAYABLE, asset), account(Code.OPERATIONAL, asset), amount), memo=memo
    )


def interest_received(asset: str, amount: int, *, memo: str) -> Posting:
    """P-08: the bank paid interest."""
    return posting(
        "P-08", (account(Code.OPERATIONAL, asset), account(Code.RESERVE_INCOME, asset), amount), memo=memo
    )


def interest_taken(asset: str, amount: int, *, memo: str) -> Posting:
    """P-08: the operator takes interest out."""
    return posting(
        "P-08", (account(Code.RESERVE_INCOME, asset), account(Code.OPERATIONAL, asset), amount), memo=memo
    )


def wallet_frozen(party_id: str, asset: str, amount: int, *, memo: str) -> Posting:
    """P-09: spendable tokens are blocked."""
    return posting("P-09", (available(party_id, asset), frozen(party_id, asset), amount), memo=memo)


def wallet_unfrozen(party_id: str, asset: str, amount: int, *, memo: str) -> Posting:
    """P-09 reversed: blocked tokens are spendable again."""
    return posting("P-09", (frozen(party_id, asset), available(party_id, asset), amount), memo=memo)


def placed_on_hold(party_id: str, asset: str, amount: int, *, rule: str = "P-10", memo: str) -> Posting:
    """P-10 (P-30 for a withdrawal): tokens are set aside."""
    return posting(rule, (available(party_id, asset), held(party_id, asset), amount), memo=memo)


def payment_settled(
    payer_id: str,
    enterprise_id: str,
    asset: str,
    *,
    applied: int,
    excess: int,
    source: Code = Code.AVAILABLE,
    into: Code = Code.AVAILABLE,
    ring_fenced: bool = True,
    fee: int = 0,
    platform_id: str = "",
    memo: str,
) -> Posting:
    """P-11: the payer's tokens reach the enterprise; the excess is ring-fenced in 2020.

    Args:
        source: 2010 when the payment was held before, 2000 when it settles at once, 2050 when it arrived from
            outside the programme.
        into: 2030 when the enterprise's wallet is frozen.
        fee: platform fee on the applied part, taken from what the enterprise receives.
    """
    payer = account(source, asset, "" if source is Code.EXTERNAL_HOLDERS else payer_id)
    receiver = account(into, asset, enterprise_id)
    fence = credit_reserve(enterprise_id, asset) if ring_fenced else receiver
    platform = available(platform_id, asset)
    return posting(
        "P-11",
        (payer, receiver, applied - fee),
        (payer, platform, fee),
        (payer, fence, excess),
        memo=memo,
    )


def hold_released(
    party_id: str, asset: str, amount: int, *, into: Code = Code.AVAILABLE, memo: str
) -> Posting:
    """P-12: tokens set aside are spendable again, or land in 2030 when the wallet was frozen meanwhile."""
    return posting("P-12", (held(party_id, asset), account(into, asset, party_id), amount), memo=memo)


def credit_applied(
    enterprise_id: str,
    asset: str,
    amount: int,
    *,
    into: Code = Code.AVAILABLE,
    fee: int = 0,
    platform_id: str = "",
    memo: str,
) -> Posting:
    """P-13: the tokens behind an applied cash credit become the enterprise's own, less the platform's fee."""
    fence, receiver = credit_reserve(enterprise_id, asset), account(into, asset, enterprise_id)
    platform = available(platform_id, asset)
    return posting("P-13", (fence, receiver, amount - fee), (fence, platform, fee), memo=memo)


def credit_fee(enterprise_id: str, platform_id: str, asset: str, fee: int, *, memo: str) -> Posting:
    """P-13 of an unsecured credit: its tokens are the enterprise's own already, the platform's fee is not."""
    return posting("P-13", (available(enterprise_id, asset), available(platform_id, asset), fee), memo=memo)


def credit_refunded(
    enterprise_id: str,
    receiver_id: str,
    asset: str,
    amount: int,
    *,
    ring_fenced: bool = True,
    into: Code = Code.AVAILABLE,
    memo: str,
) -> Posting:
    """P-15: a cash credit goes back to whoever paid it in."""
    source = credit_reserve(enterprise_id, asset) if ring_fenced else available(enterprise_id, asset)
    return posting("P-15", (source, account(into, asset, receiver_id), amount), memo=memo)


def credit_expired(
    enterprise_id: str, asset: str, amount: int, *, into: Code = Code.AVAILABLE, memo: str
) -> Posting:
    """P-16: a cash credit expired; its tokens are the enterprise's own again."""
    receiver = account(into, asset, enterprise_id)
    return posting("P-16", (credit_reserve(enterprise_id, asset), receiver, amount), memo=memo)


def transferred(
    payer_id: str,
    payee_id: str,
    asset: str,
    amount: int,
    *,
    source: Code = Code.AVAILABLE,
    into: Code = Code.AVAILABLE,
    memo: str,
) -> Posting:
    """P-17: tokens move between two parties."""
    return posting(
        "P-17", (account(source, asset, payer_id), account(into, asset, payee_id), amount), memo=memo
    )


def sent_outside(party_id: str, asset: str, amount: int, *, memo: str) -> tuple[Posting, Posting]:
    """P-18: held tokens leave to an address outside the programme."""
    transit, outside = account(Code.IN_TRANSIT, asset), account(Code.EXTERNAL_HOLDERS, asset)
    return (
        posting("P-18", (held(party_id, asset), transit, amount), memo=memo),
        posting("P-18", (transit, outside, amount), memo=memo),
    )


def arrived_from_outside(
    party_id: str, asset: str, amount: int, *, into: Code = Code.AVAILABLE, memo: str
) -> Posting:
    """P-18: tokens arrive from an address outside the programme."""
    outside = account(Code.EXTERNAL_HOLDERS, asset)
    return posting("P-18", (outside, account(into, asset, party_id), amount), memo=memo)


def fence_raised(enterprise_id: str, asset: str, amount: int, *, rule: str, memo: str) -> Posting:
    """P-24, P-27: the enterprise's tokens are ring-fenced behind a credit that a void or credit note made."""
    return posting(
        rule, (available(enterprise_id, asset), credit_reserve(enterprise_id, asset), amount), memo=memo
    )


def fence_lowered(
    enterprise_id: str, asset: str, amount: int, *, into: Code = Code.AVAILABLE, rule: str, memo: str
) -> Posting:
    """P-27 taken back: a voided credit note frees the enterprise's tokens behind its credit."""
    receiver = account(into, asset, enterprise_id)
    return posting(rule, (credit_reserve(enterprise_id, asset), receiver, amount), memo=memo)


def refunded(enterprise_id: str, asset: str, shares: Iterable[tuple[Account, int]], *, memo: str) -> Posting:
    """P-27: tokens go back to the payers' wallets, each their share."""
    source = available(enterprise_id, asset)
    return posting("P-27", *((source, wallet, micros) for wallet, micros in shares), memo=memo)


def burned(party_id: str, asset: str, amount: int, *, fee: int, custodied: bool, memo: str) -> Posting:
    """P-31: held tokens are burned; the cash behind them is owed to the party, the fee to the operator."""
    cash = account(Code.OPERATIONAL, asset)
    payable, fees = account(Code.REDEMPTION_PAYABLE, asset, party_id), account(Code.FEES_PAYABLE, asset)
    return posting(
        "P-31",
        (held(party_id, asset), payable, amount - fee),
        (held(party_id, asset), fees, fee),
        (cash, backing(asset, custodied=custodied), amount),
        memo=memo,
    )


def payout_submitted(party_id: str, asset: str, amount: int, *, again: bool = False, memo: str) -> Posting:
    """P-32: the payout is on its way; `again` after a return (2320 to 2310)."""
    source = Code.REDEMPTION_RETURNED if again else Code.REDEMPTION_PAYABLE
    transit = account(Code.REDEMPTION_IN_TRANSIT, asset, party_id)
    return posting("P-32", (account(source, asset, party_id), transit, amount), memo=memo)


def payout_settled(party_id: str, asset: str, amount: int, *, memo: str) -> Posting:
    """P-33: the cash has left."""
    transit, cash = account(Code.REDEMPTION_IN_TRANSIT, asset, party_id), account(Code.OPERATIONAL, asset)
    return posting("P-33", (transit, cash, amount), memo=memo)


def payout_failed(
    party_id: str, asset: str, amount: int, *, source: Code = Code.REDEMPTION_IN_TRANSIT, memo: str
) -> Posting:
    """P-34: the payout failed before cash left; `source` is 2300 when it was never accepted."""
    back = account(Code.REDEMPTION_RETURNED, asset, party_id)
    return posting("P-34", (account(source, asset, party_id), back, amount), memo=memo)


def payout_returned(party_id: str, asset: str, amount: int, *, memo: str) -> Posting:
    """P-35: the bank sent a settled payout back."""
    back, cash = account(Code.REDEMPTION_RETURNED, asset, party_id), account(Code.OPERATIONAL, asset)
    return posting("P-35", (cash, back, amount), memo=memo)


def reminted(
    party_id: str, asset: str, amount: int, *, custodied: bool, into: Code = Code.AVAILABLE, memo: str
) -> Posting:
    """P-36: a returned payout becomes tokens again."""
    back, cash = account(Code.REDEMPTION_RETURNED, asset, party_id), account(Code.OPERATIONAL, asset)
    return posting(
        "P-36",
        (back, account(into, asset, party_id), amount),
        (backing(asset, custodied=custodied), cash, amount),
        memo=memo,
    )
