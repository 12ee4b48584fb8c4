"""People are told of what happens to them: whom, in which words, how often, and never in the way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from invoicepay import (
    AsyncInvoicePay,
    Contact,
    Event,
    Invoice,
    InvoicePay,
    Letter,
    Notices,
    Occasion,
    Programme,
    Template,
)
from invoicepay.adapters.mail import ConsoleNotifier
from invoicepay.errors import ConfigurationError, InvalidInput, ProviderRejected, ProviderUnavailable
from invoicepay.ports.notifier import Notice
from invoicepay.testing.clock import FrozenClock

PEOPLE = {
    "ann": Contact(email="ann@example.org", name="Ann"),
    "ben": Contact(email="ben@example.org", name="Ben"),
    "acme": Contact(email="billing@acme.example", name="Acme & Sons", postal_address=("Mill Road 1",)),
}


def look_up(party: str, tenant: str) -> Contact | None:
    return PEOPLE.get(party) if tenant == "default" else None


class Box:
    """A notifier that keeps what it is given, or fails as it is told to."""

    def __init__(self) -> None:
        self.notices = list[Notice]()
        self.trouble: Exception | None = None

    async def notify(self, notice: Notice) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.notices.append(notice)

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(notice.event, notice.to.email) for notice in self.notices]


class Town:
    def __init__(self, **options: Any) -> None:
        self.box, self.clock = Box(), FrozenClock("2026-01-05T09:00:00Z")
        contacts = options.pop("contacts", look_up)
        self.pay = InvoicePay(clock=self.clock, notices=Notices(self.box, contacts=contacts, **options))
        self.pay.sim.settle(self.pay.deposits.initiate("ann", "500.00 USD"))

    def issue(self, **terms: Any) -> Invoice:
        lines = [("Hosting <b>", "120.00 USD")]
        return self.pay.invoices.issue(enterprise="acme", customer="ann", lines=lines, **terms)


def test_an_invoice_that_is_sent_goes_to_its_customer_as_a_file_with_a_code() -> None:
    town = Town()
    town.pay.invoices.send(town.issue(due_on=date(2026, 1, 31), note="Thanks"))

    (notice,) = town.box.notices
    (file,) = notice.attachments
    page = file.content.decode()
    assert (notice.to.email, notice.subject) == ("ann@example.org", "Invoice A-0001 from Acme & Sons")
    assert "Total: 120.00 USD" in notice.text
    assert "31 January 2026" in notice.text
    assert "Acme &amp; Sons" in notice.html and "<p>Hello Ann,</p>" in notice.html
    assert (file.name, file.media_type) == ("invoice-A-0001.html", "text/html")
    assert "Hosting &lt;b&gt;" in page and "<svg" in page and "Mill Road 1" in page
    assert notice.reply_to == PEOPLE["acme"]


@pytest.mark.parametrize(
    ("amounts", "events", "said"),
    [
        (["120.00 USD"], ["invoice.paid"], "is paid. Thank you."),
        (["50.00 USD"], ["invoice.partially_paid"], "Still open: 70.00 USD"),
        (["150.00 USD"], ["invoice.paid"], "now your credit: 30.00 USD"),
        (["50.00 USD", "70.00 USD"], ["invoice.partially_paid", "invoice.paid"], "is paid"),
    ],
)
def test_a_payment_is_confirmed_with_what_is_left_or_became_credit(
    amounts: list[str], events: list[str], said: str
) -> None:
    town = Town()
    invoice = town.issue()
    for amount in amounts:
        town.pay.invoices.pay(invoice, payer="ann", amount=amount)

    assert town.box.told == [(name, "ann@example.org") for name in events]
    assert said in town.box.notices[-1].text


def test_an_overdue_invoice_is_reminded_of_once() -> None:
    town = Town()
    town.issue(due_on=date(2026, 1, 31))
    for day in ("2026-01-31T23:00:00Z", "2026-02-01T01:00:00Z", "2026-02-02T01:00:00Z"):
        town.clock.set(day)
        town.pay.run_pending()

    assert town.box.told == [("invoice.overdue", "ann@example.org")]
    assert "was due on 31 January 2026" in town.box.notices[0].text


def test_who_is_asked_for_money_is_told_and_learns_no_address() -> None:
    town = Town()
    town.pay.requests.create(requester="ann", payer="ben", amount="18.50 USD", note="Dinner & more")
    town.pay.requests.create(requester="ann", amount="5.00 USD")  # open to whoever scans it

    (notice,) = town.box.notices
    assert (notice.to.email, notice.subject) == ("ben@example.org", "Ann asks you for 18.50 USD")
    assert "Note: Dinner & more" in notice.text
    assert "Dinner &amp; more" in notice.html
    assert notice.reply_to is None
    assert "ann@example.org" not in notice.text + notice.html


def test_each_part_of_a_split_is_asked_of_its_payer() -> None:
    town = Town()
    town.pay.requests.split(requester="acme", payers=["ann", "ben"], amount="9.00 USD")

    assert sorted(town.box.told) == [
        ("request.created", "ann@example.org"),
        ("request.created", "ben@example.org"),
    ]


def test_whoever_pays_a_request_to_many_is_not_asked_again() -> None:
    town = Town()
    request = town.pay.requests.create(requester="ben", amount="5.00 USD", uses="many")
    town.pay.requests.approve(request, payer="ann")

    assert town.box.told == []


@pytest.mark.parametrize("answer", [None, Contact(name="Ann, who has no mail")])
def test_nobody_is_told_whom_the_host_gives_no_address_of(answer: Contact | None) -> None:
    town = Town(contacts=lambda party, tenant: answer)
    town.pay.invoices.send(town.issue())

    assert town.box.told == []
    assert not town.pay.run_pending().undelivered


def test_the_host_is_asked_with_the_tenant_so_that_equal_ids_stay_apart() -> None:
    asked = list[tuple[str, str]]()

    def noted(party: str, tenant: str) -> Contact | None:
        asked.append((party, tenant))
        return look_up(party, tenant)

    town = Town(contacts=noted)
    other = town.pay.tenant("north")
    other.invoices.send(other.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "1.00 USD")]))

    assert town.box.told == []
    assert asked == [("ann", "north")]


def test_what_is_told_again_has_the_id_of_the_first_time() -> None:
    town = Town()
    failed = list[str]()

    @town.pay.on("invoice.sent")
    def ship(event: Event) -> None:
        failed.append(event.id)

    town.box.trouble = ProviderUnavailable()
    town.pay.invoices.send(town.issue())
    town.box.trouble = None
    town.pay.run_pending()

    (notice,) = town.box.notices
    assert len(failed) >= 2
    assert set(failed) == {notice.id}


def test_trouble_holds_back_the_events_of_one_thing_only_and_no_call() -> None:
    town = Town()
    town.box.trouble = ProviderUnavailable("no mail today")
    first = town.issue()
    town.pay.invoices.send(first)
    town.pay.invoices.pay(first, payer="ann")
    town.box.trouble = None
    town.pay.invoices.send(town.issue())

    assert [name for name, _ in town.box.told] == ["invoice.sent", "invoice.paid", "invoice.sent"]


def test_what_can_never_be_told_is_logged_and_let_go(caplog: pytest.LogCaptureFixture) -> None:
    town = Town()
    town.box.trouble = ProviderRejected("the mail server refused the recipient: 550")
    with caplog.at_level(logging.INFO, "invoicepay.notices"):
        town.pay.invoices.send(invoice := town.issue())

    assert not town.pay.run_pending().undelivered
    assert caplog.messages == [
        f"invoice.sent of {invoice.id} could not be told and is given up: "
        "the mail server refused the recipient: 550"
    ]
    assert "ann" not in caplog.text.replace(invoice.id, "")  # of whose letters some are drawn


def test_what_is_older_than_three_days_is_not_told_any_more() -> None:
    town = Town()
    town.box.trouble = ProviderUnavailable()
    town.pay.invoices.send(town.issue())
    town.clock.advance(days=3, seconds=1)
    town.box.trouble = None

    assert not town.pay.run_pending().undelivered
    assert town.box.told == []


def test_the_host_writes_its_own_letters_and_silences_ours() -> None:
    def thanks(occasion: Occasion) -> Letter:
        return Letter(subject=f"Merci {occasion.to.name}", text=f"{occasion.invoice.total} – merci !")

    def paid_out(occasion: Occasion) -> Letter:
        return Letter(subject="Your money is on its way", text=occasion.greeting, html="<i>Hello</i>")

    templates: dict[str, Template | None] = {
        "invoice.paid": Template("customer_id", thanks),
        "deposit.completed": Template("party_id", paid_out),
        "invoice.sent": None,
    }
    town = Town(templates=templates)
    town.pay.invoices.send(invoice := town.issue())
    town.pay.invoices.pay(invoice, payer="ann")

    assert [(n.event, n.subject) for n in town.box.notices] == [
        ("deposit.completed", "Your money is on its way"),
        ("invoice.paid", "Merci Ann"),
    ]
    assert town.box.notices[0].html == "<i>Hello</i>"
    assert "120.00 USD – merci !" in town.box.notices[1].html


@pytest.mark.parametrize("subject", ["Paid\r\nBcc: all@example.org", "Paid\nX: y", "a\x00b", "", "  "])
def test_a_letter_that_would_break_out_of_its_header_is_given_up(
    subject: str, caplog: pytest.LogCaptureFixture
) -> None:
    templates = {"invoice.sent": Template("customer_id", lambda _: Letter(subject=subject, text="x"))}
    town = Town(templates=templates)
    town.pay.invoices.send(town.issue())

    assert town.box.notices == []
    assert "given up" in caplog.text
    assert "Bcc" not in caplog.text


@pytest.mark.parametrize(
    "email",
    [
        "ann",
        "ann@",
        "@example.org",
        "ann@example.org, ben@example.org",
        "Ann <ann@example.org>",
        "ann@example.org\nBcc: ben@example.org",
        "ann@example.org\r",
        "ann @example.org",
        '"ann smith"@example.org',
        "ann@exämple.org",
        "ann..lee@example.org",
        "ann@-example.org",
        f"{'a' * 65}@example.org",
        5,
    ],
)
def test_only_one_plain_address_is_a_contacts_email(email: Any) -> None:
    with pytest.raises(InvalidInput, match="plain ASCII address"):
        Contact(email=email)


def test_a_name_that_would_break_out_of_a_header_is_refused_and_none_is_in_a_repr() -> None:
    with pytest.raises(InvalidInput):
        Contact(email="ann@example.org", name="Ann\nBcc: ben@example.org")
    assert "ann" not in repr(Contact(email="ann@example.org", name="ann lee"))


def test_a_look_up_that_answers_something_else_is_told_in_the_summary() -> None:
    town = Town(contacts=lambda party, tenant: "ann@example.org")
    town.pay.invoices.send(town.issue())

    (undelivered,) = town.pay.run_pending().undelivered
    assert "contacts answers a Contact or None, not str" in undelivered.error
    assert "ann@" not in undelivered.error


def test_the_awaiting_client_waits_for_an_async_look_up() -> None:
    import asyncio

    async def slow(party: str, tenant: str) -> Contact | None:
        await asyncio.sleep(0)
        return look_up(party, tenant)

    async def story() -> list[tuple[str, str]]:
        box = Box()
        async with AsyncInvoicePay(notices=Notices(box, contacts=slow)) as pay:
            await pay.requests.create(requester="ann", payer="ben", amount="1.00 USD")
        return box.told

    assert asyncio.run(story()) == [("request.created", "ben@example.org")]


async def an_async_look_up(party: str, tenant: str) -> Contact | None:
    return None


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: InvoicePay(notices=Notices(Box(), contacts=an_async_look_up)), "cannot await"),
        (lambda: InvoicePay(notices=Box()), "notices is a Notices"),  # type: ignore[arg-type]
        (lambda: Notices(Box, contacts=look_up), "notify"),  # type: ignore[arg-type]
        (lambda: Notices(object(), contacts=look_up), "notify"),  # type: ignore[arg-type]
        (lambda: Notices(Box(), contacts=PEOPLE), "function"),  # type: ignore[arg-type]
        (lambda: Notices(Box(), contacts=look_up, max_age=timedelta(0)), "max_age"),
        (lambda: Notices(Box(), contacts=look_up, templates={"invoice.*": None}), "by event"),
        (lambda: Notices(Box(), contacts=look_up, templates={"invoice.paid": print}), "by event"),  # type: ignore[dict-item]
        (
            lambda: InvoicePay(
                environment="production", notices=Notices(ConsoleNotifier(), contacts=look_up)
            ),
            "reach nobody",
        ),
    ],
)
def test_what_cannot_work_is_refused_when_the_client_is_made(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        make()


def test_a_misspelt_event_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"invoice\.paid"):
        Notices(Box(), contacts=look_up, templates={"invoices.paid": None})


def test_nothing_about_people_is_kept_in_the_store(tmp_path: Path) -> None:
    file, box = tmp_path / "pay.db", Box()
    programme = Programme(unknown_parties="register")
    with InvoicePay(f"sqlite:///{file}", programme=programme, notices=Notices(box, contacts=look_up)) as pay:
        lines = [("Seat", "9.00 USD")]
        pay.invoices.send(pay.invoices.issue(enterprise="acme", customer="ann", lines=lines))

    kept = b"".join(part.read_bytes() for part in tmp_path.iterdir())
    assert box.told and b"invoice.sent" in kept
    assert b"ann@example.org" not in kept and b"Acme & Sons" not in kept and b"Mill Road" not in kept


def test_a_dry_run_tells_nobody() -> None:
    town = Town()
    with town.pay.dry_run() as trial:
        trial.invoices.send(
            trial.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "1.00 USD")])
        )

    town.pay.run_pending()
    assert town.box.told == []


def test_what_is_done_in_a_transaction_is_told_once_it_is_committed() -> None:
    town = Town()
    with town.pay.transaction() as tx:
        tx.invoices.send(tx.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "1.00 USD")]))
        assert town.box.told == []

    assert town.box.told == [("invoice.sent", "ann@example.org")]


def test_each_tenant_of_a_pass_over_all_is_told_of_its_own() -> None:
    asked = set[tuple[str, str]]()

    def noted(party: str, tenant: str) -> Contact | None:
        asked.add((party, tenant))
        return Contact(email=f"{party}@{tenant}.example")

    box = Box()
    pay = InvoicePay(notices=Notices(box, contacts=noted), dispatch="deferred")
    for tenant in ("north", "south"):
        pay.tenant(tenant).requests.create(requester="carl", payer="ann", amount="1.00 USD")
    pay.run_pending_everywhere()

    assert sorted(box.told) == [
        ("request.created", "ann@north.example"),
        ("request.created", "ann@south.example"),
    ]
    assert asked == {(who, where) for who in ("ann", "carl") for where in ("north", "south")}
