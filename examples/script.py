"""The whole loop as a plain script: deposit, invoice, payment, credit, request, withdrawal, audit.

Run it with: python examples/script.py
"""

from invoicepay import InvoicePay, Line


def main() -> None:
    """Play the loop in memory, with simulated providers, and print each step."""
    with InvoicePay() as pay:
        pay.parties.register("acme", kind="enterprise")
        money_in(pay)
        too_much(pay)
        between_people(pay)
        money_out(pay)
        books(pay)


def money_in(pay: InvoicePay) -> None:
    """A bank delivers; tokens exist once the money is final."""
    deposit = pay.deposits.initiate("ann", "200.00 USD", idempotency_key="deposit-1")
    pay.sim.settle(deposit.id)
    print("deposit   ", pay.deposits.get(deposit.id).status, "| ann has", balance(pay, "ann"))


def too_much(pay: InvoicePay) -> None:
    """An overpaid invoice leaves credit, and the next invoice uses it."""
    lines = [Line.of("Hosting, November", "100.00 USD", tax_rate="0.19"), Line.of("Set-up", "1.00 USD")]
    invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=lines)
    payment = pay.invoices.pay(invoice.id, payer="ann", amount="150.00 USD")
    print("payment   ", payment.payment_type, "| applied", payment.applied, "| credit", payment.credit)
    second = pay.invoices.issue(enterprise="acme", customer="ann", lines=[Line.of("Domain", "12.00 USD")])
    print("next      ", second.number, second.status, "by credit")


def between_people(pay: InvoicePay) -> None:
    """One asks, the other approves."""
    pay.sim.settle(pay.deposits.initiate("ben", "50.00 USD").id)
    request = pay.requests.create(requester="ann", payer="ben", amount="18.50 USD", note="Dinner")
    pay.requests.approve(request.id, payer="ben")
    print("request   ", pay.requests.get(request.id).status, "| ann has", balance(pay, "ann"))


def money_out(pay: InvoicePay) -> None:
    """Tokens are burned, then the bank pays."""
    withdrawal = pay.withdrawals.initiate("acme", "100.00 USD", account_token="ba_acme")
    pay.sim.settle_payout(withdrawal.id)
    print("withdrawal", pay.withdrawals.get(withdrawal.id).status, "| acme has", balance(pay, "acme"))


def books(pay: InvoicePay) -> None:
    """The reserve covers the tokens, the rules hold, the trail is unbroken."""
    report = pay.reserves.audit()
    print("reserve   ", report.backing, "behind tokens of", report.tokens, "| backed:", report.backed)
    print("books     ", "right" if not pay.invariants.check() else "wrong")
    print("trail     ", "unbroken" if pay.audit.verify() else "broken")


def balance(pay: InvoicePay, party: str) -> str:
    """What a party can spend."""
    return str(pay.wallets.get(party).available)


if __name__ == "__main__":
    main()
