"""The steps of the Circle demo, each over Circle's own wire, spoken by a simulator on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from invoicepay.demo.circle_stage import ASSET, PEOPLE, CircleScene
from invoicepay.domain.effects import EffectKind
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.money import Money
from invoicepay.domain.payments import Payment
from invoicepay.ports.health import Health
from invoicepay.ports.treasury import TreasuryKind, TreasuryOrder

TRANSFER = "POST /v1/w3s/developer/transactions/transfer"


@dataclass(frozen=True, slots=True)
class CircleStep:
    """One step: a title, and what to do; it returns the sentences to show."""

    title: str
    tell: Callable[[CircleScene], list[str]]


def _accounts(scene: CircleScene) -> list[str]:
    scene.pay.parties.register("acme", kind="enterprise")
    for person in PEOPLE:
        scene.pay.parties.register(person)
    return [
        "A simulator on this machine speaks the wire of Circle's two hosts, Wallets and Mint.",
        f"The treasury wallet is {scene.made.treasury_address}; each party gets a wallet on first use.",
        "Mint means release from the treasury, burn means return to it: no call makes or destroys USDC.",
    ]


def _float(scene: CircleScene) -> list[str]:
    scene.circle.wire_in(scene.bank_id, 5_000_000_000)
    scene.circle.finish()
    order = TreasuryOrder(reference="batch-1", amount=Money("2000.00", ASSET))
    scene.do(scene.treasury.fund(order, idempotency_key="batch-1"))
    scene.circle.finish()
    position = scene.do(scene.treasury.position())
    return [
        "The operator wired 5000.00 to Circle, and sent 2000.00 USDC to an approved address: its treasury.",
        f"Now Mint has {position.available} and the treasury wallet {position.wallet}.",
    ]


def _deposit(scene: CircleScene) -> list[str]:
    deposit = scene.pay.deposits.initiate("ann", f"500.00 {ASSET}")
    scene.bank_settles(deposit.id, EffectKind.DEPOSIT)
    scene.wait()
    after = scene.pay.deposits.get(deposit.id)
    return [
        "ann's bank settled 500.00; the reserve was confirmed; 500.00 USDC were released to her wallet.",
        f"Circle told each state by a webhook under its P-256 key: the deposit is {after.status}.",
    ]


def _invoice(scene: CircleScene) -> list[str]:
    invoice = _issued(scene, "Consulting", "100.00")
    payment = _paid(scene, invoice)
    return [
        f"Invoice {invoice.number}: held in the books, moved from wallet to wallet,",
        f"and booked when Circle said COMPLETE: {payment.status}.",
    ]


def _parts(scene: CircleScene) -> list[str]:
    invoice = _issued(scene, "Licence", "90.00")
    said = list[str]()
    for amount in ("30.00", "60.00"):
        payment = _paid(scene, invoice, amount=f"{amount} {ASSET}")
        after = scene.pay.invoices.get(invoice.id)
        said.append(f"{amount}: {payment.payment_type}, {after.remaining} remain, {after.status}.")
    return said


def _over(scene: CircleScene) -> list[str]:
    payment = _paid(scene, _issued(scene, "Hosting", "80.00"), amount=f"100.00 {ASSET}")
    return [f"100.00 on 80.00: {payment.payment_type}; all of it moved, {payment.credit} are ann's credit."]


def _lost(scene: CircleScene) -> list[str]:
    before = scene.circle.outbound()
    scene.faults.drop_answer(on=TRANSFER)
    payment = _paid(scene, _issued(scene, "Support", "40.00"))
    made = scene.circle.outbound() - before
    return [
        "Circle took the order, and the connection broke before it answered.",
        f"It was looked up by its reference, not sent again: {made} transfer, {payment.status}.",
    ]


def _denied(scene: CircleScene) -> list[str]:
    scene.circle.deny_next()
    payment = _paid(scene, _issued(scene, "Import", "30.00"))
    wallet = scene.pay.wallets.get("ann", ASSET)
    return [
        f"Circle's screening denied a transfer of 30.00: the payment is {payment.status},",
        f"the hold was released, ann has {wallet.available} again, and the invoice stays open.",
    ]


def _withdraw(scene: CircleScene) -> list[str]:
    withdrawal = scene.pay.withdrawals.initiate("acme", f"150.00 {ASSET}", account_token="ba_acme")  # noqa: S106
    scene.wait()
    scene.bank_settles(withdrawal.id, EffectKind.PAYOUT)
    after = scene.pay.withdrawals.get(withdrawal.id)
    return [f"acme's 150.00 USDC were returned to the treasury, then the bank paid out: {after.status}."]


def _redeem(scene: CircleScene) -> list[str]:
    order = TreasuryOrder(reference="batch-2", amount=Money("150.00", ASSET))
    scene.do(scene.treasury.sweep(order, idempotency_key="batch-2"))
    scene.circle.finish()
    paid = scene.do(scene.treasury.pay_out(order, idempotency_key="batch-3"))
    scene.circle.finish()
    done = scene.do(scene.treasury.find(TreasuryKind.PAYOUT, paid.provider_ref))
    scene.circle.return_payout(paid.provider_ref, "R03", fee=15_000_000)
    since = scene.circle.now() - timedelta(days=1)
    (back,) = scene.do(scene.treasury.movements(TreasuryKind.PAYOUT, since=since))
    assert done is not None, "Circle forgot a payout"
    return [
        "The treasury swept 150.00 USDC back to Mint and redeemed them to the operator's own bank:",
        f"{done.status} at first; then the bank sent it back, {back.status}, and kept {back.return_fee}.",
    ]


def _health(scene: CircleScene) -> list[str]:
    position = scene.do(scene.treasury.position())
    found = [scene.do(scene.tokens.health()), scene.do(scene.treasury.health())]
    supply = scene.do(scene.tokens.supply(ASSET))
    return [
        f"In parties' wallets {supply}, in the treasury {position.wallet}, at Mint {position.available}.",
        *(f"{health.provider}: {_checks(health)}" for health in found),
    ]


def _checks(health: Health) -> str:
    return "; ".join(f"{one.name} {'ok' if one.is_ok else 'NOT OK'} ({one.detail})" for one in health.checks)


def _issued(scene: CircleScene, what: str, price: str) -> Invoice:
    return scene.pay.invoices.issue(enterprise="acme", customer="ann", lines=[(what, f"{price} {ASSET}")])


def _paid(scene: CircleScene, invoice: Invoice, *, amount: str | None = None) -> Payment:
    """A payment of ann's, once Circle has told what became of it."""
    payment = scene.pay.invoices.pay(invoice.id, payer="ann", amount=amount)
    scene.wait()
    return scene.pay.payments.get(payment.id)


STEPS = (
    CircleStep("Accounts at Circle", _accounts),
    CircleStep("The operator fills its float", _float),
    CircleStep("A deposit is released as USDC", _deposit),
    CircleStep("An invoice, paid from wallet to wallet", _invoice),
    CircleStep("An invoice, paid in two parts", _parts),
    CircleStep("An overpayment becomes credit", _over),
    CircleStep("An answer gets lost", _lost),
    CircleStep("A transfer is denied", _denied),
    CircleStep("USDC become money in the bank", _withdraw),
    CircleStep("The operator redeems, and its bank returns the payout", _redeem),
    CircleStep("Where everything is", _health),
)
