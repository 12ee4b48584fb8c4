"""The bank takes a deposit back: before tokens exist (P-04), after they do (P-05), or while they are made."""

from __future__ import annotations

from dataclasses import replace

from invoicepay.domain import access, minting, postings, wallets
from invoicepay.domain.accounts import Account, Code
from invoicepay.domain.bank_accounts import consequences_of, disable_returned, returned_needs
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.deposits import (
    DEPOSIT,
    RESERVE,
    Deposit,
    DepositCommand,
    DepositStatus,
    Reserve,
    ReserveCommand,
    ReserveStatus,
)
from invoicepay.domain.effects import EffectKind, EffectStatus, effects_of
from invoicepay.domain.money import Money, total
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.policies import Custody
from invoicepay.domain.receiving import mint_or_wait
from invoicepay.domain.reserves import cover
from invoicepay.domain.tokens import LIVE_MINTS, BurnPurpose, Mint, MintStatus, mints_of
from invoicepay.errors import InvalidTransition


def return_needs(deposit_id: str, seen: Snapshot) -> Needs:
    """The deposit and everything that its return can touch."""
    wanted = need((Deposit, deposit_id))
    deposit = seen.peek(Deposit, deposit_id)
    if deposit is None:
        return wanted
    wanted |= minting.minting_needs(deposit.party_id, deposit.asset)
    wanted |= access.owner_needs(deposit.party_id, deposit.asset)
    wanted |= need(accounts=_accounts(deposit.party_id, deposit.asset))
    wanted |= returned_needs(deposit.account_token)
    if deposit.reserve_id:
        mints = mints_of(deposit.reserve_id)
        intents = [effects_of(mint.id, EffectKind.MINT) for mint in seen.search(mints)]
        wanted |= need((Reserve, deposit.reserve_id), finds=[mints, *intents])
    return wanted


def _accounts(party_id: str, asset: str) -> list[Account]:
    own = (Code.UNCONFIRMED, Code.UNMINTED, Code.AVAILABLE, Code.FROZEN)
    shared = (Code.INBOUND, Code.RETURN_DUE, Code.FEES_PAYABLE, Code.BACKING, Code.CUSTODY)
    return [Account(code, asset, party_id) for code in own] + [Account(code, asset) for code in shared]


def take_back(change: Change, deposit: Deposit, amount: Money, return_code: str) -> Deposit:
    """Book that the bank took `amount` of a received deposit back; a fact that cannot be refused.

    Tokens that are being made right now are stopped where nothing was sent; where something was, the return
    waits for their outcome (`Deposit.returning`) and is booked with it. After a part went back the rest is
    minted instead, or may go back later.

    Raises:
        InvalidTransition: the deposit never arrived, or not that much of it is left.
    """
    DEPOSIT.after(deposit.status, DepositCommand.RETURN)
    if not deposit.has_arrived:
        raise InvalidTransition("deposit", f"{deposit.status}, nothing arrived", DepositCommand.RETURN)
    if amount > deposit.returnable:
        state = f"{deposit.status}, {deposit.returnable} of it is here"
        raise InvalidTransition("deposit", state, DepositCommand.RETURN)
    deposit = replace(deposit, return_code=return_code)
    _disable(change, deposit)
    mints = _mints(change, deposit)
    stopped = tuple(_stopped(change, mint) for mint in mints)
    if any(mint.status in LIVE_MINTS for mint in stopped):
        waiting = deposit.returning + amount if deposit.returning else amount
        return change.put(replace(deposit, returning=waiting), "deposit.return_parked")
    deposit = settle_return(change, deposit, amount)
    if deposit.status is not DepositStatus.CONFIRMED or stopped == mints:
        return deposit
    return mint_or_wait(change, deposit, change.get(Reserve, deposit.reserve_id), stopped)


def reject(change: Change, deposit: Deposit, reason: str) -> Deposit:
    """End a deposit under review; what arrived of it goes back (P-04)."""
    if deposit.has_arrived:
        reserve = change.get(Reserve, deposit.reserve_id)
        _post_before_mint(change, deposit, deposit.received)
        cancelled = RESERVE.after(reserve.status, ReserveCommand.CANCEL)
        change.put(replace(reserve, status=cancelled), "reserve.cancelled")
    status = DEPOSIT.after(deposit.status, DepositCommand.REJECT)
    return change.put(replace(deposit, status=status, reason=reason), "deposit.rejected")


def _mints(change: Change, deposit: Deposit) -> tuple[Mint, ...]:
    """The mints of the deposit's reserve; a reserve that is not confirmed has none."""
    reserve = change.get(Reserve, deposit.reserve_id)
    return () if reserve.status is ReserveStatus.PENDING else change.find(mints_of(reserve.id))


def _stopped(change: Change, mint: Mint) -> Mint:
    if mint.status not in LIVE_MINTS:
        return mint
    *_, effect = change.find(effects_of(mint.id, EffectKind.MINT))
    if effect.status is not EffectStatus.PLANNED:
        return mint
    return minting.withdraw_mint(change, mint, effect)


def settle_return(change: Change, deposit: Deposit, amount: Money) -> Deposit:
    """Book a return whose mints have all ended: P-04 for what was not minted, P-05 for what was.

    The wallet is frozen where tokens went back, and where the code calls for a person (R10, R16, R29, …).
    """
    deposit = _booked(change, deposit, amount)
    if consequences_of(deposit.return_code).freezes_party:
        _freeze(change, deposit)
    return deposit


def _booked(change: Change, deposit: Deposit, amount: Money) -> Deposit:
    reserve = change.get(Reserve, deposit.reserve_id)
    if reserve.status is ReserveStatus.RETURNED:
        return _returned_again(change, deposit, amount)
    if reserve.status is ReserveStatus.PENDING:
        return _from_inbound(change, deposit, reserve, amount)
    completed = [mint.amount for mint in _mints(change, deposit) if mint.status is MintStatus.COMPLETED]
    unminted = reserve.mintable - total(completed, reserve.asset)
    before = min(amount, unminted) if completed else amount
    if before:
        _from_reserve(change, deposit, reserve, before, unminted)
    if before < unminted:
        return _shrunk(change, deposit, reserve, before)
    if amount > before:
        deposit = _claw_back(change, deposit, amount - before)
    return _ended(change, deposit, reserve, amount)


def _returned_again(change: Change, deposit: Deposit, amount: Money) -> Deposit:
    """P-05 once more: a part had gone back, and now more of what was minted does."""
    if not any(mint.status is MintStatus.COMPLETED for mint in _mints(change, deposit)):
        raise InvalidTransition("deposit", "returned before it was minted", DepositCommand.RETURN)
    deposit = _claw_back(change, deposit, amount)
    deposit = replace(deposit, returned=deposit.received - deposit.left + amount, returning=None)
    return _warned(change, change.put(deposit, "deposit.returned_again"))


def _from_inbound(change: Change, deposit: Deposit, reserve: Reserve, amount: Money) -> Deposit:
    """P-04 before the money was trusted: nothing of ours but the claim on the processor is touched."""
    is_whole = amount >= reserve.amount
    gross = deposit.received if is_whole else amount
    _post_before_mint(change, deposit, gross)
    return _ended(change, deposit, reserve, gross) if is_whole else _shrunk(change, deposit, reserve, amount)


def _from_reserve(change: Change, deposit: Deposit, reserve: Reserve, amount: Money, unminted: Money) -> None:
    """P-04 after the money was trusted: the depositor's claim first, then our fee, then our loss."""
    own = min(amount, unminted)
    fee = min(amount - own, reserve.fee)
    _post_before_mint(change, deposit, amount, fee=fee, lost=amount - own - fee, confirmed=True)


def _post_before_mint(
    change: Change,
    deposit: Deposit,
    amount: Money,
    *,
    fee: Money | None = None,
    lost: Money | None = None,
    confirmed: bool = False,
) -> None:
    fee_micros = fee.micros if fee else 0
    swept = change.balance(Account(Code.FEES_PAYABLE, deposit.asset)) < fee_micros
    steps = postings.returned_before_mint(
        deposit.party_id,
        deposit.asset,
        amount.micros,
        fee=fee_micros,
        confirmed=confirmed,
        swept=swept,
        lost=lost.micros if lost else 0,
        memo=deposit.id,
    )
    for step in steps:
        change.post(step)


def _claw_back(change: Change, deposit: Deposit, amount: Money) -> Deposit:
    """P-05: burn what the party still has, note the rest as owed, and freeze the wallet.

    Only free tokens are taken: open holds are honoured, whoever was promised them gets them (decision D8).
    """
    asset = deposit.asset
    source = access.receiving_code(change, deposit.party_id, asset)
    held = Money.from_micros(change.balance(Account(source, asset, deposit.party_id)), asset)
    burned = min(amount, held)
    steps = postings.returned_after_mint(
        deposit.party_id,
        asset,
        amount.micros,
        burned=burned.micros,
        custodied=change.programme.asset(asset).custody is Custody.CUSTODIED,
        out_of=source,
        memo=deposit.id,
    )
    for step in steps:
        change.post(step)
    if burned:
        minting.book_burn(change, deposit.party_id, burned, BurnPurpose.CLAWBACK, deposit.id)
    _freeze(change, deposit)
    return replace(deposit, recoverable=deposit.recoverable + amount - burned)


def _disable(change: Change, deposit: Deposit) -> None:
    """The account that the money came from is not used again where the code says that it is bad."""
    token, code = deposit.account_token, deposit.return_code
    disable_returned(change, token, code, party_id=deposit.party_id, cause_id=deposit.id)


def _freeze(change: Change, deposit: Deposit) -> None:
    """P-09: what else the party has stays where it is until somebody has looked."""
    wallets.freeze_once(change, deposit.party_id, deposit.asset, reason=f"deposit {deposit.id} returned")


def _shrunk(change: Change, deposit: Deposit, reserve: Reserve, amount: Money) -> Deposit:
    """A part went back before its tokens existed: the rest goes on as if it had never been more.

    Fees that are not taken yet are at most what is left.
    """
    left, received = reserve.amount - amount, deposit.received - amount
    fee = min(reserve.fee, left)
    change.put(replace(reserve, amount=left, fee=fee), "reserve.reduced")
    after = replace(
        deposit,
        received=received,
        fee=fee,
        processor_fee=min(deposit.processor_fee, received),
        returning=None,
    )
    return change.put(after, "deposit.partly_returned")


def _ended(change: Change, deposit: Deposit, reserve: Reserve, amount: Money) -> Deposit:
    gone = RESERVE.after(reserve.status, ReserveCommand.RETURN)
    change.put(replace(reserve, status=gone), "reserve.returned")
    status = DEPOSIT.after(deposit.status, DepositCommand.RETURN)
    ended = replace(deposit, status=status, returning=None, returned=amount)
    return _warned(change, change.put(ended, "deposit.returned"))


def _warned(change: Change, deposit: Deposit) -> Deposit:
    """Tell of a deficit that the return left."""
    if not cover(change, deposit.asset).deficit:
        return deposit
    return change.put(deposit, "reserve.deficit")
