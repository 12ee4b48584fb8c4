"""What the groups of one client share: dependencies, handlers, and the work that follows a commit."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from invoicepay.client.events import log_left_waiting, log_undelivered
from invoicepay.client.notices import Notices, telling
from invoicepay.client.pages import AsyncPage
from invoicepay.domain.entity import E, Entity
from invoicepay.domain.ids import party_id
from invoicepay.domain.lines import Line
from invoicepay.domain.money import Money, MoneyLike
from invoicepay.domain.parties import Actor, Role
from invoicepay.domain.shape import identifier_or_none
from invoicepay.domain.time import aware
from invoicepay.errors import ConfigurationError, InvalidInput, InvalidLine, InvoicePayError, not_what
from invoicepay.ports.repository import Repository
from invoicepay.use_cases import queries
from invoicepay.use_cases.batches import TROUBLE, Asked
from invoicepay.use_cases.inside import inside
from invoicepay.use_cases.outbox import Handler
from invoicepay.use_cases.pending import LIMIT, PendingSummary, run_pending
from invoicepay.use_cases.perform import Deps

if TYPE_CHECKING:
    from invoicepay.adapters.simulated import SimControl
    from invoicepay.client.trial import Trial

C = TypeVar("C")
R = TypeVar("R")
T = TypeVar("T")
W = TypeVar("W", bound=StrEnum)
LineLike = Line | tuple[str, MoneyLike]
UseCaseCall = Callable[[Deps, C, str | None], Coroutine[Any, Any, R]]
BatchCall = Callable[[Deps, Sequence[Asked[C]]], Coroutine[Any, Any, list[R | InvoicePayError]]]


@dataclass(slots=True)
class Shared:
    """What every copy of a client has in common.

    Attributes:
        handlers: what `on` registered, in order.
        is_closed: one of the copies gave the connections back.
        kind: what was closed then, for people.
    """

    handlers: list[Handler] = field(default_factory=list[Handler])
    is_closed: bool = False
    kind: str = "client"


@dataclass(frozen=True, slots=True)
class Core:
    """One wired client; copies differ in tenant and actor and share everything else.

    Attributes:
        dispatch: `inline` runs pending work right after each commit.
        sim: commands for the simulated providers, where both are simulated.
        place: where the data is, for people; never a password.
        notices: how people are told of events; None where they are not.
        trial: what notes the calls of a dry run.
    """

    wired: Deps
    dispatch: str
    sim: SimControl | None = None
    place: str = ""
    notices: Notices | None = None
    shared: Shared = field(default_factory=Shared)
    trial: Trial | None = None

    @property
    def deps(self) -> Deps:
        """What use cases are given.

        Raises:
            ConfigurationError: the client was closed.
        """
        if self.shared.is_closed:
            raise _closed(self.shared.kind)
        return self.wired

    @property
    def handlers(self) -> list[Handler]:
        """What `on` registered, in order, and then what tells people."""
        notices = [telling(self.notices, self.wired)] if self.notices is not None else []
        return [*self.shared.handlers, *notices]

    def tenant(self, id: str) -> Core:
        """The same client for another tenant."""
        return replace(self, wired=replace(self.wired, tenant_id=party_id(id, "the tenant")))

    def acting_as(self, actor: Actor) -> Core:
        """The same client for another actor."""
        return replace(self, wired=replace(self.wired, actor=actor))

    def inside(self, repository: Repository) -> Core:
        """The same client over parts of one open transaction; closing it ends nothing.

        Nothing outside is waited for, nothing follows a call, and what loses a race is told at once.
        """
        wired = inside(self.deps, repository)
        return replace(self, wired=wired, dispatch="deferred", shared=Shared(handlers=self.shared.handlers))

    async def follow_up(self) -> None:
        """Provider work, due work and handlers, right away where the host asked for that."""
        if self.dispatch == "inline":
            log_undelivered(await self.run_pending(LIMIT))

    async def run_pending(self, limit: int, *, until_quiet: bool = True) -> PendingSummary:
        """Bring on what waits in this tenant."""
        return await run_pending(self.deps, limit, handlers=self.handlers, until_quiet=until_quiet)

    async def close(self) -> None:
        """Give connections back, once; those of an open transaction are its owner's."""
        if not self.shared.is_closed:
            self.shared.is_closed = True
            if self.wired.in_transaction:
                return
            if self.wired.group_commit is not None:
                self.wired.group_commit.close(_closed(self.shared.kind))
            await self.wired.repository.close()
            if self.wired.webhook_sender is not None:
                await self.wired.webhook_sender.close()

    def __str__(self) -> str:
        """For people: where the data is, whose it is, and who acts."""
        actor = f"{self.wired.actor} ({self.wired.actor.role})"
        closed = ", closed" if self.shared.is_closed else ""
        return f"{self.place}, tenant {self.wired.tenant_id}, acting as {actor}{closed}"


def _closed(kind: str) -> ConfigurationError:
    return ConfigurationError(
        f"this {kind} is closed", hint=f"Make a new {kind}, or close it after its last call."
    )


class Group:
    """Calls of one stem."""

    def __init__(self, core: Core) -> None:
        self._core = core
        if core.trial is not None:
            core.trial.watch(self, str(core.wired.actor))

    @property
    def _deps(self) -> Deps:
        return self._core.deps

    async def _page(
        self, kind: type[E], /, *, after: str = "", limit: int = 50, **conditions: Any
    ) -> AsyncPage[E]:
        """Rows that meet the conditions, and where the next ones come from."""

        def fetch(cursor: str) -> Coroutine[Any, Any, AsyncPage[E]]:
            return self._page(kind, after=cursor, limit=limit, **conditions)

        rows = await queries.page(self._deps, kind, after=after, limit=limit, **conditions)
        return AsyncPage(kind, rows.items, rows.next_cursor, fetch)

    async def _do(self, call: UseCaseCall[C, R], command: C, key: str | None) -> R:
        """Carry out a command, then what follows from it where the host asked for that."""
        result = await call(self._deps, command, key)
        await self._follow_up()
        return result

    async def _do_many(self, call: BatchCall[C, R], asked: Sequence[Asked[C]]) -> list[R | InvoicePayError]:
        """Carry out a batch, then what follows from it; trouble with that takes no outcome away."""
        outcomes = await call(self._deps, asked)
        if outcomes and not isinstance(outcomes[-1], TROUBLE):
            try:
                await self._follow_up()
            except TROUBLE as trouble:
                log_left_waiting(trouble)
        return outcomes

    async def _follow_up(self) -> None:
        await self._core.follow_up()


def acting(subject: str, role: Role | str, on_behalf_of: str, request_id: str) -> Actor:
    """An actor that a host may name; the library's own role is none of them.

    Raises:
        InvalidIdentifier: nobody, or no request, can be called that.
        InvalidInput: no such role.
    """
    taken = chosen(Role, role, "role")
    if taken is Role.SYSTEM:
        raise InvalidInput("role is party or operator: what the library does by itself, it does as system")
    return Actor(
        party_id(subject, "the actor"),
        taken,
        party_id(on_behalf_of, "on_behalf_of") if on_behalf_of != "" else "",
        party_id(request_id, "request_id") if request_id != "" else "",
    )


def money(value: MoneyLike, *, asset: str | None = None) -> Money:
    """Friendly input to `Money`: a `Money` or text such as "12.50 USD".

    Raises:
        InvalidAmount: floats, signs, exponents, too many decimals, no asset.
    """
    return Money.parse(value, asset=asset)


def optional_money(value: MoneyLike | None) -> Money | None:
    """`money` for an amount that may be left out."""
    return None if value is None else Money.parse(value)


def instant(value: datetime | None, name: str) -> datetime | None:
    """An aware instant or nothing.

    Raises:
        InvalidTime: naive.
    """
    return None if value is None else aware(value, name)


def id_of(value: str | Entity) -> str:
    """The id of a thing given as itself or by its id; empty where none is named.

    Raises:
        InvalidIdentifier: nothing can have such an id.
    """
    return value.id if isinstance(value, Entity) else identifier_or_none(value, "the id")


def optional_id(value: str | Entity | None) -> str | None:
    """`id_of` for a thing that may be left out."""
    return None if value is None else id_of(value)


def chosen(kind: type[W], word: str, name: str) -> W:
    """A word of a closed list.

    Raises:
        InvalidInput: not one of them; the message lists them.
    """
    found = next((one for one in kind if one == word), None)
    if found is None:
        raise InvalidInput(f"{name} is one of {', '.join(kind)}{not_what(word)}")
    return found


def lines_of(lines: Sequence[LineLike]) -> tuple[Line, ...]:
    """Invoice lines from `Line` or from (description, price).

    Raises:
        InvalidLine: a line is malformed.
    """
    return tuple(line if isinstance(line, Line) else _line(line) for line in several(lines, "lines"))


def _line(pair: tuple[str, MoneyLike]) -> Line:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise InvalidLine(
            "a line is a Line, or its description and price",
            hint='Write Line.of("Hosting", "120.00 USD", tax_rate="0.19") or ("Hosting", "120.00 USD").',
        )
    return Line.of(*pair)


def several(values: Sequence[T], name: str) -> tuple[T, ...]:
    """Values that were passed as a list or another sequence.

    Raises:
        InvalidInput: no sequence, or a text.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        raise InvalidInput(f"{name} is a list, not {type(values).__name__}", field=name)
    return tuple(values)
