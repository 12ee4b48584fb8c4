"""Where people's texts lie in rows: what is sealed on its way into a store, and what an erasure empties.

Ids of parties, amounts and states are not among them: they are the ledger's, and opaque (decision D14).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from invoicepay.domain.bank_accounts import BankAccount
from invoicepay.domain.credit_notes import CreditNote
from invoicepay.domain.credits import CreditLot
from invoicepay.domain.deposits import Deposit, UnmatchedFunds
from invoicepay.domain.effects import Effect, InboxMessage, Observation
from invoicepay.domain.entity import E, Entity, evolve
from invoicepay.domain.holds import Hold
from invoicepay.domain.ids import Prefix
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.lines import Line
from invoicepay.domain.needs import Find
from invoicepay.domain.parties import Wallet
from invoicepay.domain.payments import Payment, Receipt
from invoicepay.domain.provider_switches import ProviderSwitch
from invoicepay.domain.remarks import Remark
from invoicepay.domain.requests import PaymentRequest, Transfer
from invoicepay.domain.schedules import Schedule
from invoicepay.domain.tokens import Burn, Mint
from invoicepay.domain.withdrawals import Withdrawal

Edit: TypeAlias = Callable[[str, str], str]
"""Makes another text of a text; it is told its place in the row first, such as `lines/0/description`."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one kind of row.

    Attributes:
        prefix: what ids of the kind begin with; empty where they are made of other ids.
        fields: may hold words about a person, or the token of an account.
        kept: of these, what an erasure leaves: an invoice is a document, and its lines say what was sold; an
            observation is written once; and a switch is about a provider.
        sides: fields that name the people whom the row is about.
        via: names another such row where the row itself names nobody.
    """

    kind: type[Entity]
    prefix: str
    fields: tuple[str, ...]
    sides: tuple[str, ...] = ()
    kept: frozenset[str] = frozenset()
    via: str = ""

    @property
    def erased(self) -> tuple[str, ...]:
        """What an erasure empties."""
        return tuple(name for name in self.fields if name not in self.kept)


LINES = frozenset({"lines"})
_CUSTOMER = ("customer_id", "enterprise_id")

TEXTS: tuple[Texts, ...] = (
    Texts(Invoice, Prefix.INVOICE, ("note", "reference", "lines"), _CUSTOMER, LINES),
    Texts(CreditNote, Prefix.CREDIT_NOTE, ("reason",), _CUSTOMER),
    Texts(CreditLot, Prefix.CREDIT, ("note",), _CUSTOMER),
    Texts(Schedule, Prefix.SCHEDULE, ("note", "failure", "lines"), _CUSTOMER, LINES),
    Texts(Payment, Prefix.PAYMENT, ("failure_reason",), ("payer_id", "enterprise_id")),
    Texts(Receipt, Prefix.RECEIPT, ("reason",), ("payer_id", "enterprise_id")),
    Texts(Deposit, Prefix.DEPOSIT, ("account_token", "reason"), ("party_id",)),
    Texts(UnmatchedFunds, Prefix.UNMATCHED_FUNDS, ("reason",), via="deposit_id"),
    Texts(Withdrawal, Prefix.WITHDRAWAL, ("account_token", "reason"), ("party_id",)),
    Texts(Mint, Prefix.MINT, ("reason",), ("party_id",)),
    Texts(Burn, Prefix.BURN, ("reason",), ("party_id",)),
    Texts(PaymentRequest, Prefix.REQUEST, ("note", "reason"), ("payer_id", "requester_id")),
    Texts(Transfer, Prefix.TRANSFER, ("note", "reason", "address"), ("payer_id", "payee_id")),
    Texts(Hold, Prefix.HOLD, ("reason",), ("owner_id",)),
    Texts(Wallet, "", ("reason",), ("party_id",)),
    Texts(BankAccount, "", ("reason",), ("party_id",)),
    Texts(ProviderSwitch, "", ("reason",), kept=frozenset({"reason"})),
    Texts(Effect, Prefix.EFFECT, ("request", "review_reason"), via="cause_id"),
    Texts(Observation, "", ("provider_status",), kept=frozenset({"provider_status"}), via="effect_id"),
    Texts(InboxMessage, "", ("body", "reason"), via="effect_id"),
    Texts(Remark, Prefix.REMARK, ("text", "salt"), via="about_id"),
)
"""Every kind of row that holds such texts; one that is found by way of others comes behind them.

No unique index names one of these fields, and a search only whether it is empty.
"""

ERASED: tuple[Texts, ...] = tuple(texts for texts in TEXTS if texts.erased)
"""Those of which an erasure empties something."""
OF_KIND: Mapping[type[Entity], Texts] = {texts.kind: texts for texts in TEXTS}
_OF_PREFIX = {texts.prefix: texts for texts in TEXTS if texts.prefix}
_ANY = frozenset(name for texts in TEXTS for name in texts.fields)
_OF_OTHER_IDS = frozenset(name for texts in TEXTS if not texts.prefix for name in texts.fields)

ID_LETTERS = 26
"""Letters of an id behind its prefix."""
ACCOUNT = "account_token"
"""The one text inside an effect's frozen request."""


def edited(row: E, edit: Edit, names: Iterable[str] | None = None) -> E:
    """The row with each of its texts edited; empty texts stay empty.

    Args:
        names: the fields; all that hold texts when left out.
    """
    texts = OF_KIND.get(type(row))
    if texts is None:
        return row
    changes: dict[str, Any] = {}
    for name in texts.fields if names is None else names:
        before = getattr(row, name)
        after = _edited_value(name, before, edit)
        if after != before:
            changes[name] = after
    return evolve(row, **changes) if changes else row


def _edited_value(name: str, value: Any, edit: Edit) -> Any:
    """A text, the lines of a document or a request with its texts edited, as values or as JSON."""
    if isinstance(value, str):
        return edit(name, value) if value else value
    if isinstance(value, tuple | list):
        return type(value)(
            _edited_line(f"{name}/{at}/description", line, edit) for at, line in enumerate(value)
        )
    assert isinstance(value, dict), f"{name} is text, lines or a request"
    account = value.get(ACCOUNT, "")
    return {**value, ACCOUNT: edit(f"{name}/{ACCOUNT}", account)} if account else value


def _edited_line(place: str, line: Line | dict[str, Any], edit: Edit) -> Line | dict[str, Any]:
    if isinstance(line, Line):
        return replace(line, description=edit(place, line.description))
    said = line.get("description", "")  # a credited line says none
    return {**line, "description": edit(place, said)} if said else line


def edited_data(
    data: Any, edit: Callable[[str], Edit | None], names_of: Callable[[str], Iterable[str]]
) -> Any:
    """JSON-ready values with the texts of every row in them edited, however deep they lie.

    Args:
        edit: given a row's id, how to edit its texts; None leaves them.
        names_of: given a row's id, which fields are edited where they are there.
    """
    if isinstance(data, list):
        return [edited_data(each, edit, names_of) for each in data]
    if not isinstance(data, dict):
        return data
    made = {key: edited_data(value, edit, names_of) for key, value in data.items()}
    id = made.get("id")
    how = edit(id) if isinstance(id, str) else None
    if how is not None:
        for name in names_of(made["id"]):
            if isinstance(made.get(name), str | list | dict):
                made[name] = _edited_value(name, made[name], how)
    return made


def any_text(_id: str) -> Iterable[str]:
    """Every field that holds texts in some kind of row."""
    return _ANY


def texts_of(id: str) -> Iterable[str]:
    """Fields of the kind of row that an id tells; many kinds have a reason, and not all of them words."""
    texts = _told_by(id)
    return _OF_OTHER_IDS if texts is None else texts.fields


def _erased_of(id: str) -> Iterable[str]:
    texts = _told_by(id)
    return _OF_OTHER_IDS if texts is None else texts.erased


def _told_by(id: str) -> Texts | None:
    """The kind that an id of ours tells; the token of an account may look a little like one."""
    prefix, _, rest = id.partition("_")
    return _OF_PREFIX.get(prefix) if len(rest) == ID_LETTERS else None


def searches(texts: Texts, party_id: str, ids: Collection[str]) -> list[Find[Any]]:
    """What finds a kind's rows about a person.

    Args:
        ids: of the rows about that person that were found so far, and the person's own.
    """
    found = [Find(texts.kind, ((side, "eq", party_id),)) for side in texts.sides]
    return [*found, Find(texts.kind, ((texts.via, "in", tuple(ids)),))] if texts.via else found


def erased(row: E) -> E:
    """The row without its texts."""
    texts = OF_KIND.get(type(row))
    return row if texts is None else edited(row, _nothing, texts.erased)


def erased_data(data: Any, ids: Collection[str]) -> Any:
    """JSON-ready values without the texts of rows of these ids."""
    return edited_data(data, lambda id: _nothing if id in ids else None, _erased_of)


def json_text(data: Any) -> str:
    """JSON-ready values as text, as rows and answers are stored."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _nothing(_place: str, _text: str) -> str:
    return ""
