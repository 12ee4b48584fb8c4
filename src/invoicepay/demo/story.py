"""The steps of the demo, and what is worth looking at after each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from invoicepay.blocking import InvoicePay
from invoicepay.domain.accounts import Account, Booked, Entry
from invoicepay.domain.lines import Line
from invoicepay.domain.money import Money
from invoicepay.domain.schedules import Every


@dataclass(frozen=True, slots=True)
class ChainMove:
    """One movement of tokens in a final block of a chain.

    Attributes:
        kind: `mint`, `burn` or `transfer`.
        source, target: names of ours; empty where tokens are made or destroyed.
    """

    block: int
    hash: str
    kind: str
    source: str
    target: str
    amount: Money
    memo: str


@dataclass(frozen=True, slots=True)
class Look:
    """What changed since the look before.

    Attributes:
        moved: account name, balance before, balance after.
        postings: rule, then one text per entry.
        backing, tokens: equal at every commit.
        chain: what moved on a chain, where there is one.
    """

    moved: tuple[tuple[str, Money, Money], ...]
    postings: tuple[tuple[str, tuple[str, ...]], ...]
    backing: Money
    tokens: Money
    chain: tuple[ChainMove, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of the story: what was checked over everything that was stored.

    Attributes:
        supplies: tokens in the books and on the chain at finality, where there is a chain.
    """

    violations: tuple[str, ...]
    audit_records: int
    audit_is_whole: bool
    checkpoint: str
    supplies: tuple[tuple[Money, Money], ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether nothing was found wrong."""
        is_tied = all(books == chain for books, chain in self.supplies)
        return not self.violations and self.audit_is_whole and is_tied


@dataclass(slots=True)
class Scene:
    """The client, what was seen of it so far, and what steps leave for later ones.

    Attributes:
        asset: whose backing is looked at.
    """

    pay: InvoicePay
    asset: str = "USD"
    before: dict[Account, Money] = field(default_factory=dict[Account, Money])
    last_posting: str = ""
    kept: dict[str, str] = field(default_factory=dict[str, str])

    def look(self) -> Look:
        """Compare with the look before."""
        now = self.pay.ledger.balances()
        accounts = sorted(now.keys() | self.before.keys(), key=lambda account: account.id)
        pairs = ((account, _held(self.before, account), _held(now, account)) for account in accounts)
        moved = tuple((account.name, before, after) for account, before, after in pairs if before != after)
        booked = self.pay.ledger.transactions(after=self.last_posting)
        self.before = dict(now)
        if booked:
            self.last_posting = booked[-1].posting.id
        report = self.pay.reserves.audit(self.asset)
        return Look(moved, tuple(_told(one) for one in booked), report.backing, report.tokens)

    def verdict(self) -> Verdict:
        """Check every invariant and every hash, then seal the trail."""
        violations = self.pay.invariants.check()
        verified = self.pay.audit.verify()
        sealed = self.pay.audit.seal()
        return Verdict(
            tuple(f"{found.rule} {found.subject}: {found.message}" for found in violations),
            verified.records,
            bool(verified),
            sealed.hash if sealed else "",
        )


def _held(balances: Mapping[Account, Money], account: Account) -> Money:
    return balances.get(account, Money.zero(account.asset))


def _told(booked: Booked) -> tuple[str, tuple[str, ...]]:
    return booked.posting.rule, tuple(_entry(entry) for entry in booked.posting.entries)


def _entry(entry: Entry) -> str:
    side = "Dr" if entry.side == "D" else "Cr"
    return f"{side} {entry.account.name} {Money.from_micros(entry.amount, entry.account.asset)}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a title, and what to do; it returns the sentences to show."""

    title: str
    tell: Callable[[Scene], list[str]]


def _people(scene: Scene) -> list[str]:
    scene.pay.parties.register("acme", kind="enterprise")
    for person in ("ann", "bob", "cho"):
        scene.pay.parties.register(person)
    return ["acme issues invoices; ann, bob and cho hold wallets. Your ids, nothing more is kept."]


def _deposit(scene: Scene) -> list[str]:
    deposit = scene.pay.deposits.initiate("ann", "500.00 USD")
    scene.pay.sim.settle(deposit.id)
    done = scene.pay.deposits.get(deposit.id)
    return [
        f"The bank settled 500.00 USD, the reserve was confirmed, tokens were minted: it is {done.status}."
    ]


def _exact(scene: Scene) -> list[str]:
    invoice = scene.pay.invoices.issue(
        enterprise="acme", customer="ann", lines=[Line.of("Consulting", "100.00 USD")]
    )
    payment = scene.pay.invoices.pay(invoice.id, payer="ann")
    return [f"Invoice {invoice.number} over {invoice.total} was paid: {payment.payment_type}."]


def _parts(scene: Scene) -> list[str]:
    invoice = scene.pay.invoices.issue(
        enterprise="acme", customer="ann", lines=[Line.of("Licence", "75.63 USD", tax_rate="0.19")]
    )
    said = [f"Invoice {invoice.number}: {invoice.net} and {invoice.tax} tax make {invoice.total}."]
    for _ in range(3):
        payment = scene.pay.invoices.pay(invoice.id, payer="ann", amount="30.00 USD")
        after = scene.pay.invoices.get(invoice.id)
        said.append(f"30.00 USD: {payment.payment_type}, {after.remaining} remain, {after.status}.")
    return said


def _over(scene: Scene) -> list[str]:
    invoice = scene.pay.invoices.issue(
        enterprise="acme", customer="ann", lines=[Line.of("Hosting", "80.00 USD")]
    )
    payment = scene.pay.invoices.pay(invoice.id, payer="ann", amount="100.00 USD")
    return [
        f"100.00 USD on {invoice.total}: {payment.payment_type}; {payment.credit} are ann's credit.",
        "The tokens behind it are ring-fenced in acme's wallet, so a refund never depends on acme's balance.",
    ]


def _credit(scene: Scene) -> list[str]:
    invoice = scene.pay.invoices.issue(
        enterprise="acme", customer="ann", lines=[Line.of("Support", "25.00 USD")]
    )
    said = [f"Invoice {invoice.number} over {invoice.total}: credit came first, {invoice.remaining} remain."]
    scene.pay.invoices.pay(invoice.id, payer="ann")
    note = scene.pay.invoices.refund(invoice.id, "25.00 USD", reason="Cancelled")
    return [*said, f"Refunded: {note.paid_out} in tokens, {note.recredited} back to the credit."]


def _request(scene: Scene) -> list[str]:
    request = scene.pay.requests.create("bob", "18.50 USD", payer="ann", note="Dinner")
    code = scene.pay.requests.qr(request.id)
    scanned = scene.pay.requests.scan(code.payload)
    scene.pay.requests.approve(request.id, payer="ann")
    return [
        f"bob asks ann for {request.amount}; the signed code says so:",
        *code.text().splitlines(),
        f"ann scanned it ({scanned.amount} to {scanned.payee_id}) and approved.",
    ]


def _split(scene: Scene) -> list[str]:
    parent, (first, second) = scene.pay.requests.split("cho", "30.00 USD", payers=["ann", "bob"], note="Taxi")
    scene.pay.requests.approve(first.id, payer="ann")
    scene.pay.requests.decline(second.id, reason="Walked")
    after = scene.pay.requests.get(parent.id)
    return [f"cho split 30.00 USD: ann paid, bob declined; the split is {after.status} with {after.paid}."]


def _recurring(scene: Scene) -> list[str]:
    schedule = scene.pay.schedules.create(
        enterprise="acme",
        customer="ann",
        lines=[Line.of("Plan", "29.00 USD")],
        every=Every.month(),
        due_in_days=14,
    )
    issued = scene.pay.schedules.run_due()
    again = scene.pay.schedules.run_due()
    scene.pay.schedules.cancel(schedule.id)
    for invoice in issued:
        if invoice.remaining:
            scene.pay.invoices.pay(invoice.id, payer="ann")
    return [f"{len(issued)} due invoice issued and paid; running the scheduler again issued {len(again)}."]


def _withdraw(scene: Scene) -> list[str]:
    withdrawal = scene.pay.withdrawals.initiate("acme", "200.00 USD", account_token="ba_acme")  # noqa: S106
    scene.pay.sim.settle_payout(withdrawal.id)
    scene.kept["withdrawal"] = withdrawal.id
    after = scene.pay.withdrawals.get(withdrawal.id)
    return [f"acme's 200.00 USD were held, burned, then paid out by the bank: {after.status}."]


def _payout_back(scene: Scene) -> list[str]:
    id = scene.kept["withdrawal"]
    scene.pay.sim.return_payout(id, code="R03")
    returned = scene.pay.withdrawals.get(id).status
    scene.pay.withdrawals.remint(id)
    after = scene.pay.withdrawals.get(id).status
    return [f"The bank sent the payout back (R03): {returned}; acme took tokens again: {after}."]


def _deposit_back(scene: Scene) -> list[str]:
    deposit = scene.pay.deposits.initiate("bob", "100.00 USD")
    scene.pay.sim.settle(deposit.id)
    invoice = scene.pay.invoices.issue(
        enterprise="acme", customer="bob", lines=[Line.of("Workshop", "110.00 USD")]
    )
    scene.pay.invoices.pay(invoice.id, payer="bob")
    scene.pay.reserves.top_up("91.50 USD", approved_by="cfo")
    scene.pay.sim.return_deposit(deposit.id, code="R10")
    return [
        "bob deposited 100.00 USD, paid acme, and then told his bank to take the deposit back (R10).",
        "What bob still had was burned, the rest is a receivable that the operator's buffer covers;",
        "acme keeps its money, and tokens still equal backing.",
    ]


STEPS = (
    Step("People and an enterprise", _people),
    Step("A deposit becomes a reserve, then tokens", _deposit),
    Step("An invoice, paid exactly", _exact),
    Step("An invoice with tax, paid in three parts", _parts),
    Step("An overpayment becomes credit", _over),
    Step("Credit pays first; a refund unwinds newest first", _credit),
    Step("A payment request with a QR code", _request),
    Step("A split bill", _split),
    Step("A recurring invoice", _recurring),
    Step("Tokens become money in the bank", _withdraw),
    Step("The bank returns the payout", _payout_back),
    Step("The bank takes a spent deposit back", _deposit_back),
)
