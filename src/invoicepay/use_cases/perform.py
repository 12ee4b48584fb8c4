"""The one way through: load, decide, apply, commit; replay of keys; bounded retry; batches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar

from invoicepay.domain.access import is_noted, require_authorised
from invoicepay.domain.canonical import asked, canonical, text
from invoicepay.domain.change import Change, Context, Outcome, Snapshot, denied
from invoicepay.domain.codec import from_dict
from invoicepay.domain.decided import Decided
from invoicepay.domain.effects import slot_of
from invoicepay.domain.entity import Entity
from invoicepay.domain.events import Step
from invoicepay.domain.ids import idempotency_key
from invoicepay.domain.needs import Needs
from invoicepay.domain.parties import Actor
from invoicepay.domain.policies import Programme
from invoicepay.domain.qr_payload import QrKeys
from invoicepay.domain.shape import require_shape
from invoicepay.domain.webhook_secrets import NO_KEYS, WebhookKeys
from invoicepay.errors import (
    AuthorizerUnavailable,
    ComplianceError,
    ConcurrencyError,
    ConcurrentUpdate,
    DuplicateProviderReference,
    IdempotencyConflict,
    InvalidKey,
    InvoicePayError,
    MoneyError,
    NotAllowed,
    NotThePayer,
    OutcomeUnknown,
    SecondActorRequired,
    StateError,
    StoreError,
    error_from,
)
from invoicepay.ports.authorizer import Authorizer
from invoicepay.ports.repository import Reply, Repository, Unit
from invoicepay.ports.routes import Rails, RailsRoutes, TokenRoutes, Tokens
from invoicepay.ports.runtime import Clock, GroupCommit, Ids, Retry
from invoicepay.ports.screening import Screening
from invoicepay.ports.signing import CheckpointKey
from invoicepay.ports.webhook_sender import WebhookSender
from invoicepay.use_cases.collector import at_rest
from invoicepay.use_cases.loading import Asking, Tried, load, load_all

C = TypeVar("C")
R = TypeVar("R")
C_contra = TypeVar("C_contra", contravariant=True)

RECORDED_REFUSALS = (StateError, MoneyError, ComplianceError)
"""Refusals that depended on state: stored under the key, so a stale retry cannot succeed next week."""

DENIALS = (NotAllowed, NotThePayer, SecondActorRequired, AuthorizerUnavailable)
"""Refusals of who asked: an audit record tells of each, and its key may be used again (S-01, S-36)."""

BEGIN_AGAIN = "Roll the transaction back and begin it again, with the same keys; nothing of it was kept."

FINGERPRINT_VERSION = 1

Witness = Callable[[tuple[str, ...], Decided], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """Everything a use case works with: the ports, the programme, and who asks for which tenant.

    Attributes:
        screening: None lets every movement start, without looking up what it would be about.
        authorizer: the host's say in who may do what; None where the rules alone decide.
        group_commit: None gives every call a transaction of its own.
        checkpoint_keys: the first signs checkpoints of the audit trail, all verify them.
        in_transaction: the repository's units are parts of one open transaction; nothing is tried twice.
        lease_clock: what workers time their leases by, where the store tells the time; else `clock`.
        witness: told how each command ended, by tenant, operation and key; a dry run has one.
        webhook_sender: the way out for webhooks; None where nothing may leave.
        webhook_keys: what their signatures are made from.
    """

    repository: Repository
    clock: Clock
    ids: Ids
    retry: Retry
    programme: Programme
    rails: Rails
    tokens: Tokens
    screening: Screening | None
    tenant_id: str
    actor: Actor
    qr_keys: QrKeys
    group_commit: GroupCommit | None = None
    authorizer: Authorizer | None = None
    checkpoint_keys: tuple[CheckpointKey, ...] = ()
    lease_clock: Clock | None = None
    in_transaction: bool = False
    witness: Witness | None = None
    webhook_sender: WebhookSender | None = None
    webhook_keys: WebhookKeys = NO_KEYS

    @property
    def on_lease_time(self) -> Deps:
        """The same with the clock that leases are timed by."""
        return self if self.lease_clock is None else replace(self, clock=self.lease_clock)

    def route(self, kind: str, asset: str, rail: str) -> str | None:
        """The provider that does such work: empty where its side has only one, None where nobody does it."""
        side = self.rails if slot_of(kind) == "rails" else self.tokens
        if not isinstance(side, RailsRoutes | TokenRoutes):
            return ""
        provider = side.provider_for(kind, asset, rail)
        return None if provider is None else provider.name


@dataclass(frozen=True, slots=True)
class UseCase(Generic[C, R]):
    """A command's name, what it needs and how it is decided.

    Attributes:
        name: stable operation name, part of the idempotency scope, for example `invoices.pay`.
        result: type of the result, so that a stored one can be rebuilt.
        needs: rows, searches and balances, from the command and what is loaded so far; asked until satisfied.
        decide: the pure decision; what it writes, it writes through the change.
        if_known: what is commanded instead when the store has a reference of a provider already.
    """

    name: str
    result: type[R]
    needs: Callable[[C, Snapshot], Needs]
    decide: Callable[[C, Change], R]
    if_known: Callable[[C], C] | None = None

    def instead(self, command: C) -> tuple[UseCase[C, R], C] | None:
        """The use case and the command to go on with, once; None where the refusal is the answer."""
        return (replace(self, if_known=None), self.if_known(command)) if self.if_known else None


@dataclass(frozen=True, slots=True)
class Call(Generic[C, R]):
    """One command of a batch with who asks, its key and the digest of what it asks.

    Attributes:
        is_new: the key was made here, so that nobody can have used it before.
    """

    use_case: UseCase[C, R]
    command: C
    actor: Actor
    key: str
    fingerprint: str
    is_new: bool = False

    def needs(self, seen: Snapshot) -> Needs:
        """What the command needs, by what is loaded so far."""
        return self.use_case.needs(self.command, seen)

    @property
    def scope(self) -> tuple[str, str]:
        """Operation and key."""
        return (self.use_case.name, self.key)


async def perform(deps: Deps, use_case: UseCase[C, R], command: C, key: str | None = None) -> R:
    """Carry out one command: a batch of one.

    Raises:
        InvoicePayError: the refusal; nothing but the refusal itself was written.
    """
    return await carry_out(deps, call_of(deps, use_case, command, key))


async def carry_out(deps: Deps, call: Call[C, R]) -> R:
    """Carry out one call, alone or in one transaction with calls that come at the same time.

    Raises:
        InvoicePayError: the refusal; nothing but the refusal itself was written.
    """
    if deps.group_commit is None:
        (answer,) = await _each(deps, [call])
    else:
        try:
            answer = await deps.group_commit(deps.tenant_id, call, lambda calls: _each(deps, calls))
        except OutcomeUnknown as error:
            raise _own(error, call) from None  # the cause names the keys of others
    if isinstance(answer, Exception):
        raise answer
    result: R = answer
    return result


async def perform_many(deps: Deps, calls: Sequence[Call[Any, Any]]) -> list[Any]:
    """Carry out a batch in one transaction, each call as if alone and in order.

    Returns:
        A result or an `InvoicePayError` for each call; a refused one never fails its neighbours.

    Raises:
        StoreError, ConcurrencyError: the store took none of them, or its answer got lost.
    """
    answers = await _each(deps, calls)
    for answer in answers:
        if isinstance(answer, Exception) and not isinstance(answer, InvoicePayError):
            raise answer
    return answers


async def _each(deps: Deps, calls: Sequence[Call[Any, Any]]) -> list[Any]:
    """A result or an error for each; what fails the whole batch is narrowed down to the call it is about."""
    try:
        return await _together(deps, calls)
    except (StoreError, ConcurrencyError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the neighbours go on
        if len(calls) == 1:
            instead = _instead(calls[0], error)
            return await _each(deps, [instead]) if instead else [error]
        half = len(calls) // 2
        return [*await answers_of(deps, calls[:half]), *await answers_of(deps, calls[half:])]


def _instead(call: Call[Any, Any], error: Exception) -> Call[Any, Any] | None:
    """The same call with what its use case commands for that case, so that it is decided in its turn."""
    other = call.use_case.instead(call.command) if isinstance(error, DuplicateProviderReference) else None
    return other and replace(call, use_case=other[0], command=other[1])


async def answers_of(deps: Deps, calls: Sequence[Call[Any, Any]]) -> list[Any]:
    """The same where something else may be durable already, so that nothing stands for all.

    Returns:
        A result or an exception for each: the refusal, trouble with the store, or a fault of the program.
    """
    try:
        return await _each(deps, calls)
    except (StoreError, ConcurrencyError) as error:
        return [_own(error, call) for call in calls]


def _own(error: InvoicePayError, call: Call[Any, Any]) -> InvoicePayError:
    """The same error for one call of several: it names no key but the call's own."""
    return OutcomeUnknown(retry_same_key=call.key) if isinstance(error, OutcomeUnknown) else copy(error)


async def _together(deps: Deps, calls: Sequence[Call[Any, Any]]) -> list[Any]:
    tried = Tried()

    async def again() -> list[Any]:
        async with deps.repository.reader(deps.tenant_id) as reader:
            known = await tried.by_name(reader)
        return await _attempt(deps, calls, tried, known)

    try:
        return await _attempt(deps, calls, tried)
    except ConcurrentUpdate as lost:
        if deps.in_transaction:
            raise to_begin_again(lost) from lost
        return await deps.retry(again)


def to_begin_again(lost: ConcurrentUpdate) -> ConcurrentUpdate:
    """The same loss, for whoever has the transaction in which it happened."""
    return type(lost)(lost.message, hint=BEGIN_AGAIN, **lost.details)


def call_of(deps: Deps, use_case: UseCase[C, R], command: C, key: str | None) -> Call[C, R]:
    """A call with its command and key checked; the key is made when the host gave none.

    Raises:
        InvalidInput: the command holds something else than it declares.
        InvalidKey: malformed, or missing although the programme requires one.
    """
    require_shape(command)
    if key is None:
        if deps.programme.require_idempotency_keys:
            raise InvalidKey("this programme requires an idempotency key on every call")
        return own_call(deps, use_case, command)
    mark = fingerprint(use_case.name, command, deps.actor)
    return Call(use_case, command, deps.actor, idempotency_key(key), mark)


def own_call(deps: Deps, use_case: UseCase[C, R], command: C) -> Call[C, R]:
    """A call under a fresh key, for what the library does by itself: trying again is another call."""
    key = deps.ids.new("key", deps.clock.now())
    mark = fingerprint(use_case.name, command, deps.actor)
    return Call(use_case, command, deps.actor, key, mark, is_new=True)


def fingerprint(operation: str, command: Any, actor: Actor) -> str:
    """SHA-256 of the normalised command; parameters left at their default do not count.

    Neither do fields that do not compare: what a use case put in itself, such as a nonce or a verdict.
    """
    who = f'{text(actor.subject)},"{actor.role}"'
    if actor.on_behalf_of:
        who += f",{text(actor.on_behalf_of)}"
    return hashlib.sha256(
        f'[{FINGERPRINT_VERSION},"{operation}",{who},{asked(command)}]'.encode()
    ).hexdigest()


async def _attempt(
    deps: Deps, calls: Sequence[Call[Any, Any]], tried: Tried, known: Needs | None = None
) -> list[Any]:
    async with deps.repository.unit(deps.tenant_id) as unit:
        seen = Snapshot(deps.clock.now(), programme=deps.programme)
        if known:
            await load(unit, known, seen, tried)
        askings = [Asking(call.needs) for call in calls]
        await load_all(unit, askings, seen, tried)
        asked_on, seen.now = seen.now.date(), deps.clock.now()  # whoever held the locks has decided earlier
        if seen.now.date() != asked_on:  # what counts by the day is another row now
            await load_all(unit, askings, seen, tried)
        stored = dict(await unit.replies([call.scope for call in calls if not call.is_new]))
        with at_rest(len(calls)):
            return await _folded(deps, unit, [*zip(calls, askings, strict=True)], seen, stored, tried)


async def _folded(
    deps: Deps,
    unit: Unit,
    asked: Sequence[tuple[Call[Any, Any], Asking]],
    seen: Snapshot,
    stored: dict[tuple[str, str], Reply],
    tried: Tried,
) -> list[Any]:
    """Decide one command after the other over the snapshot, and store what they write."""
    answers: list[Any] = []
    outcomes: list[Outcome[Any]] = []
    replies: list[Reply] = []
    for call, asking in asked:
        scope = call.scope
        if scope in stored:
            answers.append(_replayed(call, stored[scope]))
            _tell(deps, call, answers[-1], None, seen, is_replayed=True)
            continue
        if asking.is_stale(seen):  # earlier commands of the batch may have made it need more
            await load_all(unit, [asking], seen, tried)
        answer, outcome = _decided(deps, call, seen)
        answers.append(answer)
        _tell(deps, call, answer, outcome, seen)
        if outcome is not None:
            seen.fold(outcome)
            outcomes.append(outcome)
        if (outcome is not None and not outcome.denied) or isinstance(answer, RECORDED_REFUSALS):
            reply = _reply(call, answer, outcome, seen.now)
            replies.append(reply)
            stored[scope] = reply
    if outcomes or replies:
        await _store(unit, outcomes, replies, tried)
    return answers


async def _store(
    unit: Unit, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply], tried: Tried
) -> None:
    try:
        await unit.apply(outcomes, replies)
        await unit.commit()
    except ConcurrentUpdate:
        tried.moved(outcomes)
        raise


def _decided(deps: Deps, call: Call[Any, Any], seen: Snapshot) -> tuple[Any, Outcome[Any] | None]:
    now = seen.now
    context = Context(
        tenant_id=deps.tenant_id,
        actor=call.actor,
        now=now,
        key=call.key,
        programme=deps.programme,
        new_id=partial(deps.ids.new, now=now),
        operation=call.use_case.name,
        command=call.command,
        authorizer=deps.authorizer.authorize if deps.authorizer is not None else None,
        nonce=deps.ids.nonce,
        route=deps.route,
    )
    change = Change(seen, context)
    try:
        result = call.use_case.decide(call.command, change)
        require_authorised(change)
    except DENIALS as denial:
        return denial, denied(context, denial)
    except InvoicePayError as refusal:
        return refusal, None
    outcome = change.outcome(call.use_case.name, result, is_noted=is_noted(change))
    return outcome.result, outcome


def _tell(
    deps: Deps,
    call: Call[Any, Any],
    answer: Any,
    outcome: Outcome[Any] | None,
    seen: Snapshot,
    *,
    is_replayed: bool = False,
) -> None:
    """Show a command's end to the witness, before what it wrote is folded into what was seen."""
    if deps.witness is not None:
        operation, refusal = call.use_case.name, answer if isinstance(answer, InvoicePayError) else None
        is_answered = is_replayed and not isinstance(answer, IdempotencyConflict)
        decided = Decided(operation, call.command, call.actor, seen, outcome, refusal, is_answered)
        deps.witness((deps.tenant_id, *call.scope), decided)


def _reply(call: Call[Any, Any], answer: Any, outcome: Outcome[Any] | None, now: datetime) -> Reply:
    body = canonical(answer.to_record()) if outcome is None else _body(answer, outcome.events)
    operation, key = call.scope
    return Reply(
        operation=operation,
        key=key,
        fingerprint=call.fingerprint,
        is_error=outcome is None,
        body=body,
        recorded_at=now,
    )


def _body(result: Any, steps: Sequence[Step]) -> str:
    """The result as text; nearly always a row whose last step has it written already."""
    for step in reversed(steps):
        if step.row is result:
            return step.body
    return canonical(result)


def _replayed(call: Call[Any, Any], reply: Reply) -> Any:
    if reply.fingerprint != call.fingerprint:
        return IdempotencyConflict(operation=reply.operation, key=reply.key)
    body = json.loads(reply.body)
    if reply.is_error:
        return error_from(**body)
    return _marked(from_dict(call.use_case.result, body))


def _marked(result: Any) -> Any:
    """The stored result, every row in it marked as replayed."""
    if isinstance(result, Entity):
        return replace(result, replayed=True)
    if isinstance(result, tuple):
        return tuple(_marked(one) for one in result)
    if not is_dataclass(result) or isinstance(result, type):
        return result
    parts = {part.name: getattr(result, part.name) for part in fields(result)}
    rows = {name: part for name, part in parts.items() if isinstance(part, Entity | tuple)}
    return replace(result, **{name: _marked(part) for name, part in rows.items()})
