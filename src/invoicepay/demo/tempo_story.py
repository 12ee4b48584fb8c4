"""The steps of the Tempo demo, each with real transactions of a chain on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from invoicepay.bridge import run_blocking
from invoicepay.client.batches import Pay
from invoicepay.demo.tempo_stage import AT_ONCE, NETTED, PEOPLE, TempoScene
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.payments import Payment


@dataclass(frozen=True, slots=True)
class TempoStep:
    """One step: a title, and what to do; it returns the sentences to show."""

    title: str
    tell: Callable[[TempoScene], list[str]]


def _tokens(scene: TempoScene) -> list[str]:
    scene.pay.parties.register("acme", kind="enterprise")
    for person in PEOPLE:
        scene.pay.parties.register(person)
    return [
        "A Tempo chain runs on this machine; two tokens were made on it, with roles and a freeze list.",
        *(
            f"{token.asset} is {token.address}, its transfer policy is {token.policy}."
            for token in scene.tokens
        ),
        "Every party has a wallet with a key of its own; one fee wallet pays for all of them.",
    ]


def _deposit(scene: TempoScene) -> list[str]:
    deposit = scene.wired("ann", f"500.00 {AT_ONCE}")
    scene.wait()
    after = scene.pay.deposits.get(deposit.id)
    return [f"A wire of 500.00 arrived, the reserve was confirmed, tokens were minted: it is {after.status}."]


def _invoice(scene: TempoScene) -> list[str]:
    invoice = _issued(scene, "Consulting", "100.00", AT_ONCE)
    payment = _paid(scene, invoice)
    return [
        f"Invoice {invoice.number}: held in the books, moved on the chain,",
        f"and booked when that was final: {payment.status}.",
    ]


def _several(scene: TempoScene) -> list[str]:
    invoices = [_issued(scene, f"Hour {hour}", "12.50", AT_ONCE) for hour in range(1, 6)]
    scene.pay.invoices.pay_many([Pay(invoice.id, payer="ann") for invoice in invoices])
    scene.wait()
    states = {scene.pay.invoices.get(invoice.id).status.value for invoice in invoices}
    return [f"Five invoices were paid in one call, and share transactions of up to 32: {', '.join(states)}."]


def _over(scene: TempoScene) -> list[str]:
    invoice = _issued(scene, "Hosting", "80.00", AT_ONCE)
    payment = _paid(scene, invoice, amount=f"100.00 {AT_ONCE}")
    return [f"100.00 on 80.00: {payment.payment_type}; all of it moved, {payment.credit} are ann's credit."]


def _frozen(scene: TempoScene) -> list[str]:
    run_blocking(scene.tempo.freeze("ann", AT_ONCE))
    invoice = _issued(scene, "Licence", "30.00", AT_ONCE, customer="bob")
    payment = _paid(scene, invoice)
    run_blocking(scene.tempo.unfreeze("ann", AT_ONCE))
    return [
        f"ann's wallet was frozen on the chain; her payment of {invoice.total} is {payment.status}:",
        f"{payment.failure_reason}. Nothing moved, her hold was released, and the freeze is lifted.",
    ]


def _withdraw(scene: TempoScene) -> list[str]:
    withdrawal = scene.pay.withdrawals.initiate("acme", f"150.00 {AT_ONCE}", account_token="ba_acme")  # noqa: S106
    scene.wait()
    scene.bank_pays(withdrawal.id)
    after = scene.pay.withdrawals.get(withdrawal.id)
    return [
        "acme takes 150.00 to the bank: the issuer pulls the tokens and burns them in one transaction,",
        f"then the bank pays out: {after.status}.",
    ]


def _day(scene: TempoScene) -> list[str]:
    scene.asset = NETTED
    for person in PEOPLE:
        scene.wired(person, f"100.00 {NETTED}")
    invoices = [
        _issued(scene, f"Ride {ride}", f"{ride}.25", NETTED, customer=person)
        for ride in range(1, 5)
        for person in PEOPLE
    ]
    scene.wait()
    for invoice in invoices:
        scene.pay.invoices.pay(invoice.id, payer=invoice.customer_id)
    request = scene.pay.requests.create("bob", f"20.00 {NETTED}", payer="ann")
    scene.pay.requests.approve(request.id, payer="ann")
    return ["Twelve invoices and a request were paid in the books at once; the chain saw only the mints."]


def _settled(scene: TempoScene) -> list[str]:
    before = str(scene.pay.tokens.tie_out(NETTED)).splitlines()
    begun = scene.pay.tokens.settle(NETTED)
    scene.wait()
    run = scene.pay.tokens.settlement(begun)
    after = str(scene.pay.tokens.tie_out(NETTED)).splitlines()
    return [
        f"A run moved {run.moved} in {run.transfers} transfers for thirteen payments: {run.status}. Before:",
        *before,
        "and afterwards:",
        *after,
    ]


def _issued(scene: TempoScene, what: str, price: str, asset: str, *, customer: str = "ann") -> Invoice:
    return scene.pay.invoices.issue(enterprise="acme", customer=customer, lines=[(what, f"{price} {asset}")])


def _paid(scene: TempoScene, invoice: Invoice, *, amount: str | None = None) -> Payment:
    """A payment of ann's, once the chain has told what became of it."""
    payment = scene.pay.invoices.pay(invoice.id, payer="ann", amount=amount)
    scene.wait()
    return scene.pay.payments.get(payment.id)


STEPS = (
    TempoStep("A chain, and two tokens on it", _tokens),
    TempoStep("A deposit becomes tokens on the chain", _deposit),
    TempoStep("An invoice, paid on the chain", _invoice),
    TempoStep("Several payments in one transaction", _several),
    TempoStep("An overpayment becomes credit", _over),
    TempoStep("A frozen wallet", _frozen),
    TempoStep("Tokens become money in the bank", _withdraw),
    TempoStep("A day of payments that are netted", _day),
    TempoStep("The settlement run", _settled),
)
