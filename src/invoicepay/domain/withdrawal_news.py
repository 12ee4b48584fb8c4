"""What the token side's and the rail's news about a withdrawal mean: burn first, then payout (spec 4.5)."""

from __future__ import annotations

from dataclasses import replace

from invoicepay.domain import access, effects, holds, postings, wallets
from invoicepay.domain.accounts import Account, Code
from invoicepay.domain.bank_accounts import consequences_of, disable_returned, returned_needs
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus, Observation
from invoicepay.domain.holds import Hold, hold_needs
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.policies import Custody
from invoicepay.domain.receiving import OVERDUE, expected_settlement
from invoicepay.domain.tokens import BURN, Burn, BurnCommand, BurnPurpose, BurnStatus
from invoicepay.domain.withdrawals import WITHDRAWAL, Withdrawal, WithdrawalCommand, WithdrawalStatus
from invoicepay.errors import InvalidTransition, PayoutAccountShort

S, C = WithdrawalStatus, WithdrawalCommand

_PAYOUT_CODES = (
    Code.REDEMPTION_PAYABLE,
    Code.REDEMPTION_IN_TRANSIT,
    Code.REDEMPTION_RETURNED,
    Code.AVAILABLE,
    Code.FROZEN,
)
_NO_CASH_LEFT = (EffectStatus.REJECTED, EffectStatus.FAILED)
_HERE_AGAIN = (*_NO_CASH_LEFT, EffectStatus.RETURNED)


def fold_burn_needs(effect: Effect, seen: Snapshot) -> Needs:
    """The burn, and the withdrawal that it leads to."""
    wanted = need((Burn, effect.cause_id))
    burn = seen.peek(Burn, effect.cause_id)
    if burn is None or burn.purpose is not BurnPurpose.WITHDRAWAL:
        return wanted
    wanted |= need((Withdrawal, burn.withdrawal_id), accounts=_backing(burn.asset))
    withdrawal = seen.peek(Withdrawal, burn.withdrawal_id)
    return wanted | hold_needs(withdrawal.hold_id, seen) if withdrawal else wanted


def _backing(asset: str) -> list[Account]:
    return [Account(Code.BACKING, asset), Account(Code.CUSTODY, asset)]


def fold_burn(change: Change, effect: Effect, seen: Observation) -> None:
    """Follow the burn: final tokens are gone (P-31) and the payout is planned in the same commit.

    Raises:
        InvalidTransition: the books cannot follow; a person has to look.
    """
    burn = change.get(Burn, effect.cause_id)
    burn = replace(burn, provider=seen.provider, provider_ref=seen.provider_ref or burn.provider_ref)
    if burn.purpose is not BurnPurpose.WITHDRAWAL:
        _follow_booked(change, burn, seen)
        return
    status = EffectStatus(seen.status)
    if _is_known(burn, status):
        return
    if burn.status is BurnStatus.PENDING:
        burn = _moved(change, burn, BurnCommand.SUBMIT)
        _step(change, change.get(Withdrawal, burn.withdrawal_id), C.BURN, "withdrawal.burning")
    match status:
        case EffectStatus.ACCEPTED | EffectStatus.SETTLED:
            if burn.status is BurnStatus.UNKNOWN:
                _moved(change, burn, BurnCommand.SUBMIT)
        case EffectStatus.UNKNOWN:
            if burn.status is BurnStatus.SUBMITTED:
                _moved(change, burn, BurnCommand.LOSE)
        case EffectStatus.FINAL:
            _burned(change, burn)
        case EffectStatus.REJECTED | EffectStatus.FAILED:
            _not_burned(change, replace(burn, reason=seen.provider_status))
        case _:
            raise InvalidTransition("burn", burn.status, status)


def _is_known(burn: Burn, status: EffectStatus) -> bool:
    """Whether the books say so already, as when a person confirms them after a doubt."""
    has_failed = burn.status is BurnStatus.FAILED and status in _NO_CASH_LEFT
    return has_failed or (burn.status is BurnStatus.COMPLETED and status is EffectStatus.FINAL)


def _follow_booked(change: Change, burn: Burn, seen: Observation) -> None:
    """A burn that the books have already; a refusal leaves the supply too high until it is retried."""
    if seen.status in (EffectStatus.REJECTED, EffectStatus.FAILED):
        change.put(replace(burn, reason=seen.provider_status), "burn.refused")
    else:
        change.put(burn)


def _moved(change: Change, burn: Burn, command: BurnCommand) -> Burn:
    status = BURN.after(burn.status, command)
    return change.put(replace(burn, status=status), f"burn.{status}")


def _step(change: Change, withdrawal: Withdrawal, command: WithdrawalCommand, event: str) -> Withdrawal:
    status = WITHDRAWAL.after(withdrawal.status, command)
    return change.put(replace(withdrawal, status=status), event)


def _burned(change: Change, burn: Burn) -> None:
    _moved(change, replace(burn, completed_at=change.now), BurnCommand.COMPLETE)
    withdrawal = change.get(Withdrawal, burn.withdrawal_id)
    holds.capture(change, change.get(Hold, withdrawal.hold_id))
    change.post(
        postings.burned(
            burn.party_id,
            burn.asset,
            burn.amount.micros,
            fee=withdrawal.fee.micros,
            custodied=change.programme.asset(burn.asset).custody is Custody.CUSTODIED,
            memo=withdrawal.id,
        )
    )
    plan_payout(change, _step(change, withdrawal, C.COMPLETE_BURN, "withdrawal.burned"))


def plan_payout(change: Change, withdrawal: Withdrawal, supersedes: Effect | None = None) -> Withdrawal:
    """The intent towards the rail that pays a burned withdrawal out, and when to expect it there."""
    expected_at = expected_settlement(change.programme, withdrawal.rail, change.now)
    withdrawal = change.put(replace(withdrawal, expected_settlement_at=expected_at))
    effects.plan(
        change,
        kind=EffectKind.PAYOUT,
        cause=withdrawal,
        amount=withdrawal.payout,
        request={
            "rail": withdrawal.rail,
            "party_id": withdrawal.party_id,
            "account_token": withdrawal.account_token,
        },
        generation=withdrawal.generation,
        supersedes=supersedes,
    )
    return withdrawal


def _not_burned(change: Change, burn: Burn) -> None:
    """The burn failed for certain: the owner has the tokens back (P-12)."""
    _moved(change, burn, BurnCommand.FAIL)
    withdrawal = replace(change.get(Withdrawal, burn.withdrawal_id), reason=burn.reason)
    holds.release(change, change.get(Hold, withdrawal.hold_id), reason="burn failed")
    _step(change, withdrawal, C.FAIL, "withdrawal.failed")


def fold_payout_needs(effect: Effect, seen: Snapshot) -> Needs:
    """The withdrawal, and what is owed to its party for it."""
    wanted = need((Withdrawal, effect.cause_id))
    withdrawal = seen.peek(Withdrawal, effect.cause_id)
    if withdrawal is None:
        return wanted
    party_id, asset = withdrawal.party_id, withdrawal.asset
    return (
        wanted
        | access.owner_needs(party_id, asset)
        | returned_needs(withdrawal.account_token)
        | need(accounts=[Account(code, asset, party_id) for code in _PAYOUT_CODES])
    )


def fold_payout(change: Change, effect: Effect, seen: Observation) -> None:
    """Follow the payout; facts that were skipped are booked first, in order (reliability 1.7, 2.2).

    Raises:
        InvalidTransition: the books cannot follow; a person has to look.
    """
    withdrawal = change.get(Withdrawal, effect.cause_id)
    status = EffectStatus(seen.status)
    is_older = effect.generation != withdrawal.generation
    if status in _HERE_AGAIN and (is_older or withdrawal.status in (S.RETURNED, S.REMINTED)):
        return
    if is_older or withdrawal.mint_id:
        raise InvalidTransition("withdrawal", f"{withdrawal.status}, it went another way since", status)
    reason = "" if withdrawal.reason in (PayoutAccountShort.code, OVERDUE) else withdrawal.reason
    withdrawal = replace(withdrawal, provider=seen.provider, provider_ref=seen.provider_ref, reason=reason)
    match status:
        case EffectStatus.ACCEPTED:
            _submitted(change, withdrawal)
        case EffectStatus.SETTLED | EffectStatus.FINAL:
            _paid(change, _submitted(change, withdrawal))
        case EffectStatus.REJECTED | EffectStatus.FAILED:
            _not_paid(change, replace(withdrawal, reason=seen.provider_status))
        case EffectStatus.RETURNED:
            _returned(change, _paid(change, _submitted(change, withdrawal)), seen.return_code)
        case EffectStatus.RETURN_REVERSED:
            _paid(change, _submitted(change, withdrawal))
        case _:
            return


def _submitted(change: Change, withdrawal: Withdrawal) -> Withdrawal:
    """P-32, unless it is booked; again from 2320 when the bank takes a return back."""
    if withdrawal.status is S.BURNED:
        _post_submitted(change, withdrawal)
        return _step(change, withdrawal, C.SUBMIT_PAYOUT, "withdrawal.payout_submitted")
    if withdrawal.status is S.RETURNED:
        return submit_again(change, withdrawal)
    return change.put(withdrawal)


def submit_again(change: Change, withdrawal: Withdrawal) -> Withdrawal:
    """P-32 from 2320: what came back is on its way once more."""
    _post_submitted(change, withdrawal, again=True)
    return _step(change, withdrawal, C.RETRY_PAYOUT, "withdrawal.payout_submitted")


def _post_submitted(change: Change, withdrawal: Withdrawal, *, again: bool = False) -> None:
    party_id, asset, micros = withdrawal.party_id, withdrawal.asset, withdrawal.payout.micros
    change.post(postings.payout_submitted(party_id, asset, micros, again=again, memo=withdrawal.id))


def _paid(change: Change, withdrawal: Withdrawal) -> Withdrawal:
    """P-33, unless it is booked."""
    if withdrawal.status is S.PAID:
        return withdrawal
    party_id, asset, micros = withdrawal.party_id, withdrawal.asset, withdrawal.payout.micros
    change.post(postings.payout_settled(party_id, asset, micros, memo=withdrawal.id))
    return _step(change, replace(withdrawal, paid_at=change.now), C.SETTLE, "withdrawal.paid")


def give_payout_up(change: Change, withdrawal_id: str, reason: str) -> None:
    """End a payout that never left and will not leave (P-34): the party may name another account."""
    _not_paid(change, replace(change.get(Withdrawal, withdrawal_id), reason=reason))


def _not_paid(change: Change, withdrawal: Withdrawal) -> None:
    """P-34: no cash left; from 2300 when the rail never took it."""
    if withdrawal.status is S.PAID:
        raise InvalidTransition("withdrawal", S.PAID, "fail", hint="Cash that came back is a return.")
    is_taken = withdrawal.status is S.PAYOUT_SUBMITTED
    source = Code.REDEMPTION_IN_TRANSIT if is_taken else Code.REDEMPTION_PAYABLE
    party_id, asset, micros = withdrawal.party_id, withdrawal.asset, withdrawal.payout.micros
    change.post(postings.payout_failed(party_id, asset, micros, source=source, memo=withdrawal.id))
    _step(change, withdrawal, C.RETURN, "withdrawal.returned")


def _returned(change: Change, withdrawal: Withdrawal, return_code: str) -> None:
    """P-35: the cash is back; the party is asked what to do, nothing happens by itself.

    A bad account is not paid again, and after an official's order the wallet waits for a person.
    """
    party_id, asset, micros = withdrawal.party_id, withdrawal.asset, withdrawal.payout.micros
    change.post(postings.payout_returned(party_id, asset, micros, memo=withdrawal.id))
    token = withdrawal.account_token
    disable_returned(change, token, return_code, party_id=party_id, cause_id=withdrawal.id)
    if consequences_of(return_code).freezes_party:
        wallets.freeze_once(change, party_id, asset, reason=f"withdrawal {withdrawal.id} returned")
    _step(change, replace(withdrawal, return_code=return_code), C.RETURN, "withdrawal.returned")
