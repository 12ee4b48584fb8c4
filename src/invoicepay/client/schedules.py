"""Recurring invoices."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import date

from invoicepay.client.base import Group, LineLike, chosen, id_of, lines_of
from invoicepay.client.pages import AsyncPage
from invoicepay.domain.authority import Side
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.schedules import CatchUp, Every, Schedule, ScheduleStatus
from invoicepay.use_cases import queries
from invoicepay.use_cases import schedules as use_cases
from invoicepay.use_cases.looking import allow


class Schedules(Group):
    """Schedules issue an invoice for each occurrence, each once (spec 4.7)."""

    async def create(
        self,
        *,
        enterprise: str,
        customer: str,
        lines: Sequence[LineLike],
        every: Every,
        start_on: date | None = None,
        timezone: str = "",
        due_in_days: int = 0,
        catch_up: CatchUp | str = CatchUp.ALL,
        ends_on: date | None = None,
        max_count: int | None = None,
        series: str = "A",
        note: str = "",
        idempotency_key: str | None = None,
    ) -> Schedule:
        """Set up recurring invoices.

        Args:
            every: `Every.month(day=31)` is clamped: 28 Feb, 31 Mar, 30 Apr.
            start_on: local date of the first occurrence; today when left out.
            timezone: the enterprise's zone when left out.
            catch_up: `all`, `latest` or `skip` occurrences missed during a pause or downtime.

        Raises:
            InvalidLine, InvalidInput, InvalidTime, NotFound, NotAllowed: nothing was stored.

        Examples:
            >>> from datetime import date
            >>> from invoicepay import Every, InvoicePay
            >>> from invoicepay.testing.clock import FrozenClock
            >>> pay = InvoicePay(clock=FrozenClock("2026-01-31T09:00:00Z"))
            >>> schedule = pay.schedules.create(
            ...     enterprise="acme",
            ...     customer="ann",
            ...     lines=[("Pro plan", "29.00 USD")],
            ...     every=Every.month(day=31),
            ...     start_on=date(2026, 1, 31),
            ... )
            >>> [invoice.number for invoice in pay.schedules.run_due()]
            ['A-0001']
        """
        command = use_cases.CreateSchedule(
            enterprise_id=enterprise,
            customer_id=customer,
            lines=lines_of(lines),
            every=every,
            start_on=start_on or self._deps.clock.now().date(),
            timezone=timezone,
            due_in_days=due_in_days,
            catch_up=chosen(CatchUp, catch_up, "catch_up"),
            ends_on=ends_on,
            max_count=max_count,
            series=series,
            note=note,
        )
        return await self._do(use_cases.create_schedule, command, idempotency_key)

    async def run_due(self) -> builtins.list[Invoice]:
        """Issue what is due by now; returns what this run issued, so running twice makes nothing twice.

        An enterprise runs its own schedules, an operator those of all.
        """
        await allow(self._deps, "schedules.run_due", sides={Side.ENTERPRISE: self._deps.actor.party_id})
        issued = await use_cases.run_due(self._deps)
        await self._follow_up()
        return issued

    async def pause(self, schedule: str | Schedule, *, idempotency_key: str | None = None) -> Schedule:
        """Issue nothing until resumed.

        Raises:
            InvalidTransition, NotAllowed: nothing changed.
        """
        return await self._do(
            use_cases.pause_schedule, use_cases.OneSchedule(schedule_id=id_of(schedule)), idempotency_key
        )

    async def resume(self, schedule: str | Schedule, *, idempotency_key: str | None = None) -> Schedule:
        """Go on; missed occurrences follow the schedule's `catch_up`.

        Raises:
            InvalidTransition, NotAllowed: nothing changed.
        """
        return await self._do(
            use_cases.resume_schedule, use_cases.OneSchedule(schedule_id=id_of(schedule)), idempotency_key
        )

    async def cancel(self, schedule: str | Schedule, *, idempotency_key: str | None = None) -> Schedule:
        """End it for good; invoices already issued stay.

        Raises:
            InvalidTransition, NotAllowed: nothing changed.
        """
        return await self._do(
            use_cases.cancel_schedule, use_cases.OneSchedule(schedule_id=id_of(schedule)), idempotency_key
        )

    async def get(self, schedule: str | Schedule) -> Schedule:
        """One schedule.

        Raises:
            NotFound: unknown in this tenant.
        """
        return await queries.own(self._deps, Schedule, id_of(schedule))

    async def list(
        self,
        *,
        enterprise: str | None = None,
        customer: str | None = None,
        status: ScheduleStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> AsyncPage[Schedule]:
        """Schedules, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return await self._page(
            Schedule,
            after=after,
            limit=limit,
            enterprise_id=enterprise,
            customer_id=customer,
            status=None if status is None else chosen(ScheduleStatus, status, "status"),
        )
