"""Effects: what providers were asked to do, what was seen of it, and how persons step in."""

from __future__ import annotations

from invoicepay.client.base import Group, chosen, id_of, optional_id, optional_money
from invoicepay.client.pages import AsyncPage
from invoicepay.domain.effects import Effect, EffectStatus, Observation
from invoicepay.domain.entity import Entity
from invoicepay.domain.money import MoneyLike
from invoicepay.domain.provider_switches import ProviderStatus, ProviderSwitch
from invoicepay.use_cases import queries, stops
from invoicepay.use_cases.observations import ResolveReview, resolve_review
from invoicepay.use_cases.resend import ResendEffect, resend_effect


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

    async def resend(
        self,
        effect: str | Effect,
        *,
        reason: str,
        approved_by: str,
        idempotency_key: str | None = None,
    ) -> Effect:
        """Have an effect in review asked about and sent once more, under its own key (four eyes).

        For an effect that went out so often, or so long ago, that it is not sent again by itself. The
        provider is asked first wherever it can be: what it has is booked and not sent. One that forgets keys
        and cannot be asked is never sent to twice; resolve the effect instead.

        Args:
            reason: how it was found out that nothing arrived; it goes into the audit trail.

        Raises:
            NotAllowed, SecondActorRequired: it takes an operator and another person.
            InvalidTransition: it is not in review, or the provider has told of it.
        """
        command = ResendEffect(effect_id=id_of(effect), reason=reason, approved_by=approved_by)
        return await self._do(resend_effect, command, idempotency_key)

    async def stop(
        self, provider: str | ProviderSwitch, *, reason: str, idempotency_key: str | None = None
    ) -> ProviderSwitch:
        """Send nothing more to a provider, in an emergency; one operator is enough.

        Commands are taken as before and wait. What left already goes on being looked up, polled and told of
        by webhooks. A request that was on its way at this moment may still arrive, within ten seconds.

        Args:
            provider: its name, as in `effect.provider` and `health()`.
            reason: it goes into the audit trail.

        Raises:
            NotFound: this client has no provider of that name.
            NotAllowed: the actor is no operator.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> pay.effects.stop("simulated-bank", reason="status page is red").status.value
            'stopped'
            >>> pay.effects.resume("simulated-bank", reason="green again", approved_by="cfo").status.value
            'running'
        """
        command = stops.StopProvider(provider=id_of(provider), reason=reason)
        return await self._do(stops.stop_provider, command, idempotency_key)

    async def stop_everywhere(
        self, provider: str | ProviderSwitch, *, reason: str, idempotency_key: str | None = None
    ) -> dict[str, ProviderSwitch]:
        """`stop` for every tenant that the store has by now; one operator is enough.

        Returns:
            The switch by tenant. A tenant that is new afterwards is not stopped.

        Raises:
            NotFound: this client has no provider of that name.
            NotAllowed: the actor is a party.
        """
        command = stops.StopProvider(provider=id_of(provider), reason=reason)
        return await stops.stop_everywhere(self._deps, command, idempotency_key)

    async def resume(
        self,
        provider: str | ProviderSwitch,
        *,
        reason: str,
        approved_by: str,
        idempotency_key: str | None = None,
    ) -> ProviderSwitch:
        """Send again what waits for a stopped provider; operators only, two of them.

        Raises:
            NotFound: it was never stopped.
            NotAllowed, SecondActorRequired: it takes an operator and another person.
            InvalidTransition: it is not stopped.
        """
        command = stops.ResumeProvider(provider=id_of(provider), reason=reason, approved_by=approved_by)
        return await self._do(stops.resume_provider, command, idempotency_key)

    async def resume_everywhere(
        self,
        provider: str | ProviderSwitch,
        *,
        reason: str,
        approved_by: str,
        idempotency_key: str | None = None,
    ) -> dict[str, ProviderSwitch]:
        """`resume` in every tenant where the provider is stopped; operators only, two of them.

        Returns:
            The switch by tenant, of those that were stopped.

        Raises:
            NotAllowed, SecondActorRequired: it takes an operator and another person.
        """
        command = stops.ResumeProvider(provider=id_of(provider), reason=reason, approved_by=approved_by)
        return await stops.resume_everywhere(self._deps, command, idempotency_key)

    async def switches(
        self, *, status: ProviderStatus | str | None = None, after: str = "", limit: int = 50
    ) -> AsyncPage[ProviderSwitch]:
        """Providers that were stopped at least once, by name; for operators.

        Args:
            status: `stopped` or `running`.
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        wanted = None if status is None else chosen(ProviderStatus, status, "status")
        return await self._page(ProviderSwitch, after=after, limit=limit, status=wanted)
