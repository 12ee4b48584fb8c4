"""Two programmes that start alike: one does one by one what the other does in a batch; both are compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from invoicepay.domain.allocations import Allocation
from invoicepay.domain.codec import to_dict
from invoicepay.domain.credits import CreditLot
from invoicepay.domain.entity import Entity
from invoicepay.domain.events import Event
from invoicepay.domain.holds import Hold
from invoicepay.domain.ids import typeid, uuid7_bytes
from invoicepay.domain.invoices import Invoice, VoidDisposition
from invoicepay.domain.issuing import InvoiceTerms
from invoicepay.domain.lines import Line
from invoicepay.domain.money import Money
from invoicepay.domain.numbering import NumberSeries
from invoicepay.domain.parties import LimitCounter, Party, Wallet
from invoicepay.domain.payments import Payment
from invoicepay.domain.policies import Limits, Numbering, Overpay, Partial, Policy, Programme
from invoicepay.domain.requests import Transfer
from invoicepay.errors import InvoicePayError
from invoicepay.ports.repository import Repository
from invoicepay.use_cases import credits, holds, invoices, parties, requests
from invoicepay.use_cases.invoices.closing import VOID
from invoicepay.use_cases.invoices.issue import FINALIZE, ISSUE
from invoicepay.use_cases.neighbours import carried_out
from invoicepay.use_cases.payments import PAY, PayInvoice
from invoicepay.use_cases.perform import Call, UseCase, call_of, perform
from invoicepay.use_cases.requests.moving import SEND
from tests.support.till import Till

KINDS: tuple[type[Entity], ...] = (
    *(Invoice, Payment, CreditLot, Allocation, NumberSeries, Party, Wallet, LimitCounter, Transfer, Hold),
)
PROGRAMME = Programme(
    limits=Limits(by_tier={0: 400_000_000}, per_call_micros=300_000_000), unknown_parties="refuse"
)
POLICIES = {
    "globex": Policy(fee_bps=250, min_partial_micros=5_000_000),
    "strict": Policy(overpay=Overpay.REFUSE, partial=Partial.REFUSE),
    "capped": Policy(overpay=Overpay.CAP, numbering=Numbering.BLOCK),
}
ENTERPRISES = ("acme", *POLICIES)
CUSTOMERS = ("ann", "ben", "cho", "dan")
PAYERS = ("ann", "ben", "ann", "ben", "ann", "ben", "dan", "cho", "acme", "nobody")
AMOUNTS = ("0.01", "4.00", "20.00", "35.00", "100.00", "130.00", "310.00", "10.001")
BILLS = (
    *(("acme", "ann", "100.00"), ("acme", "ann", "20.00"), ("acme", "ben", "35.00")),
    *(("globex", "ann", "35.00"), ("strict", "ben", "20.00"), ("capped", "cho", "4.00")),
)
DRAFTS = (("acme", "ann", "20.00"), ("acme", "ann", "35.00"), ("capped", "dan", "4.00"))
EXPIRED = 6
"""Where the expired invoice stands among the bills."""
UNKNOWN = 7
"""Where an id of nothing stands."""


class NumberedIds:
    """Ids that count by prefix, so that what is made in the same order is called alike."""

    def __init__(self) -> None:
        self._numbers = Counter[str]()
        self._nonces = count(1)

    def new(self, prefix: str, now: datetime) -> str:
        """The next id of the prefix."""
        self._numbers[prefix] += 1
        chance = (self._numbers[prefix] << 6).to_bytes(10)
        return typeid(prefix, uuid7_bytes(int(now.timestamp() * 1000), chance))

    def nonce(self) -> str:
        """The next nonce."""
        return f"{next(self._nonces):032d}"


@dataclass(frozen=True, slots=True)
class Ask:
    """A command, in any programme that started alike."""

    use_case: UseCase[Any, Any]
    command: Any
    key: str | None


class Twin(Till):
    """One of the two: enterprises with different policies, customers of different means, bills and drafts."""

    def __init__(self, make: Callable[[NumberedIds], Repository], tenant: str = "default") -> None:
        ids = NumberedIds()
        super().__init__(None, PROGRAMME, ids=ids, repository=make(ids), screening=None, tenant_id=tenant)
        for id, policy in POLICIES.items():
            self.enterprise(id, policy)
        self.fund("cho", "50.00 USD")
        self.fund("dan", "0.01 USD")
        freeze = parties.FreezeWallet(party_id="cho", asset="USD", reason="a check")
        self.run(parties.freeze_wallet(self.deps, freeze))
        self.bills = [
            self.issue(total, enterprise=enterprise, customer=customer).id
            for enterprise, customer, total in BILLS
        ]
        soon = self.clock.now() + timedelta(hours=1)
        self.bills.append(self.issue("20.00", expires_at=soon).id)
        self.clock.advance(hours=2)
        self.bills.append("inv_none")
        self.drafts = [
            self.run(invoices.create_draft(self.deps, terms(enterprise, customer, total))).id
            for enterprise, customer, total in DRAFTS
        ]

    def one_by_one(self, asks: Sequence[Ask]) -> list[Any]:
        """The outcome of each call by itself."""
        return [self._alone(ask) for ask in asks]

    def _alone(self, ask: Ask) -> Any:
        try:
            return self.run(perform(self.deps, ask.use_case, ask.command, ask.key))
        except InvoicePayError as refusal:
            return refusal

    def together(self, asks: Sequence[Ask], most: int) -> list[Any]:
        """The outcomes of batches of at most `most`."""
        outcomes: list[Any] = []
        for first in range(0, len(asks), most):
            part = [self._call(ask) for ask in asks[first : first + most]]
            outcomes += self.run(carried_out(self.deps, part, most))
        return outcomes

    def _call(self, ask: Ask) -> Call[Any, Any] | InvoicePayError:
        try:
            return call_of(self.deps, ask.use_case, ask.command, ask.key)
        except InvoicePayError as refusal:
            return refusal

    def _steps(self) -> tuple[Event, ...]:
        async def read() -> tuple[Event, ...]:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                return await reader.events(limit=10_000)

        return self.run(read())

    def stored(self) -> dict[str, Any]:
        """Everything that can be told of the programme from outside."""
        rows = {f"{row.KIND}/{row.id}": to_dict(row) for kind in KINDS for row in self.rows(kind)}
        steps = sorted((step.kind, step.entity_id, step.seq, step.name) for step in self._steps())
        balances = {account.id: micros for account, micros in self.balances().items()}
        return {"rows": rows, "steps": steps, "balances": balances}


def told(outcomes: Sequence[Any]) -> list[dict[str, Any]]:
    """Outcomes as values."""
    return [
        one.to_record() if isinstance(one, InvoicePayError) else {**to_dict(one), "replayed": one.replayed}
        for one in outcomes
    ]


def terms(enterprise: str, customer: str, total: str) -> InvoiceTerms:
    """An invoice over one line."""
    lines = (Line.of("Goods", f"{total} USD"),)
    return InvoiceTerms(enterprise_id=enterprise, customer_id=customer, lines=lines)


def pay(invoice_id: str, payer: str, amount: str | None = None, key: str | None = None) -> Ask:
    """A payment."""
    money = None if amount is None else Money(amount, "USD")
    return Ask(PAY, PayInvoice(invoice_id=invoice_id, payer_id=payer, amount=money), key)


def issue(enterprise: str, customer: str, total: str, key: str | None = None) -> Ask:
    """An invoice."""
    return Ask(ISSUE, terms(enterprise, customer, total), key)


def finalize(invoice_id: str, key: str | None = None) -> Ask:
    """A finalization."""
    return Ask(FINALIZE, invoices.FinalizeInvoice(invoice_id=invoice_id), key)


def void(invoice_id: str, key: str | None = None) -> Ask:
    """An invoice taken back; what was paid becomes credit."""
    command = invoices.VoidInvoice(invoice_id=invoice_id, disposition=VoidDisposition.CREDIT)
    return Ask(VOID, command, key)


def send(payer: str, payee: str, amount: str, key: str | None = None) -> Ask:
    """Tokens from one to another."""
    command = requests.SendTransfer(payer_id=payer, payee_id=payee, amount=Money(amount, "USD"))
    return Ask(SEND, command, key)


def hold(owner: str, amount: str, key: str | None = None) -> Ask:
    """Tokens set aside."""
    return Ask(holds.PLACE, holds.PlaceHold(owner_id=owner, amount=Money(amount, "USD")), key)


def grant(customer: str, amount: str, key: str | None = None) -> Ask:
    """A present of acme."""
    command = credits.GrantCredit(enterprise_id="acme", customer_id=customer, amount=Money(amount, "USD"))
    return Ask(credits.GRANT, command, key)


def drawn(twin: Twin, below: Callable[[int], int], length: int) -> Iterator[Ask]:
    """Any calls; `below` chooses a whole number below another."""

    def one_of(values: Sequence[Any]) -> Any:
        return values[below(len(values))]

    makes: tuple[Callable[[str | None], Ask], ...] = (
        *[
            lambda key: pay(
                one_of([*twin.bills, *twin.bills[:5], twin.drafts[0]]), one_of(PAYERS), part(), key
            )
        ]
        * 5,
        *[lambda key: issue(one_of(ENTERPRISES), one_of(CUSTOMERS), one_of(AMOUNTS), key)] * 2,
        *[lambda key: finalize(one_of([*twin.drafts, *twin.bills[-2:]]), key)] * 2,
        lambda key: void(one_of(twin.bills), key),
        lambda key: send(one_of(CUSTOMERS), one_of(CUSTOMERS), one_of(AMOUNTS), key),
        lambda key: hold(one_of(CUSTOMERS), one_of(AMOUNTS), key),
        lambda key: grant(one_of(CUSTOMERS), one_of(AMOUNTS), key),
    )

    def part() -> str | None:
        return None if below(3) == 0 else str(one_of(AMOUNTS))

    made: list[Ask] = []
    for place in range(length):
        key = one_of((None, f"own-{place}", None, f"own-{place}", None, f"own-{place}", "a"))
        again = made and below(6) == 0
        made.append(replace(one_of(made), key=one_of(("a", "b"))) if again else one_of(makes)(key))
        yield made[-1]


def seeded(twin: Twin, seed: int, length: int) -> list[Ask]:
    """The calls of a seed."""
    chance = Random(seed)
    return list(drawn(twin, chance.randrange, length))


def table(twin: Twin) -> dict[str, list[Ask]]:
    """Calls that have to do with one another, by what they have to do with one another."""
    bills, drafts = twin.bills, twin.drafts
    return {
        "one invoice": [
            *(pay(bills[0], "ann", "35.00"), pay(bills[0], "ben", "35.00"), pay(bills[0], "ann", "100.00")),
            pay(bills[0], "ann"),
        ],
        "one payer who runs out": [pay(bill, "dan", "0.01") for bill in bills[:2]]
        + [pay(bills[2], "ben", "300.00"), pay(bills[4], "ben"), pay(bills[0], "ben"), pay(bills[0], "ben")],
        "money that came in the batch": [
            *(pay(bills[2], "dan", "20.00"), send("ann", "dan", "20.00"), pay(bills[2], "dan", "20.00")),
        ],
        "one key": [pay(bills[0], "ann", "4.00", "k"), pay(bills[0], "ann", "4.00", "k")],
        "one key, another command": [
            *(
                pay(bills[0], "ann", "4.00", "k"),
                pay(bills[1], "ann", "4.00", "k"),
                send("ann", "ben", "4.00", "k"),
            ),
        ],
        "one key of a refusal that was recorded": [
            *(
                pay(bills[2], "dan", "20.00", "k"),
                send("ann", "dan", "20.00"),
                pay(bills[2], "dan", "20.00", "k"),
            ),
        ],
        "a hot enterprise": [pay(bills[0], ("ann", "ben")[n % 2], "0.01") for n in range(12)],
        "a credit that pays a later invoice": [
            *(pay(bills[0], "ann", "130.00"), issue("acme", "ann", "20.00"), finalize(drafts[0])),
            *(finalize(drafts[1]), issue("acme", "ann", "4.00"), issue("acme", "ben", "4.00")),
        ],
        "a void whose credit pays a later invoice": [
            *(
                pay(bills[0], "ben", "35.00"),
                void(bills[0]),
                issue("acme", "ann", "20.00"),
                pay(bills[0], "ann"),
            ),
        ],
        "a present that is used up": [
            *(grant("ann", "35.00"), issue("acme", "ann", "20.00"), issue("acme", "ann", "20.00")),
        ],
        "gapless numbers around refusals": [
            *(issue("acme", "ann", "4.00"), issue("acme", "acme", "4.00"), issue("acme", "nobody", "4.00")),
            *(finalize(drafts[0]), finalize(drafts[0]), finalize(bills[0]), issue("acme", "ann", "4.00")),
        ],
        "numbers in blocks": [issue("capped", CUSTOMERS[n % 4], "4.00") for n in range(8)]
        + [finalize(drafts[2])],
        "limits of a day": [
            pay(bills[0], "ann", "100.00"),
            send("ann", "ben", "300.00"),
            send("ann", "ben", "35.00"),
        ],
        "a hold that leaves too little": [
            hold("ben", "310.00"),
            pay(bills[0], "ben", "100.00"),
            pay(bills[0], "ben"),
        ],
        "what cannot be paid": [
            *(
                pay(bills[UNKNOWN], "ann"),
                pay(bills[EXPIRED], "ann"),
                pay(bills[5], "cho"),
                pay(drafts[0], "ann"),
            ),
            *(pay(bills[4], "ben", "4.00"), pay(bills[3], "ann", "4.00"), pay(bills[5], "ann", "20.00")),
            *(pay(bills[0], "acme"), pay(bills[0], "nobody"), pay(bills[0], "ann", "10.001")),
        ],
    }
