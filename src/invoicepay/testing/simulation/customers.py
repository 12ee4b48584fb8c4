"""What users do: put money in, pay, ask each other, set tokens aside, take money out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoicepay.domain.credits import CreditLot, CreditStatus
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.payments import Payment, PaymentStatus
from invoicepay.domain.requests import PaymentRequest, RequestStatus
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus
from invoicepay.testing.simulation.town import Acts, Town

if TYPE_CHECKING:
    from invoicepay.testing.simulation.hand import Hand

customer: Acts = Acts()
OWED = (InvoiceStatus.OPEN, InvoiceStatus.PARTIALLY_PAID)
ASKED = (RequestStatus.PENDING, RequestStatus.PARTIALLY_PAID)
RAILS = ("instant", "wire", "bank_credit", "bank_debit", "card")
PAYOUT_RAILS = ("instant", "wire", "bank_credit")


@customer(20)
async def pays(town: Town, hand: Hand, me: str) -> None:
    """Pay an invoice, most often the newest: everybody wants that one."""
    draw = hand.draw
    owed = town.mirror.recent(Invoice, lambda row: row.status in OWED)
    if not owed:
        return
    invoice = owed[0] if draw.chance(500) else draw.one_of(owed)
    amount = None if draw.chance(250) else town.part_of(draw, invoice.remaining)
    what = f"{me} pays {amount or invoice.remaining} on {invoice.id}"
    await town.insist(
        hand,
        what,
        lambda pay, key: pay.acting_as(me).invoices.pay(
            invoice.id, payer=me, amount=amount, idempotency_key=key
        ),
    )


@customer(4)
async def pays_several(town: Town, hand: Hand, me: str) -> None:
    """Pay what is owed to one seller with one amount."""
    owed = town.mirror.recent(Invoice, lambda row: row.status in OWED and row.customer_id == me)
    if not owed:
        return
    invoice = hand.draw.one_of(owed)
    amount, seller = town.affordable(hand.draw, me, invoice.asset), invoice.enterprise_id
    await town.insist(
        hand,
        f"{me} pays {seller} {amount} for whatever is open",
        lambda pay, key: pay.acting_as(me).invoices.pay_several(
            payer=me, amount=amount, enterprise=seller, idempotency_key=key
        ),
    )


@customer(22)
async def deposits(town: Town, hand: Hand, me: str) -> None:
    """Put money in over some rail."""
    amount = town.price(hand.draw, town.asset(hand.draw))
    rail, account = hand.draw.one_of(RAILS), _account(hand, me)
    await town.insist(
        hand,
        f"{me} deposits {amount} by {rail}",
        lambda pay, key: pay.acting_as(me).deposits.initiate(
            me, amount, rail=rail, account_token=account, idempotency_key=key
        ),
    )


@customer(16)
async def withdraws(town: Town, hand: Hand, me: str) -> None:
    """Take money out, often everything."""
    amount = town.affordable(hand.draw, me, town.asset(hand.draw))
    rail, account = hand.draw.one_of(PAYOUT_RAILS), _account(hand, me)
    await town.insist(
        hand,
        f"{me} withdraws {amount} by {rail}",
        lambda pay, key: pay.acting_as(me).withdrawals.initiate(
            me, amount, account_token=account, rail=rail, idempotency_key=key
        ),
    )


def _account(hand: Hand, me: str) -> str:
    return f"tok_{me}_{hand.draw.whole(1, 6)}"


@customer(2)
async def cancels_a_withdrawal(town: Town, hand: Hand, me: str) -> None:
    """Change one's mind, hopefully in time."""
    early = (WithdrawalStatus.HELD, WithdrawalStatus.IN_REVIEW, WithdrawalStatus.BURNING)
    mine = town.mirror.recent(Withdrawal, lambda row: row.party_id == me and row.status in early)
    if mine:
        wanted = mine[0]
        await town.insist(
            hand,
            f"{me} cancels {wanted.id}",
            lambda pay, key: pay.acting_as(me).withdrawals.cancel(wanted.id, idempotency_key=key),
        )


@customer(2)
async def cancels_a_payment(town: Town, hand: Hand, me: str) -> None:
    """Take a payment back that waits for the chain."""
    waiting = (PaymentStatus.PENDING, PaymentStatus.PROCESSING)
    mine = town.mirror.recent(Payment, lambda row: row.payer_id == me and row.status in waiting)
    if mine:
        wanted = mine[0]
        await town.insist(
            hand,
            f"{me} cancels {wanted.id}",
            lambda pay, key: pay.acting_as(me).payments.cancel(wanted.id, idempotency_key=key),
        )


@customer(10)
async def sends(town: Town, hand: Hand, me: str) -> None:
    """Send somebody tokens."""
    amount, payee = (
        town.affordable(hand.draw, me, town.asset(hand.draw)),
        town.other(hand.draw, me),
    )
    await town.insist(
        hand,
        f"{me} sends {payee} {amount}",
        lambda pay, key: pay.acting_as(me).transfers.send(me, payee, amount, idempotency_key=key),
    )


@customer(4)
async def asks_for_money(town: Town, hand: Hand, me: str) -> None:
    """Ask one person, or split a bill among all the others."""
    draw = hand.draw
    amount, others = town.price(draw, town.asset(draw)), [id for id in town.plan.users if id != me]
    expires_at = town.later(hand) if draw.chance(500) else None
    if others and draw.chance(400):
        await town.insist(
            hand,
            f"{me} splits {amount} among {', '.join(others)}",
            lambda pay, key: pay.acting_as(me).requests.split(
                me, amount, payers=others, expires_at=expires_at, idempotency_key=key
            ),
        )
        return
    payer, is_free = draw.one_of(town.plan.everybody), draw.chance(300)
    await town.insist(
        hand,
        f"{me} asks {payer} for {amount}",
        lambda pay, key: pay.acting_as(me).requests.create(
            me,
            amount,
            payer=payer,
            amount_editable=is_free,
            expires_at=expires_at,
            idempotency_key=key,
        ),
    )


@customer(8)
async def answers_a_request(town: Town, hand: Hand, me: str) -> None:
    """Approve what was asked for, now or for later; sometimes decline."""
    draw = hand.draw
    mine = town.mirror.recent(
        PaymentRequest,
        lambda row: row.payer_id == me and row.status in (*ASKED, RequestStatus.ACCEPTED),
    )
    if not mine:
        return
    wanted = draw.one_of(mine)
    if wanted.status is RequestStatus.ACCEPTED:
        await town.insist(
            hand,
            f"{me} takes the approval of {wanted.id} back",
            lambda pay, key: pay.acting_as(me).requests.revoke(wanted.id, idempotency_key=key),
        )
    elif draw.chance(120):
        await town.insist(
            hand,
            f"{me} declines {wanted.id}",
            lambda pay, key: pay.acting_as(me).requests.decline(wanted.id, idempotency_key=key),
        )
    else:
        pay_at = town.later(hand) if draw.chance(200) else None
        await town.insist(
            hand,
            f"{me} approves {wanted.id}",
            lambda pay, key: pay.acting_as(me).requests.approve(
                wanted.id, payer=me, pay_at=pay_at, idempotency_key=key
            ),
        )


@customer(1)
async def withdraws_a_request(town: Town, hand: Hand, me: str) -> None:
    """Not ask any more."""
    mine = town.mirror.recent(PaymentRequest, lambda row: row.requester_id == me and row.status in ASKED)
    if mine:
        wanted = mine[0]
        await town.insist(
            hand,
            f"{me} cancels {wanted.id}",
            lambda pay, key: pay.acting_as(me).requests.cancel(wanted.id, idempotency_key=key),
        )


@customer(5)
async def sets_aside(town: Town, hand: Hand, me: str) -> None:
    """Authorize a seller to capture something within some hours."""
    draw = hand.draw
    amount, seller = town.affordable(draw, me, town.asset(draw)), draw.one_of(town.plan.sellers)
    expires_at = town.later(hand) if draw.chance(700) else None
    await town.insist(
        hand,
        f"{me} sets {amount} aside for {seller}",
        lambda pay, key: pay.acting_as(me).holds.place(
            me, amount, payee=seller, expires_at=expires_at, idempotency_key=key
        ),
    )


@customer(5)
async def pushes(town: Town, hand: Hand, me: str) -> None:
    """Send tokens straight to a seller and tell of it: to pay an invoice, or for nothing that is known."""
    owed = town.mirror.recent(Invoice, lambda row: row.status in OWED and town.is_in_book(row.asset))
    if not owed:
        return
    invoice = hand.draw.one_of(owed)
    amount, is_named = town.part_of(hand.draw, invoice.remaining), not hand.draw.chance(150)
    await town.insist(
        hand,
        f"{me} sends {invoice.enterprise_id} {amount} {f'for {invoice.id}' if is_named else 'for nothing'}",
        lambda pay, key: pay.acting_as(me).invoices.receive(
            invoice.id if is_named else "",
            payer=me,
            amount=amount,
            provider="wallet",
            provider_ref=f"push {key}",
            enterprise=invoice.enterprise_id,
            idempotency_key=key,
        ),
    )


@customer(3)
async def crosses_the_border(town: Town, hand: Hand, me: str) -> None:
    """Send tokens to an address outside."""
    asset = town.asset(hand.draw)
    if town.is_in_book(asset):
        amount = town.affordable(hand.draw, me, asset)
        await town.insist(
            hand,
            f"{me} sends {amount} outside",
            lambda pay, key: pay.acting_as(me).transfers.send_outside(
                me, amount, address="0x01", idempotency_key=key
            ),
        )


@customer(4)
async def uses_credit(town: Town, hand: Hand, me: str) -> None:
    """Pay an invoice from what the seller owes."""
    lots = town.mirror.recent(
        CreditLot, lambda row: row.customer_id == me and row.status is CreditStatus.AVAILABLE
    )
    owed = town.mirror.recent(Invoice, lambda row: row.customer_id == me and row.status in OWED)
    pairs = [
        invoice
        for invoice in owed
        if any((lot.enterprise_id, lot.asset) == (invoice.enterprise_id, invoice.asset) for lot in lots)
    ]
    if pairs:
        invoice = hand.draw.one_of(pairs)
        await town.insist(
            hand,
            f"{me} uses credit on {invoice.id}",
            lambda pay, key: pay.acting_as(me).credits.apply(invoice.id, idempotency_key=key),
        )
