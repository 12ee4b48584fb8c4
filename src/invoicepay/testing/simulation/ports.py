"""What an engine, a workload and an oracle of a simulation promise each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens, bank, chain
from invoicepay.awaiting import AsyncInvoicePay
from invoicepay.domain.change import Outcome
from invoicepay.domain.policies import Programme
from invoicepay.errors import InvoicePayError
from invoicepay.ports.rails import RailsCapabilities, RailTransfer
from invoicepay.ports.repository import Reply
from invoicepay.ports.screening import Screening
from invoicepay.ports.tokens import TokenCapabilities, TokenTransfer
from invoicepay.testing.simulation.chooser import Draw

if TYPE_CHECKING:
    from invoicepay.testing.simulation.hand import Hand

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Call = Callable[[AsyncInvoicePay], Awaitable[T]]
"""Something to ask of a client of the SDK."""


class Died(Exception):
    """The process that carried the call out went down; what became of it is not known."""


class GaveUp(Exception):
    """The call took longer than the caller waited; it may still be under way."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that must never be so.

    Attributes:
        name: stable, for example `INV-02`; a shortened run has to break the same.
    """

    name: str
    detail: str

    def __str__(self) -> str:
        return f"{self.name}: {self.detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What one run consists of, drawn by its workload; the defaults are calm.

    Attributes:
        processes: how many processes share the store and the providers.
        dispatch: as of `AsyncInvoicePay`.
        group_commit: whether calls that come at the same time share a transaction.
        worker_seconds: how long each process's worker rests after a turn; more and more while nothing moves.
        custody, token_finality: as of `SimulatedTokens`.
        settle_seconds: between which the banks settle an order, and about as long again until it is final.
        faults: per-mille chance of each fault by its name in `FAULTS`, for each opportunity.
        store: `memory` or `sqlite`.
        handlers: whether each process has a handler that takes every event.
    """

    programme: Programme = field(default_factory=Programme)
    processes: int = 2
    dispatch: str = "deferred"
    group_commit: bool = False
    worker_seconds: int = 30
    rails: RailsCapabilities = bank.CAPABILITIES
    tokens: TokenCapabilities = chain.CAPABILITIES
    custody: str = "omnibus"
    token_finality: str = "immediate"  # noqa: S105 - a word, no secret
    settle_seconds: tuple[int, int] = (10, 7_200)
    faults: Mapping[str, int] = field(default_factory=dict[str, int])
    store: str = "memory"
    screening: Screening | None = None
    tenant: str = "default"
    handlers: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T_co]):
    """What a client was told for certain.

    Attributes:
        what: what it asked for, for people.
        result, refusal: one of the two.
        tries: how often it asked, always under the same key.
    """

    actor: str
    what: str
    key: str
    result: T_co | None
    refusal: InvoicePayError | None
    tries: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Something became durable; told once, also where its acknowledgement was lost.

    Attributes:
        at: the true time.
        task: who committed it, for example `ann#17` or `p1.worker#4`.
        outcomes: as they were given to the store.
    """

    number: int
    at: datetime
    process: str
    task: str
    tenant_id: str
    outcomes: tuple[Outcome[Any], ...]
    replies: tuple[Reply, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFact:
    """Something a provider did or said by itself.

    Attributes:
        provider: `rails` or `tokens`.
        reference: the id of our effect; empty or `push-…` where we did not ask for it.
        order: number of the fact.
        is_new: the first fact of an order.
        is_contradiction: told wrongly by a fault: no money moved.
    """

    provider: str
    reference: str
    transfer: RailTransfer | TokenTransfer
    order: int
    is_new: bool
    at: datetime
    is_contradiction: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something else that a judge may want to know.

    Attributes:
        kind: `fault`, `crash`, `boot`, `pause`, `healing`, `send`, `answer`, `find`, `webhook`.
        name: of a fault its name in `FAULTS`; of an answer `ok` or the code of the error.
        reference: the id of our effect, where it is about one.
    """

    at: datetime
    kind: str
    name: str
    process: str = ""
    reference: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A world that came to rest: no fault any more, nothing under way.

    Attributes:
        pay: a client of the store and the providers themselves, with the right clock.
        rails, tokens: what the providers really did.
    """

    pay: AsyncInvoicePay
    now: datetime
    mix: Mix
    rails: SimulatedRails
    tokens: SimulatedTokens
    answers: Sequence[Answer[Any]]
    happenings: Sequence[Happening]
    commits: int


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody outside of the processes, such as a customer; never dies."""

    name: str
    run: Callable[[Hand], Coroutine[Any, Any, None]]


class Reach(Protocol):
    """Counts the situations that a run came to."""

    def seen(self, name: str) -> None:
        """A situation occurred."""
        ...

    def counts(self) -> Mapping[str, int]:
        """How often each known situation occurred, those that never did included."""
        ...


class Workload(Protocol):
    """Who does what."""

    def mix(self, draw: Draw) -> Mix:
        """What this run consists of; called once, before anything exists."""
        ...

    async def prepare(self, hand: Hand) -> None:
        """What is there before the run begins: parties, first money; no fault happens meanwhile."""
        ...

    def actors(self, mix: Mix, reach: Reach) -> Sequence[Actor]:
        """Everybody who acts; each goes on while `hand.is_open`."""
        ...


class Oracle(Protocol):
    """Says what is wrong."""

    def after_commit(self, commit: Commit) -> Iterable[Broken]:
        """Judge what became durable; before anybody else goes on."""
        ...

    def after_fact(self, fact: ProviderFact) -> Iterable[Broken]:
        """Judge what a provider did."""
        ...

    def happened(self, happening: Happening) -> None:
        """Take note."""
        ...

    def answered(self, answer: Answer[Any]) -> Iterable[Broken]:
        """Judge what a client was told."""
        ...

    def unsettled(self) -> Sequence[str]:
        """What is not at rest yet; asked while the run heals."""
        ...

    async def at_rest(self, rest: Rest) -> Sequence[Broken]:
        """Judge everything, once nothing moves any more."""
        ...


@dataclass(frozen=True, slots=True)
class Scene:
    """One run's workload, judge and counter; often one object."""

    workload: Workload
    oracle: Oracle
    reach: Reach


Stage = Callable[[], Scene]
"""Makes a fresh scene for each run."""
