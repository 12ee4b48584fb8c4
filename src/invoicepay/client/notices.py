"""Tells people of events: asks the host who they are, writes the letter, hands it to the notifier."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from logging import getLogger
from typing import TypeAlias

from invoicepay.documents.invoice_page import InvoicePage
from invoicepay.documents.letters import LETTERS, Letter, Occasion, Template, on_behalf_of_id
from invoicepay.documents.qr import QrCode
from invoicepay.domain.codec import from_dict
from invoicepay.domain.entity import Entity, kinds_of
from invoicepay.domain.event_patterns import event_pattern
from invoicepay.domain.events import Event
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.parties import Party
from invoicepay.errors import ConfigurationError, InvalidText, ProviderRejected, StateError
from invoicepay.ports.notifier import Attachment, Contact, Notice, Notifier
from invoicepay.use_cases import queries
from invoicepay.use_cases.outbox import Handler
from invoicepay.use_cases.perform import Deps
from invoicepay.use_cases.requests.codes import payable_code

Contacts: TypeAlias = Callable[[str, str], Contact | Awaitable[Contact | None] | None]
"""Asked with a party's id and its tenant; answers who that is, or None for nobody to be written to."""

NOBODY = Contact()


@dataclass(frozen=True, slots=True)
class Notices:
    """How people are told of what happens to them: after the commit, at least once, never in its way.

    Args:
        notifier: takes notices to people, for example `SmtpNotifier` or `ConsoleNotifier`.
        contacts: your look-up, plain or async: `contacts(party_id, tenant)` answers a `Contact` or None. It
            is asked each time, and nothing of the answer is stored.
        templates: your own letters by event, in place of ours or beside them; None keeps an event silent.
        max_age: what happened longer ago is not told any more, neither after an outage nor when notices are
            added to a store with a history.

    Raises:
        ConfigurationError: a part is none.
        InvalidInput: no event is called that.

    Examples:
        >>> from invoicepay import InvoicePay
        >>> from invoicepay.adapters.mail import ConsoleNotifier
        >>> people = {"ann": Contact(email="ann@example.org", name="Ann")}
        >>> notices = Notices(ConsoleNotifier(), contacts=lambda party, tenant: people.get(party))
        >>> pay = InvoicePay(notices=notices)
    """

    notifier: Notifier
    contacts: Contacts = field(kw_only=True)
    templates: Mapping[str, Template | None] = field(default_factory=dict[str, Template | None], kw_only=True)
    max_age: timedelta = field(default=timedelta(days=3), kw_only=True)

    def __post_init__(self) -> None:
        if isinstance(self.notifier, type) or not hasattr(self.notifier, "notify"):
            raise ConfigurationError(
                "notices need a notifier, which has an async method notify(notice)",
                hint="Pass SmtpNotifier(...) or ConsoleNotifier(), or implement invoicepay.ports.notifier.",
            )
        if not callable(self.contacts):
            raise ConfigurationError("contacts is a function of a party's id and its tenant")
        if not isinstance(self.max_age, timedelta) or self.max_age <= timedelta(0):
            raise ConfigurationError("max_age is a timedelta above zero: timedelta(days=3)")
        for name, template in self.templates.items():
            if "*" in event_pattern(name) or not isinstance(template, Template | None):
                raise ConfigurationError(
                    'templates are by event: {"invoice.paid": Template("customer_id", …)}'
                )

    def production_faults(self) -> tuple[str, ...]:
        """What its notifier says against itself."""
        from invoicepay.ports.production import production_faults

        return production_faults(self.notifier)

    def template(self, event: Event) -> Template | None:
        """How people are told of an event; None where they are not."""
        ours = LETTERS.get(event.name)
        return self.templates.get(event.name, ours)


def require_waiting(notices: Notices | None, *, blocks: bool) -> None:
    """Refuse a look-up that a client cannot wait for.

    Raises:
        ConfigurationError: it is async, and the client blocks.
    """
    if blocks and notices is not None and inspect.iscoroutinefunction(notices.contacts):
        raise ConfigurationError(
            "contacts is an async function, and InvoicePay cannot await it",
            hint="Make the look-up a plain function, or use AsyncInvoicePay.",
        )


def telling(notices: Notices, deps: Deps) -> Handler:
    """The handler that tells people; it takes every event and passes over most."""

    async def told(event: Event) -> None:
        template = notices.template(event)
        if template is None:
            return
        if event.at + notices.max_age < deps.clock.now():
            _note(event, "is too old to be told", is_wrong=False)
            return
        try:
            await _tell(notices, replace(deps, tenant_id=event.tenant_id), event, template)
        except (ProviderRejected, InvalidText) as final:
            _note(event, f"could not be told and is given up: {final}", is_wrong=True)

    return told


async def _tell(notices: Notices, deps: Deps, event: Event, template: Template) -> None:
    """Write the letter and hand it over, if there is somebody to read it."""
    row = from_dict(kinds_of(Entity)[event.kind], event.data)
    to_id: str = getattr(row, template.to, "")
    to = await contact_of(notices, to_id, event.tenant_id)
    if not to.email:
        return
    author_id = on_behalf_of_id(row)
    author = await contact_of(notices, author_id, event.tenant_id)
    occasion = Occasion(
        event=event, row=row, to=to, to_id=to_id, on_behalf_of=author, on_behalf_of_id=author_id
    )
    letter = template.write(occasion)
    if letter is not None:
        await notices.notifier.notify(await _notice(notices, deps, occasion, letter))


async def _notice(notices: Notices, deps: Deps, occasion: Occasion, letter: Letter) -> Notice:
    """The letter and what goes with it; an enterprise can be answered, a person's address is told nobody."""
    event, row = occasion.event, occasion.row
    attachments: tuple[Attachment, ...] = ()
    if letter.attach_document and isinstance(row, Invoice):
        page = await invoice_page(notices, deps, row)
        attachments = (Attachment(name=page.file_name, media_type="text/html", content=page.html().encode()),)
    return Notice(
        id=event.id,
        event=event.name,
        tenant_id=event.tenant_id,
        to=occasion.to,
        reply_to=occasion.on_behalf_of if isinstance(row, Invoice) else None,
        subject=letter.subject,
        text=letter.text,
        html=letter.page,
        at=event.at,
        attachments=attachments,
    )


async def contact_of(notices: Notices | None, party_id: str, tenant_id: str) -> Contact:
    """Who a party is, as far as the host tells.

    Raises:
        ConfigurationError: the look-up answered something else.
    """
    if notices is None or not party_id:
        return NOBODY
    found = notices.contacts(party_id, tenant_id)
    if inspect.isawaitable(found):
        found = await found
    if not isinstance(found, Contact | None):
        raise ConfigurationError(f"contacts answers a Contact or None, not {type(found).__name__}")
    return found or NOBODY


async def invoice_page(notices: Notices | None, deps: Deps, invoice: Invoice) -> InvoicePage:
    """The invoice with the names that the host tells, and a code where something is to be paid."""
    seller = await queries.get(deps, Party, invoice.enterprise_id)
    try:
        code = QrCode(payable_code(deps, invoice))
    except StateError:
        code = None
    return InvoicePage(
        invoice=invoice,
        seller=await contact_of(notices, invoice.enterprise_id, deps.tenant_id),
        buyer=await contact_of(notices, invoice.customer_id, deps.tenant_id),
        timezone=seller.timezone,
        code=code,
    )


def _note(event: Event, what: str, *, is_wrong: bool) -> None:
    """A line in the log that names nobody."""
    log = getLogger("invoicepay.notices")
    tell = log.error if is_wrong else log.info
    tell("%s of %s %s", event.name, event.entity_id, what.encode("unicode_escape").decode())
