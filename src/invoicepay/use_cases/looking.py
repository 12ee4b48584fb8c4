"""Asking before somebody looks, or a command looks elsewhere; who may not is written down (S-01, S-36)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from invoicepay.domain.access import permit, second_person
from invoicepay.domain.authority import RULES, Access, Permission, SecondPerson, Side
from invoicepay.domain.change import Context, denied
from invoicepay.domain.entity import Entity
from invoicepay.errors import IdentityError, InvoicePayError
from invoicepay.use_cases.perform import DENIALS, Deps


async def allow(
    deps: Deps,
    operation: str,
    row: Entity | None = None,
    *,
    command: Any = None,
    sides: Mapping[Side, str] | None = None,
    kind: str = "",
) -> None:
    """Let the actor go on, or refuse and write down that it was refused.

    Args:
        operation: a look, or a command that asks the store or a provider before its transaction.
        kind: of the rows that are looked for, where no single one is meant.

    Raises:
        NotThePayer, NotAllowed, SecondActorRequired, AuthorizerUnavailable: the actor may not.
    """
    access = access_to(deps, operation, row, command=command, sides=sides, kind=kind)
    try:
        _permitted(deps, access)
    except DENIALS as denial:
        await _note(deps, access, denial)
        raise


async def allow_anybody(deps: Deps, operation: str) -> None:
    """Let the actor look at what everybody may see, unless the host says otherwise.

    Raises:
        NotAllowed, AuthorizerUnavailable: the host does.
    """
    await allow(deps, operation, sides={Side.OWNER: deps.actor.party_id})


def may(deps: Deps, operation: str, row: Entity, sides: Mapping[Side, str]) -> bool:
    """Whether the actor may, without a word to anybody: for what is answered as if it were not there."""
    try:
        _permitted(deps, access_to(deps, operation, row, sides=sides))
    except IdentityError:
        return False
    return True


def access_to(
    deps: Deps,
    operation: str,
    row: Entity | None = None,
    *,
    command: Any = None,
    sides: Mapping[Side, str] | None = None,
    kind: str = "",
) -> Access:
    """The question."""
    return Access(
        tenant_id=deps.tenant_id,
        actor=deps.actor,
        operation=operation,
        kind=row.KIND if row is not None else kind,
        sides={} if sides is None else sides,
        row=row,
        command=command,
        approved_by=getattr(command, "approved_by", ""),
    )


def _permitted(deps: Deps, access: Access) -> None:
    answer = permit(access, deps.authorizer.authorize if deps.authorizer is not None else None)
    takes_two = RULES[access.operation].second is SecondPerson.ALWAYS
    if takes_two or answer is Permission.SECOND_PERSON:
        second_person(access.actor, access.approved_by)


async def _note(deps: Deps, access: Access, denial: InvoicePayError) -> None:
    """One audit record, in a transaction of its own."""
    now = deps.clock.now()
    context = Context(
        tenant_id=deps.tenant_id,
        actor=access.actor,
        now=now,
        key=deps.ids.new("key", now),
        programme=deps.programme,
        new_id=lambda prefix: deps.ids.new(prefix, now),
        operation=access.operation,
    )

    async def written() -> None:
        async with deps.repository.unit(deps.tenant_id) as unit:
            await unit.apply([denied(context, denial)], [])
            await unit.commit()

    await deps.retry(written)
