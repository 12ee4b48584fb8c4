"""Effects: what providers were asked to do, what was seen of it, and what persons say of doubtful ones."""

from __future__ import annotations

from invoicepay.client.base import Group, chosen, id_of, optional_id, optional_money
from invoicepay.client.pages import AsyncPage
from invoicepay.domain.effects import Effect, EffectStatus, Observation
from invoicepay.domain.entity import Entity
from invoicepay.domain.money import MoneyLike
from invoicepay.use_cases import queries
from invoicepay.use_cases.observations import ResolveReview, resolve_review


class Effects(Group):
    """Provider work: one effect for each thing asked of a bank or token network (reliability 1)."""

    async def get(self, effect: str | Effect) -> Effect:
        """One effect.

        Raises:
            NotFound: unknown in this tenant.
        """
        return await queries.own(self._deps, Effect, id_of(effect))

    async def list(
        self,
        *,
        cause: str | Entity | None = None,
        status: EffectStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> AsyncPage[Effect]:
        """Effects, oldest first; those with the status `needs_review` wait for two persons.

        Args:
            cause: the deposit, withdrawal, mint, burn, payment, transfer or credit that it serves.
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        wanted = None if status is None else chosen(EffectStatus, status, "status")
        return await self._page(Effect, after=after, limit=limit, cause_id=optional_id(cause), status=wanted)

    async def observations(
        self, effect: str | Effect, *, after: str = "", limit: int = 50
    ) -> AsyncPage[Observation]:
        """Everything that was seen of an effect: answers, look-ups, webhooks, findings of persons.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.

        Raises:
            NotFound: unknown in this tenant.
        """
        known = await self.get(effect)
        return await self._page(Observation, after=after, limit=limit, effect_id=known.id)

    async def resolve(
        self,
        effect: str | Effect,
        status: EffectStatus | str,
        *,
        reason: str,
        approved_by: str,
        amount: MoneyLike | None = None,
        provider_ref: str = "",
        idempotency_key: str | None = None,
    ) -> Effect:
        """Say what really became of an effect in review; the books follow (four eyes).

        Args:
            status: accepted, final, rejected or failed; of a deposit or payout also settled, returned or
                return_reversed.
            reason: how it was found out; it goes into the audit trail.
            amount: what a deposit really brought, when it is not what was asked.
            provider_ref: the provider's name for it, when it is not known yet.

        Raises:
            NotAllowed, SecondActorRequired: it takes an operator and another person.
            InvalidTransition: it is not in review, or the books cannot follow.
            InvalidInput: another amount than asked, and it is no deposit: the books follow whole or not.
            MoneyError: the books cannot follow; for example, no reserve backs the tokens any more.
        """
        command = ResolveReview(
            effect_id=id_of(effect),
            status=chosen(EffectStatus, status, "status"),
            reason=reason,
            approved_by=approved_by,
            amount=optional_money(amount),
            provider_ref=provider_ref,
        )
        return await self._do(resolve_review, command, idempotency_key)
