"""Endpoints are told of what was committed since they were made, and of nothing that stays inside."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from invoicepay.domain.issuing import InvoiceTerms
from invoicepay.domain.lines import Line
from invoicepay.domain.parties import PartyKind
from invoicepay.domain.webhook_deliveries import (
    MOST_TRIES,
    WebhookAnswer,
    WebhookDelivery,
    WebhookDeliveryStatus,
)
from invoicepay.domain.webhook_endpoints import (
    DisabledBecause,
    WebhookEndpoint,
    WebhookEndpointStatus,
)
from invoicepay.domain.webhook_secrets import WebhookKeys
from invoicepay.errors import ConfigurationError, InvalidInput, InvalidTransition
from invoicepay.testing.clock import FrozenClock
from invoicepay.use_cases import bank_accounts, deposits, invoices
from invoicepay.use_cases import webhook_endpoints as endpoints
from invoicepay.use_cases import webhook_replay as replays
from invoicepay.use_cases.erasure import EraseParty, erase_party
from invoicepay.use_cases.parties import CloseParty, RegisterParty, close_party, register_party
from invoicepay.use_cases.pending import PendingSummary, run_pending
from invoicepay.use_cases.perform import Deps
from invoicepay.use_cases.webhook_fan_out import fan_out
from invoicepay.use_cases.webhook_sending import send_webhooks, tell_endpoints
from tests.support.mortal import Crash, Fate, mortal
from tests.support.receiver import BROKEN, GONE, REFUSED, SILENT, Postbox
from tests.support.till import Till, usd

SHOP, BOOKS = "https://shop.example/hooks", "https://books.example/in"
KEYS = WebhookKeys((b"w" * 32,))


class Outlet(Till):
    """A till whose endpoints are told."""

    def __init__(self, **ports: Any) -> None:
        self.box = Postbox()
        super().__init__(**{"webhook_sender": self.box, "webhook_keys": KEYS, **ports})

    def endpoint(self, url: str = SHOP, *events: str) -> WebhookEndpoint:
        """Tell a URL from now on."""
        command = endpoints.CreateEndpoint(url=url, events=events or ("invoice.*",))
        return self.run(endpoints.create_endpoint(self.deps, command))

    def work(self, deps: Deps | None = None) -> PendingSummary:
        """Everything that can be done now."""
        return self.run(run_pending(deps or self.deps, until_quiet=True))

    def now(self, endpoint: WebhookEndpoint) -> WebhookEndpoint:
        """The endpoint as it is stored."""
        found: WebhookEndpoint = self.row(WebhookEndpoint, endpoint.id)
        return found

    def deliveries(self, status: WebhookDeliveryStatus | None = None) -> list[WebhookDelivery]:
        """Deliveries by id."""
        return [row for row in self.rows(WebhookDelivery) if status in (None, row.status)]

    def sound(self) -> bool:
        """Whether nothing contradicts itself."""

        async def look() -> tuple[Any, ...]:
            async with self.deps.repository.reader("default") as reader:
                return await reader.violations()

        return self.run(look()) == ()


@pytest.fixture
def shop() -> Outlet:
    return Outlet()


def test_an_endpoint_is_told_of_what_matches_and_happened_since_it_was_made(shop: Outlet) -> None:
    shop.issue("5.00")
    shop.endpoint(SHOP, "invoice.finalized")
    shop.endpoint(BOOKS, "invoice.*", "payment.completed")

    shop.pay(shop.issue("9.00"))
    summary = shop.work()

    assert shop.box.names(SHOP) == ["invoice.finalized"]
    assert shop.box.names(BOOKS) == [
        *("invoice.created", "invoice.finalized"),
        *("invoice.paid", "payment.completed"),
    ]
    assert summary.posted == 5
    assert shop.work().posted == 0
    assert shop.sound()


def test_a_message_says_which_step_of_what_it_tells_and_has_the_id_of_the_event(shop: Outlet) -> None:
    shop.endpoint(SHOP, "invoice.paid")
    invoice = shop.issue("9.00")
    shop.pay(invoice)
    shop.work()

    (message,) = shop.box.sent
    body = json.loads(message.body)
    (delivery,) = shop.deliveries()
    assert list(body) == ["type", "timestamp", "data"]
    assert body["timestamp"] == "2026-01-05T09:00:00.000000Z"
    told = body["data"]
    assert (told["id"], told["kind"], told["tenant"]) == (invoice.id, "invoice", "default")
    assert (told["from_status"], told["to_status"]) == ("open", "paid")
    assert told["seq"] == told["object"]["version"]
    assert told["object"]["total"] == {"amount": "9.00", "asset": "USD"}
    assert message.id == delivery.event_id
    assert delivery.id == f"{delivery.event_id}/{delivery.endpoint_id}"
    assert (delivery.status, delivery.attempts, delivery.last_status) == ("delivered", 1, 204)


def test_an_event_that_is_committed_late_under_an_early_id_is_told(shop: Outlet) -> None:
    shop.endpoint(SHOP, "party.registered")
    shop.user("early")
    shop.work()
    lagging = FrozenClock(shop.clock.now() - timedelta(hours=3))

    late = replace(shop.deps, clock=lagging)
    command = RegisterParty(party_id="late", kind=PartyKind.USER)
    shop.run(register_party(late, command))
    shop.work()

    told = [json.loads(each.body)["data"]["id"] for each in shop.box.sent]
    assert told == ["early", "late"]
    first, second = (each.id for each in shop.box.sent)
    assert second < first


def test_handlers_and_endpoints_take_nothing_from_each_other(shop: Outlet) -> None:
    shop.endpoint(SHOP, "invoice.created")
    told: list[str] = []

    async def handler(event: Any) -> None:
        told.append(event.name)

    shop.issue("5.00")
    shop.work()
    shop.run(run_pending(shop.deps, handlers=[handler]))
    shop.issue("6.00")
    shop.run(run_pending(shop.deps, handlers=[handler], until_quiet=True))

    assert shop.box.names(SHOP) == ["invoice.created", "invoice.created"]
    assert told.count("invoice.created") == 2


def test_an_idle_pass_writes_nothing(shop: Outlet) -> None:
    shop.endpoint(SHOP, "credit.*")
    shop.issue("5.00")
    heads = shop.rows(WebhookEndpoint)

    shop.work()
    shop.work()

    assert shop.rows(WebhookEndpoint) == heads
    assert not shop.deliveries()


def test_what_is_told_to_nobody_is_not_read_again_and_again(shop: Outlet) -> None:
    endpoint = shop.endpoint(SHOP, "credit.*")
    for number in range(201):
        shop.user(f"user-{number}")

    shop.work()

    assert shop.now(endpoint).positions["main"] == endpoint.positions["main"] + 200
    shop.issue("1.00")
    command = endpoints.UpdateEndpoint(endpoint_id=endpoint.id, events=("invoice.created",))
    shop.run(endpoints.update_endpoint(shop.deps, command))
    shop.work()
    assert shop.box.names(SHOP) == ["invoice.created"]


def test_work_with_providers_and_tokens_of_accounts_stay_inside(shop: Outlet) -> None:
    shop.endpoint(SHOP, "*")
    command = deposits.InitiateDeposit(
        party_id="ann", amount=usd("5.00"), rail="wire", account_token="ba_secret"
    )
    shop.run(deposits.initiate_deposit(shop.deps, command))
    disable = bank_accounts.DisableBankAccount(account_token="ba_secret", reason="stolen", party_id="ann")
    shop.run(bank_accounts.disable_bank_account(shop.deps, disable))
    shop.work()

    kinds = {json.loads(each.body)["data"]["kind"] for each in shop.box.sent}
    assert "deposit" in kinds
    assert not kinds & {"effect", "webhook_delivery", "webhook_endpoint", "inbox_message", "bank_account"}
    assert all(b"ba_secret" not in each.body for each in shop.box.sent)


@pytest.mark.parametrize(
    "pattern", ["effect.*", "bank_account.*", "webhook_delivery.dead", "invoices.paid", "paid", ""]
)
def test_a_pattern_that_no_event_outside_meets_is_refused(shop: Outlet, pattern: str) -> None:
    with pytest.raises(InvalidInput, match=r"invoice\.paid"):
        shop.endpoint(SHOP, pattern)


def test_a_dead_endpoint_ends_in_the_dead_letters_and_can_be_replayed(shop: Outlet) -> None:
    endpoint = shop.endpoint(SHOP, "invoice.paid")
    shop.box.answers[SHOP] = REFUSED
    shop.pay(shop.issue("9.00"))
    waits = []
    while not shop.deliveries(WebhookDeliveryStatus.DEAD):
        shop.work()
        (delivery,) = shop.deliveries()
        waits.append((delivery.due_at - shop.clock.now()).total_seconds())
        shop.clock.set(max(delivery.due_at, shop.clock.now()))

    (dead,) = shop.deliveries()
    assert len(shop.box.sent) == dead.attempts == MOST_TRIES
    assert len({message.id for message in shop.box.sent}) == 1
    plan = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert all(least <= wait <= least * 1.1 for least, wait in zip(plan, waits[:-1], strict=True))
    assert (dead.last_status, dead.last_error) == (400, "answered 400")
    assert shop.work().posted == 0

    shop.box.answers.clear()
    shop.run(replays.replay_delivery(shop.deps, replays.ReplayDelivery(delivery_id=dead.id)))
    shop.work()

    assert [row.status for row in shop.deliveries()] == [WebhookDeliveryStatus.DELIVERED]
    assert shop.box.sent[-1].id == dead.event_id
    assert shop.now(endpoint).failing_since is None
    assert shop.sound()


def test_what_is_on_its_way_is_not_replayed(shop: Outlet) -> None:
    shop.endpoint(SHOP, "invoice.created")
    shop.box.answers[SHOP] = SILENT
    shop.issue("1.00")
    shop.work()
    (waiting,) = shop.deliveries()

    with pytest.raises(InvalidTransition):
        shop.run(replays.replay_delivery(shop.deps, replays.ReplayDelivery(delivery_id=waiting.id)))


def test_an_endpoint_that_says_gone_is_disabled_and_its_delivery_dead(shop: Outlet) -> None:
    endpoint = shop.endpoint(SHOP, "invoice.created")
    shop.box.answers[SHOP] = GONE
    shop.issue("1.00")
    shop.work()

    after = shop.now(endpoint)
    assert (after.status, after.because) == (WebhookEndpointStatus.DISABLED, DisabledBecause.GONE)
    assert [row.status for row in shop.deliveries()] == [WebhookDeliveryStatus.DEAD]
    shop.issue("2.00")
    shop.work()
    assert len(shop.box.sent) == 1


def test_an_endpoint_that_fails_for_days_is_disabled_and_told_again_once_enabled(shop: Outlet) -> None:
    endpoint = shop.endpoint(SHOP, "invoice.created")
    shop.box.answers[SHOP] = BROKEN
    shop.issue("1.00")
    began = shop.clock.now()
    while shop.now(endpoint).status is WebhookEndpointStatus.ENABLED:
        shop.clock.advance(hours=6)
        shop.issue("1.00")
        shop.work()

    after = shop.now(endpoint)
    assert after.because is DisabledBecause.FAILING
    assert timedelta(days=5) <= shop.clock.now() - began <= timedelta(days=6)
    waiting = shop.deliveries(WebhookDeliveryStatus.PENDING)
    assert waiting
    missed = shop.issue("3.00")
    shop.box.answers.clear()
    shop.box.sent.clear()

    shop.run(endpoints.enable_endpoint(shop.deps, endpoints.EnableEndpoint(endpoint_id=endpoint.id)))
    shop.clock.advance(days=1)
    shop.work()

    assert {message.id for message in shop.box.sent} == {row.event_id for row in waiting}
    assert missed.id not in {json.loads(each.body)["data"]["id"] for each in shop.box.sent}
    assert shop.sound()


def test_an_endpoint_that_does_not_answer_holds_up_no_other_and_is_asked_once(shop: Outlet) -> None:
    shop.endpoint(SHOP, "invoice.*")
    shop.endpoint(BOOKS, "invoice.*")
    shop.box.answers[SHOP] = SILENT
    for _ in range(10):
        shop.issue("1.00")

    shop.work()

    assert len(shop.box.names(BOOKS)) == 20
    assert len(shop.box.names(SHOP)) == 1


def test_each_endpoint_has_an_equal_share_of_a_pass(shop: Outlet) -> None:
    urls = [f"https://{name}.example/hooks" for name in ("one", "two", "three")]
    for url in urls:
        shop.endpoint(url, "invoice.created")
    for _ in range(20):
        shop.issue("1.00")
    shop.run(fan_out(shop.deps, 100))

    assert shop.run(send_webhooks(shop.deps, 30)).count == 30

    assert [len(shop.box.names(url)) for url in urls] == [10, 10, 10]


def test_once_it_answers_again_all_that_waited_is_sent_in_order(shop: Outlet) -> None:
    shop.endpoint(SHOP, "invoice.created")
    shop.box.answers[SHOP] = SILENT
    wanted = [shop.issue("1.00").id for _ in range(5)]
    shop.work()
    shop.box.answers.clear()
    shop.box.sent.clear()

    shop.clock.advance(minutes=1)
    shop.work()

    told = [json.loads(each.body)["data"]["id"] for each in shop.box.sent]
    assert sorted(told) == sorted(wanted)
    assert told[0] in wanted[:2]


def test_another_url_is_asked_at_once_for_all_that_waited(shop: Outlet) -> None:
    endpoint = shop.endpoint(SHOP, "invoice.created")
    shop.box.answers[SHOP] = SILENT
    shop.issue("1.00")
    shop.issue("2.00")
    shop.work()

    command = endpoints.UpdateEndpoint(endpoint_id=endpoint.id, url=BOOKS)
    shop.run(endpoints.update_endpoint(shop.deps, command))
    shop.clock.advance(seconds=6)
    shop.work()

    assert shop.box.names(BOOKS) == ["invoice.created"] * 2


def test_whenever_a_worker_dies_everything_is_told_and_planned_once(shop: Outlet) -> None:
    """Before and after each commit and each post, by counting boundaries until none is left."""
    endpoint = shop.endpoint(SHOP, "invoice.*")
    expected, boundary, died = 0, 0, True
    while died:
        shop.issue("1.00")
        expected += 2
        fate = Fate(boundary)
        shop.box.meanwhile = lambda _message, fate=fate: fate.boundary()  # type: ignore[misc]
        try:
            shop.work(mortal(shop.deps, fate))
            died = False
        except Crash:
            shop.clock.advance(minutes=3)
        shop.box.meanwhile = lambda _message: None
        shop.work()
        boundary += 1

    told = [message.id for message in shop.box.sent]
    assert boundary > 5
    assert len(set(told)) == len(shop.deliveries(WebhookDeliveryStatus.DELIVERED)) == expected
    assert shop.now(endpoint).failing_since is None
    assert shop.sound()


def test_a_refusal_of_one_message_keeps_no_other_from_the_endpoint(shop: Outlet) -> None:
    shop.endpoint(SHOP, "invoice.*")
    shop.box.answers[SHOP] = REFUSED
    shop.issue("1.00")

    shop.work()

    assert shop.box.names(SHOP) == ["invoice.created", "invoice.finalized"]


@pytest.mark.parametrize(("asked", "given"), [(1, 5), (3_600, 3_600), (10**6, 86_400)])
def test_retry_after_is_honoured_up_to_a_day(shop: Outlet, asked: int, given: int) -> None:
    endpoint = shop.endpoint(SHOP, "invoice.created")
    shop.box.answers[SHOP] = WebhookAnswer(status=429, error="busy", retry_after_seconds=asked)
    shop.issue("1.00")
    shop.work()

    (delivery,) = shop.deliveries()
    now, rests_until = shop.clock.now(), shop.now(endpoint).rests_until
    assert given <= (delivery.due_at - now).total_seconds() <= given * 1.1
    assert rests_until == now + timedelta(seconds=given)


def test_a_crash_after_the_post_sends_the_same_message_again(shop: Outlet) -> None:
    shop.endpoint(SHOP, "invoice.created")
    shop.issue("1.00")

    class Died(BaseException):
        pass

    def die(_message: object) -> None:
        raise Died

    shop.box.meanwhile = die
    with pytest.raises(Died):
        shop.work()
    shop.box.meanwhile = lambda _message: None
    assert shop.work().posted == 0  # the lease of the process that died has not ended

    shop.clock.advance(minutes=3)
    shop.work()

    first, second = shop.box.sent
    assert (first.id, first.body) == (second.id, second.body)
    assert [row.status for row in shop.deliveries()] == [WebhookDeliveryStatus.DELIVERED]


def test_a_worker_that_lost_its_lease_records_nothing(shop: Outlet) -> None:
    shop.endpoint(SHOP, "invoice.created")
    shop.issue("1.00")

    def sleep(_message: object) -> None:
        shop.box.meanwhile = lambda _other: None
        shop.clock.advance(minutes=3)
        shop.work()
        shop.box.answers[SHOP] = GONE

    shop.box.meanwhile = sleep
    shop.work()

    assert [row.status for row in shop.deliveries()] == [WebhookDeliveryStatus.DELIVERED]
    assert len(shop.box.sent) == 2


def test_what_a_late_worker_learnt_is_not_counted_twice(shop: Outlet) -> None:
    """Whoever took over has tried and failed; the late success is forgotten, and so sent once more."""
    shop.endpoint(SHOP, "invoice.created")
    shop.issue("1.00")

    def sleep(_message: object) -> None:
        shop.box.meanwhile = lambda _other: None
        shop.clock.advance(minutes=3)
        shop.box.answers[SHOP] = REFUSED
        shop.work()
        shop.box.answers.clear()

    shop.box.meanwhile = sleep
    shop.work()

    (delivery,) = shop.deliveries()
    assert (delivery.status, delivery.attempts, delivery.fence) == (WebhookDeliveryStatus.PENDING, 1, 2)
    shop.clock.advance(minutes=1)
    shop.work()
    assert [row.attempts for row in shop.deliveries(WebhookDeliveryStatus.DELIVERED)] == [2]


def test_for_a_day_after_a_rotation_both_secrets_sign(shop: Outlet) -> None:
    endpoint = shop.endpoint(SHOP, "invoice.created")
    before = shop.run(endpoints.secret_of(shop.deps, endpoint.id))

    shop.run(endpoints.rotate_secret(shop.deps, endpoints.RotateSecret(endpoint_id=endpoint.id)))
    after = shop.run(endpoints.secret_of(shop.deps, endpoint.id))
    shop.issue("1.00")
    shop.work()
    shop.clock.advance(hours=24)
    shop.issue("1.00")
    shop.work()

    assert before != after
    assert [message.secrets for message in shop.box.sent] == [(after, before), (after,)]


def test_a_former_secret_of_the_installation_signs_until_it_is_left_out(shop: Outlet) -> None:
    endpoint = shop.endpoint(SHOP, "invoice.created")
    before = shop.run(endpoints.secret_of(shop.deps, endpoint.id))
    renewed = replace(shop.deps, webhook_keys=WebhookKeys((b"n" * 32, b"w" * 32)))
    shop.issue("1.00")

    shop.work(renewed)

    (message,) = shop.box.sent
    assert message.secrets == (shop.run(endpoints.secret_of(renewed, endpoint.id)), before)


def test_every_endpoint_has_a_secret_of_its_own() -> None:
    made = {
        KEYS.secrets_of(tenant, endpoint, (generation,))
        for tenant in ("a", "b")
        for endpoint in ("whe_1", "whe_2")
        for generation in (1, 2)
    }

    assert len(made) == 8


def test_without_a_secret_nothing_is_made_or_sent_and_the_error_says_what_to_do(shop: Outlet) -> None:
    shop.endpoint(SHOP, "invoice.created")
    shop.issue("1.00")
    bare = replace(shop.deps, webhook_keys=WebhookKeys())

    summary = shop.work(bare)
    with pytest.raises(ConfigurationError) as refusal:
        shop.run(endpoints.create_endpoint(bare, endpoints.CreateEndpoint(url=SHOP, events=("*",))))

    assert isinstance(summary.refusals[0], ConfigurationError)
    assert "webhook_secret" in refusal.value.hint
    assert not shop.box.sent
    assert shop.work().posted == 1


def test_a_span_of_time_is_replayed_whether_it_was_told_before_or_not(shop: Outlet) -> None:
    since = shop.clock.now()
    old = shop.issue("1.00")
    shop.clock.advance(hours=1)
    endpoint = shop.endpoint(SHOP, "invoice.created")
    new = shop.issue("2.00")
    shop.work()
    shop.clock.advance(hours=1)
    until = shop.clock.now()
    later = shop.issue("3.00")

    span = replays.ReplayRange(endpoint_id=endpoint.id, since=since, until=until)
    planned = shop.run(replays.replay_range(shop.deps, span))
    shop.work()

    told = [json.loads(each.body)["data"]["id"] for each in shop.box.sent]
    assert planned == 2
    assert sorted(told) == sorted([new.id, old.id, new.id, later.id])
    assert shop.run(replays.replay_range(shop.deps, replace(span, until=since + timedelta(hours=1)))) == 1


def test_a_span_that_ends_before_it_begins_is_refused(shop: Outlet) -> None:
    endpoint = shop.endpoint()
    at = datetime(2026, 1, 5, tzinfo=UTC)

    with pytest.raises(InvalidInput):
        shop.run(
            replays.replay_range(shop.deps, replays.ReplayRange(endpoint_id=endpoint.id, since=at, until=at))
        )


def test_what_was_erased_is_not_in_a_message_that_is_sent_later(shop: Outlet) -> None:
    shop.endpoint(SHOP, "invoice.created")
    shop.user("cho")
    shop.box.answers[SHOP] = SILENT
    terms = InvoiceTerms(
        enterprise_id="acme", customer_id="cho", lines=(Line(description="x", unit_price=usd("1.00")),)
    )
    invoice = shop.run(invoices.issue_invoice(shop.deps, replace(terms, note="for my knee")))
    shop.work()
    shop.run(invoices.void_invoice(shop.deps, invoices.VoidInvoice(invoice_id=invoice.id)))
    shop.run(close_party(shop.deps, CloseParty(party_id="cho")))
    shop.run(erase_party(shop.deps, EraseParty(party_id="cho")))
    shop.clock.advance(minutes=10)
    shop.work()

    first, second = shop.box.sent
    assert b"for my knee" in first.body
    assert b"for my knee" not in second.body


class _Counting:
    """A repository that counts its readers and units."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.units = self.readers = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @asynccontextmanager
    async def unit(self, tenant_id: str) -> AsyncIterator[Any]:
        self.units += 1
        async with self._inner.unit(tenant_id) as unit:
            yield unit

    @asynccontextmanager
    async def reader(self, tenant_id: str) -> AsyncIterator[Any]:
        self.readers += 1
        async with self._inner.reader(tenant_id) as reader:
            yield reader


def test_without_endpoints_a_pass_looks_once_and_reads_no_trail(shop: Outlet) -> None:
    shop.issue("1.00")
    counting = _Counting(shop.deps.repository)
    deps = replace(shop.deps, repository=counting)

    assert shop.run(tell_endpoints(deps, 100)).count == 0
    assert (counting.readers, counting.units) == (1, 0)
