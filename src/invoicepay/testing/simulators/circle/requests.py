"""What a request says, read strictly: fields, bodies, pages, answers."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from invoicepay.testing.simulators.circle.amounts import parts
from invoicepay.testing.simulators.circle.refusals import fault, invalid

T = TypeVar("T")
Json = dict[str, Any]
ENDLESS = 10**9


@dataclass(frozen=True, slots=True)
class Ask:
    """One request after its key was checked.

    Attributes:
        route: method and path pattern; with the idempotency key it names a replay.
        url: path as asked, for the links between pages.
    """

    route: str
    url: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Json

    def fields(self) -> Fields:
        """A reader of the body."""
        return Fields(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered: the value of `data`, or the bare body."""

    data: Any = None
    status: int = 200
    is_bare: bool = False
    links: Mapping[str, str] = field(default_factory=dict[str, str])


def is_uuid(text: object, *, version: int | None = None) -> bool:
    """Whether a text is a UUID in its usual spelling, of a version if one is named."""
    if not isinstance(text, str):
        return False
    try:
        read = uuid.UUID(text)
    except ValueError:
        return False
    return str(read) == text.lower() and (version is None or read.version == version)


class Fields:
    """Reads fields of a JSON object, collects what is wrong, refuses once with all of it.

    Examples:
        >>> fields = Fields({"name": "ann"})
        >>> fields.text("name"), fields.text("city", required=False)
        ('ann', '')
    """

    def __init__(self, body: Mapping[str, Any], under: str = "", errors: list[Json] | None = None) -> None:
        self._body, self._under = body, under
        self._errors: list[Json] = [] if errors is None else errors

    def wrong(self, error: str, name: str, message: str, value: object = None) -> None:
        """Note a fault."""
        self._errors.append(fault(error, f"{self._under}{name}", message, value))

    def check(self) -> None:
        """Refuse the request if anything was wrong with it.

        Raises:
            Refusal: 400 with code 2 and every fault.
        """
        if self._errors:
            raise invalid(self._errors)

    def has(self, name: str) -> bool:
        """Whether a field was sent and is neither null nor empty."""
        return self._body.get(name) not in (None, "")

    def raw(self, name: str) -> Any:
        """The field as it was sent."""
        return self._body.get(name)

    def text(self, name: str, *, required: bool = True, longest: int = ENDLESS) -> str:
        """A text; empty when it may be missing and is."""
        value = self._body.get(name)
        if value is None or value == "":
            if required:
                self.wrong("required", name, "may not be null")
            return ""
        if not isinstance(value, str):
            self.wrong("invalid_value", name, "must be a text", value)
            return ""
        if len(value) > longest:
            self.wrong("length_outside_bounds", name, f"has more than {longest} characters")
        return value

    def uuid(self, name: str, *, required: bool = True, version: int | None = None) -> str:
        """A UUID."""
        value = self.text(name, required=required)
        if value and not is_uuid(value, version=version):
            self.wrong("invalid_value", name, f"is no UUID{f' v{version}' if version else ''}", value)
        return value

    def key(self) -> str:
        """The idempotency key, a UUID of version 4."""
        return self.uuid("idempotencyKey", version=4)

    def word(self, name: str, words: Sequence[str], *, required: bool = True) -> str:
        """One of some words."""
        value = self.text(name, required=required)
        if value and value not in words:
            self.wrong("invalid_value", name, f"must be one of {', '.join(words)}", value)
        return value

    def flag(self, name: str) -> bool:
        """A truth value; false when missing."""
        value = self._body.get(name, False)
        if not isinstance(value, bool):
            self.wrong("invalid_value", name, "must be true or false", value)
        return value is True

    def number(self, name: str, *, default: int, least: int, most: int) -> int:
        """A whole number within bounds."""
        value = self._body.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            kind = "min_value" if isinstance(value, int) and value < least else "max_value"
            self.wrong(kind, name, f"must be from {least} to {most}", value)
            return default
        return value

    def objects(self, name: str) -> list[Fields]:
        """A list of objects; none when it is missing."""
        values = self._body.get(name) or []
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            self.wrong("invalid_value", name, "must be a list of objects", values)
            return []
        return [Fields(value, f"{self._under}{name}.", self._errors) for value in values]

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; none when it is missing."""
        values = self._body.get(name) or []
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            self.wrong("invalid_value", name, "must be a list of strings", values)
            return ()
        return tuple(values)

    def inside(self, name: str) -> Fields:
        """The fields of an object inside."""
        value = self._body.get(name)
        if not isinstance(value, dict):
            self.wrong("required", name, "may not be null")
        return Fields(value if isinstance(value, dict) else {}, f"{self._under}{name}.", self._errors)

    def money(self, name: str, currencies: Sequence[str], *, decimals: int = 2) -> tuple[int, str]:
        """An amount in millionths and its currency."""
        money = self.inside(name)
        currency = money.word("currency", currencies)
        sent = money.text("amount")
        amount = parts(sent, decimals) if sent else 0
        if amount is None:
            money.wrong("number_format", "amount", f"is no amount of at most {decimals} decimals", sent)
        elif sent and amount == 0:
            money.wrong("min_value", "amount", "must be above zero", sent)
        return (amount or 0) * 10 ** (6 - decimals), currency


def _instant(fields: Fields, name: str) -> datetime | None:
    text = fields.text(name, required=False)
    try:
        read = datetime.fromisoformat(text) if text else None
    except ValueError:
        read = None
    if text and (read is None or read.tzinfo is None):
        fields.wrong("date_format", name, "is no ISO-8601 instant", text)
        return None
    return read


@dataclass(frozen=True, slots=True)
class Listing:
    """How a collection is cut into pages: newest first unless told otherwise, both cursors exclusive.

    Attributes:
        default, most: items on a page when nothing is asked, and at all.
        may_turn: whether `order` is understood.
        grain: microseconds to which instants are told, and compared.
    """

    default: int
    most: int
    may_turn: bool = False
    grain: int = 1_000

    def page(
        self, ask: Ask, items: Sequence[T], id_of: Callable[[T], str], at: Callable[[T], datetime]
    ) -> Page:
        """The page that is asked for, of items in the order they were made.

        Raises:
            Refusal: both cursors at once, an instant or a size that is none.
        """
        fields = Fields(ask.query)
        since, until = _instant(fields, "from"), _instant(fields, "to")
        size = self._size(fields)
        if fields.has("pageBefore") and fields.has("pageAfter"):
            fields.wrong("not_required", "pageBefore", "goes not with pageAfter")
        is_oldest_first = self.may_turn and fields.word("order", ("ASC", "DESC"), required=False) == "ASC"
        fields.check()
        chosen = [
            item
            for item in (items if is_oldest_first else reversed(items))
            if (since is None or self._told(at(item)) >= since)
            and (until is None or self._told(at(item)) <= until)
        ]
        ids = [id_of(item) for item in chosen]
        begin, end = _cut(ids, fields.text("pageBefore", required=False), fields.raw("pageAfter") or "", size)
        return Page(chosen[begin:end], self._links(ask, ids, begin, end))

    def _told(self, at: datetime) -> datetime:
        return at.replace(microsecond=at.microsecond // self.grain * self.grain)

    def _size(self, fields: Fields) -> int:
        text = fields.raw("pageSize")
        if text is None:
            return self.default
        if not text.isdecimal() or int(text) < 1:
            fields.wrong("min_value", "pageSize", "must be a number above zero", text)
            return self.default
        return min(int(text), self.most)

    def _links(self, ask: Ask, ids: Sequence[str], begin: int, end: int) -> dict[str, str]:
        """The address of this page, of the first one and of its neighbours, where there are any."""
        kept = {name: value for name, value in ask.query.items() if name not in ("pageBefore", "pageAfter")}
        cursors: dict[str, Json] = {"self": dict(ask.query), "first": kept}
        if end < len(ids):
            cursors["next"] = {**kept, "pageAfter": ids[end - 1]} if end else kept
        if begin > 0:
            cursors["prev"] = {**kept, "pageBefore": ids[begin]} if begin < len(ids) else kept
        return {rel: f"{ask.url}?{urlencode(query)}".rstrip("?") for rel, query in cursors.items()}


@dataclass(frozen=True, slots=True)
class Page:
    """Some items, and links to the pages around."""

    items: Sequence[Any]
    links: Mapping[str, str]


def _cut(ids: Sequence[str], before: str, after: str, size: int) -> tuple[int, int]:
    """Begin and end of the page; an unknown cursor gives the first one."""
    if before in ids:
        end = ids.index(before)
        return max(0, end - size), end
    begin = ids.index(after) + 1 if after in ids else 0
    return begin, min(len(ids), begin + size)
