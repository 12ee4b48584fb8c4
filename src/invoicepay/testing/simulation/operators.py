"""What the operator's people do: resolve, release, recover, reconcile, and help money that came back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from invoicepay.domain.deposits import Deposit, DepositStatus, UnmatchedFunds, UnmatchedStatus
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.money import Money
from invoicepay.domain.parties import Wallet, WalletStatus
from invoicepay.domain.payments import Channel, Payment, PaymentStatus
from invoicepay.domain.policies import Settlement
from invoicepay.domain.tokens import Burn, BurnStatus, Mint, MintStatus
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus
from invoicepay.testing.simulation.ports import Answer
from invoicepay.testing.simulation.town import Acts, Town, cents_of

if TYPE_CHECKING:
    from invoicepay.testing.simulation.hand import Hand

operator: Acts = Acts()
S = EffectStatus
LONG_ENOUGH = timedelta(minutes=3)
"""How long after the last send a person believes what the provider shows."""
COLLEAGUE = "auditor"


@operator(10)
async def resolves(town: Town, hand: Hand, _me: str) -> None:
    """Say what became of an intent in review, as its provider shows it by now."""
    in_review = town.mirror.recent(Effect, lambda row: row.status is S.NEEDS_REVIEW)
    ripe = [row for row in in_review if (row.last_sent_at or row.created_at) + LONG_ENOUGH < hand.now]
    if not ripe:
        return
    effect = hand.draw.one_of(ripe)
    status, amount = _truth(town, effect)
    if status is None:
        return
    await town.insist(
        hand,
        f"two people call {effect.id} {status}",
        lambda pay, key: pay.effects.resolve(
            effect.id,
            status,
            reason="as the provider shows it",
            approved_by=COLLEAGUE,
            amount=amount,
            idempotency_key=key,
        ),
    )


def _truth(town: Town, effect: Effect) -> tuple[EffectStatus | None, Money | None]:
    """What the provider has: the last word, and the amount where a deposit brought another one."""
    movements = town.facts.of(effect.id)
    told = [status for movement in movements for status in movement.told]
    if not told:
        return S.REJECTED, None
    if len(movements) > 1 or told[-1] not in _WORDS:
        return None, None
    status = _WORDS[told[-1]]
    if effect.kind is not EffectKind.DEPOSIT or status not in (S.SETTLED, S.FINAL):
        return status, None
    amount = Money.from_micros(town.facts.moved(effect.id), effect.asset)
    return status, amount if amount.micros > 0 and amount != effect.amount else None


_WORDS = {
    "settled": S.SETTLED,
    "final": S.FINAL,
    "failed": S.FAILED,
    "rejected": S.REJECTED,
    "cancelled": S.FAILED,
    "returned": S.RETURNED,
    "return_reversed": S.RETURN_REVERSED,
    "pending": S.ACCEPTED,
    "sent": S.ACCEPTED,
}


@operator(6)
async def releases_what_waits(town: Town, hand: Hand, _me: str) -> None:
    """Let a deposit or withdrawal that screening stopped go on, or refuse the withdrawal."""
    stopped = town.mirror.recent(Withdrawal, lambda row: row.status is WithdrawalStatus.IN_REVIEW)
    if stopped:
        waiting, is_fraud = stopped[0], hand.draw.chance(250)
        await town.insist(
            hand,
            f"the operator {'rejects' if is_fraud else 'releases'} {waiting.id}",
            lambda pay, key: (
                pay.withdrawals.reject(waiting.id, reason="fraud", idempotency_key=key)
                if is_fraud
                else pay.withdrawals.release(waiting.id, idempotency_key=key)
            ),
        )
        return
    deposits = town.mirror.recent(Deposit, lambda row: row.status is DepositStatus.IN_REVIEW)
    if deposits:
        deposit = deposits[0]
        await town.insist(
            hand,
            f"the operator releases {deposit.id}",
            lambda pay, key: pay.deposits.release(deposit.id, idempotency_key=key),
        )


@operator(10)
async def helps_a_payout_that_came_back(town: Town, hand: Hand, _me: str) -> None:
    """Make it tokens again, or send it to another account."""
    returned = town.mirror.recent(Withdrawal, lambda row: row.status is WithdrawalStatus.RETURNED)
    if not returned:
        return
    withdrawal = hand.draw.one_of(returned)
    if hand.draw.chance(500):
        await town.insist(
            hand,
            f"{withdrawal.id} becomes tokens again",
            lambda pay, key: pay.withdrawals.remint(withdrawal.id, idempotency_key=key),
        )
        return
    account = f"tok_{withdrawal.party_id}_{hand.draw.whole(10, 15)}"
    await town.insist(
        hand,
        f"{withdrawal.id} is sent to {account}",
        lambda pay, key: pay.withdrawals.retry_payout(
            withdrawal.id, account_token=account, idempotency_key=key
        ),
    )


@operator(8)
async def tries_tokens_again(town: Town, hand: Hand, _me: str) -> None:
    """Send a mint or burn that failed for certain under a new intent."""
    mints = town.mirror.recent(Mint, lambda row: row.status is MintStatus.FAILED)
    if mints:
        mint = hand.draw.one_of(mints)
        await town.insist(
            hand,
            f"{mint.id} is tried again",
            lambda pay, key: pay.tokens.retry_mint(mint.id, idempotency_key=key),
        )
        return
    refused = town.mirror.recent(Burn, lambda row: row.status is BurnStatus.COMPLETED and bool(row.reason))
    if refused:
        burn = hand.draw.one_of(refused)
        await town.insist(
            hand,
            f"{burn.id} is tried again",
            lambda pay, key: pay.tokens.retry_burn(burn.id, idempotency_key=key),
        )


@operator(20)
async def recovers(town: Town, hand: Hand, _me: str) -> None:
    """Take what a returned deposit left owing from tokens that came since; rarely give it up."""
    owing = town.mirror.recent(
        Deposit, lambda row: row.status is DepositStatus.RETURNED and bool(row.recoverable)
    )
    if not owing:
        return
    deposit = hand.draw.one_of(owing)
    if hand.draw.chance(100):
        await town.insist(
            hand,
            f"{deposit.recoverable} of {deposit.id} are written off",
            lambda pay, key: pay.deposits.write_off(deposit.id, approved_by=COLLEAGUE, idempotency_key=key),
        )
        return
    await town.insist(
        hand,
        f"{deposit.recoverable} of {deposit.id} are recovered",
        lambda pay, key: pay.deposits.recover(deposit.id, idempotency_key=key),
    )


@operator(6)
async def unfreezes(town: Town, hand: Hand, _me: str) -> None:
    """Let a wallet move again."""
    blocked = town.mirror.recent(Wallet, lambda row: row.status is WalletStatus.FROZEN)
    if blocked:
        wallet = hand.draw.one_of(blocked)
        await town.insist(
            hand,
            f"{wallet.party_id}'s {wallet.asset} move again",
            lambda pay, key: pay.wallets.unfreeze(
                wallet.party_id, wallet.asset, reason="looked at", idempotency_key=key
            ),
        )


@operator(1)
async def freezes(town: Town, hand: Hand, _me: str) -> None:
    """Stop a wallet."""
    party, asset = hand.draw.one_of(town.plan.everybody), town.asset(hand.draw)
    await town.insist(
        hand,
        f"{party}'s {asset} stand still",
        lambda pay, key: pay.wallets.freeze(party, asset, reason="court order", idempotency_key=key),
    )


@operator(3)
async def tops_up(town: Town, hand: Hand, _me: str) -> None:
    """Put money of the operator's own into the safeguarded account."""
    amount = town.price(hand.draw, town.asset(hand.draw))
    answer = await town.insist(
        hand,
        f"the operator tops up {amount}",
        lambda pay, key: pay.reserves.top_up(amount, approved_by=COLLEAGUE, idempotency_key=key),
    )
    _cash_came(hand, answer, amount)


@operator(6)
async def books_a_transfer(town: Town, hand: Hand, _me: str) -> None:
    """Record money that came over a rail which the library does not see."""
    party, amount = hand.draw.one_of(town.plan.everybody), town.price(hand.draw, town.asset(hand.draw))
    answer = await town.insist(
        hand,
        f"{amount} of {party} are in the lockbox",
        lambda pay, key: pay.deposits.record(
            party, amount, provider="lockbox", provider_ref=f"box {key}", idempotency_key=key
        ),
    )
    _cash_came(hand, answer, amount)


@operator(3)
async def finds_stray_money(town: Town, hand: Hand, _me: str) -> None:
    """Money of an unknown owner is at the bank, or somebody finds out whose it is, or it goes back."""
    draw = hand.draw
    stray = town.mirror.recent(UnmatchedFunds, lambda row: row.status is UnmatchedStatus.OPEN)
    if not stray or draw.chance(300):
        amount = town.price(draw, town.asset(draw))
        answer = await town.insist(
            hand,
            f"{amount} came from nobody",
            lambda pay, key: pay.reserves.record_unmatched(
                amount, provider="lockbox", provider_ref=f"stray {key}", idempotency_key=key
            ),
        )
        _cash_came(hand, answer, amount)
        return
    found, party = draw.one_of(stray), draw.one_of(town.plan.everybody)
    if draw.chance(500):
        await town.insist(
            hand,
            f"{found.id} is {party}'s",
            lambda pay, key: pay.reserves.match(found.id, party=party, idempotency_key=key),
        )
        return
    answer = await town.insist(
        hand,
        f"{found.id} goes back",
        lambda pay, key: pay.reserves.return_unmatched(found.id, idempotency_key=key),
    )
    _cash_came(hand, answer, -found.amount)


@operator(2)
async def sweeps_fees(town: Town, hand: Hand, _me: str) -> None:
    """Take earned fees out of the safeguarded account."""
    amount = cents_of(hand.draw.whole(1, 25), town.asset(hand.draw))
    answer = await town.insist(
        hand,
        f"the operator takes {amount} of fees",
        lambda pay, key: pay.reserves.sweep_fees(amount, idempotency_key=key),
    )
    _cash_came(hand, answer, -amount)


def _cash_came(hand: Hand, answer: Answer[object], amount: Money) -> None:
    """The bank has it, too; a negative amount left."""
    if answer.refusal is None:
        hand.rails.add_cash(amount)


@operator(2)
async def reverses_a_payment(town: Town, hand: Hand, _me: str) -> None:
    """Take a settled payment back, with a colleague."""
    settled = town.mirror.recent(
        Payment, lambda row: row.status is PaymentStatus.COMPLETED and row.channel is Channel.PULL
    )
    if settled:
        payment = hand.draw.one_of(settled)
        await town.insist(
            hand,
            f"{payment.id} of {payment.amount} is reversed",
            lambda pay, key: pay.payments.reverse(
                payment.id, approved_by=COLLEAGUE, reason="error", idempotency_key=key
            ),
        )


@operator(6)
async def settles_nets(town: Town, hand: Hand, _me: str) -> None:
    """Bring the chain to where the book is, for an asset that is netted."""
    programme = hand.mix.programme
    netted = [code for code in town.plan.assets if programme.asset(code).settlement is Settlement.NETTED]
    if netted:
        await town.insist(
            hand,
            f"{netted[0]} is settled",
            lambda pay, key: pay.tokens.settle(netted[0], idempotency_key=key),
        )


@operator(2)
async def repeats_a_call(town: Town, hand: Hand, _me: str) -> None:
    """Somebody's client asks again what was answered already."""
    await town.repeat(hand)
