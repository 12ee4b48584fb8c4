"""Webhooks over real sockets, verified by the reference implementation of Standard Webhooks."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import WebhookVerificationError

from invoicepay import AsyncInvoicePay, Event, InvoicePay, Settings, migrate
from invoicepay.adapters.http import outside
from invoicepay.adapters.webhook_sender import MOST_ANSWERED, HttpWebhookSender
from invoicepay.bridge import run_blocking
from invoicepay.errors import ConfigurationError, InsideTransaction, InvalidInput, NotAllowed, NotFound
from invoicepay.ports.webhook_sender import OutgoingWebhook
from invoicepay.testing.clock import FrozenClock
from tests.adapters.http.test_outside import SPELLINGS_OF_THIS_MACHINE
from tests.adapters.http.wire import free_port
from tests.support.receiver import Receiver, receiver

LINES = [("Seat", "9.00 USD")]
SECRET = b"w" * 32


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def local(**options: object) -> InvoicePay:
    return InvoicePay(allow_local_webhooks=True, **options)  # type: ignore[arg-type]


def issue(pay: InvoicePay) -> str:
    return pay.invoices.issue(enterprise="acme", customer="ann", lines=LINES).id


def test_a_receiver_verifies_what_a_blocking_host_sends(there: Receiver) -> None:
    pay = local()
    endpoint = pay.webhook_endpoints.create(url=there.url, events=["invoice.*"])

    id = issue(pay)

    secret = pay.webhook_endpoints.secret(endpoint)
    created, finalized = (each.verified(secret) for each in there.received)
    assert (created["type"], finalized["type"]) == ("invoice.created", "invoice.finalized")
    assert [told["data"]["seq"] for told in (created, finalized)] == [1, 2]
    assert finalized["data"]["object"]["id"] == id
    assert there.received[0].headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        there.received[0].verified("whsec_" + "A" * 44)


def test_a_receiver_verifies_what_an_awaiting_host_sends(there: Receiver) -> None:
    async def host() -> str:
        async with AsyncInvoicePay(allow_local_webhooks=True) as pay:
            endpoint = await pay.webhook_endpoints.create(url=there.url, events=["invoice.finalized"])
            await pay.invoices.issue(enterprise="acme", customer="ann", lines=LINES)
            assert [each.status async for each in await pay.webhook_deliveries.list()] == ["delivered"]
            return await pay.webhook_endpoints.secret(endpoint)

    secret = asyncio.run(host())

    (message,) = there.received
    assert message.verified(secret)["type"] == "invoice.finalized"


def test_after_a_rotation_both_the_old_and_the_new_secret_verify(there: Receiver) -> None:
    pay = local()
    endpoint = pay.webhook_endpoints.create(url=there.url, events=["invoice.created"])
    before = pay.webhook_endpoints.secret(endpoint)

    pay.webhook_endpoints.rotate_secret(endpoint)
    issue(pay)

    (message,) = there.received
    assert message.verified(before) == message.verified(pay.webhook_endpoints.secret(endpoint))


def test_a_trial_message_is_sent_at_once_and_not_kept(there: Receiver) -> None:
    pay = local()
    endpoint = pay.webhook_endpoints.create(url=there.url, events=["invoice.created"])

    answer = pay.webhook_endpoints.test(endpoint)
    there.status = 500
    refused = pay.webhook_endpoints.test(endpoint)

    assert (answer.is_taken, answer.status) == (True, 204)
    assert (refused.is_taken, refused.status, refused.error) == (False, 500, "answered 500")
    first, _ = there.received
    assert first.verified(pay.webhook_endpoints.secret(endpoint))["type"] == "webhook_endpoint.test"
    assert not pay.webhook_deliveries.list()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(there: Receiver, status: int) -> None:
    pay = local()
    endpoint = pay.webhook_endpoints.create(url=there.url, events=["*"])
    there.status, there.answer_headers = status, {"location": there.url}

    answer = pay.webhook_endpoints.test(endpoint)

    assert not answer.is_taken
    assert len(there.received) == 1


def test_an_endless_answer_is_not_read_to_its_end(there: Receiver) -> None:
    pay = local()
    endpoint = pay.webhook_endpoints.create(url=there.url, events=["*"])
    there.status, there.answer_body = 200, b"x" * (MOST_ANSWERED + 1)

    answer = pay.webhook_endpoints.test(endpoint)

    assert (answer.is_taken, answer.error) == (False, "its answer is too large")


def test_nobody_there_is_an_answer_without_a_status() -> None:
    pay = local()
    url = f"http://127.0.0.1:{free_port()}/hooks"
    endpoint = pay.webhook_endpoints.create(url=url, events=["*"])

    answer = pay.webhook_endpoints.test(endpoint)

    assert (answer.status, answer.error) == (0, "it refuses connections")


def test_a_dead_endpoint_is_dead_lettered_told_to_handlers_and_replayed(tmp_path: Path) -> None:
    """The clock is moved; the messages are real ones, refused until the endpoint is well again."""
    clock, dead = FrozenClock(datetime.now(UTC) - timedelta(days=30)), list[Event]()
    pay = local(store=f"sqlite:///{tmp_path / 'pay.db'}", clock=clock, webhook_secret=SECRET)
    pay.parties.register("acme", kind="enterprise")
    pay.parties.register("ann")
    pay.on("webhook_delivery.dead")(dead.append)
    with closing(pay), receiver() as there:
        there.status = 500
        endpoint = pay.webhook_endpoints.create(url=there.url, events=["invoice.finalized"])
        issue(pay)
        while waiting := pay.webhook_deliveries.list(status="pending").items:
            rests_until = pay.webhook_endpoints.get(endpoint).rests_until
            assert rests_until is not None
            clock.set(max(waiting[0].due_at, rests_until))
            pay.run_pending()
        (letter,) = pay.webhook_deliveries.list(status="dead")
        assert [event.entity_id for event in dead] == [letter.id]
        assert (letter.attempts, letter.last_status, len(there.received)) == (10, 500, 10)

        clock.set(datetime.now(UTC))
        there.status = 204
        pay.webhook_deliveries.replay(letter)

        assert [each.id for each in pay.webhook_deliveries.list(status="delivered")] == [letter.id]
        verified = there.received[-1].verified(pay.webhook_endpoints.secret(endpoint))
        assert verified["type"] == "invoice.finalized"
        assert pay.invariants.check() == ()


def test_a_database_asks_for_the_secret_at_the_first_endpoint(tmp_path: Path) -> None:
    with InvoicePay(f"sqlite:///{tmp_path / 'pay.db'}") as pay, pytest.raises(ConfigurationError) as refusal:
        pay.webhook_endpoints.create(url="https://shop.example/hooks", events=["*"])

    assert "secrets.token_bytes(32)" in refusal.value.hint


def test_every_process_of_a_database_makes_the_same_secret_and_none_is_stored(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'pay.db'}"
    with InvoicePay(url, webhook_secret=SECRET) as one, InvoicePay(url, webhook_secret=SECRET) as other:
        endpoint = one.webhook_endpoints.create(url="https://shop.example/hooks", events=["invoice.*"])
        secret = one.webhook_endpoints.secret(endpoint)

        assert other.webhook_endpoints.secret(endpoint.id) == secret
        assert secret not in repr(one.webhook_endpoints.get(endpoint))
        assert repr(SECRET) not in repr(one._pay._core)
    stored = (tmp_path / "pay.db").read_bytes()
    assert secret.removeprefix("whsec_").encode() not in stored
    assert SECRET not in stored


def test_only_operators_see_endpoints_and_their_secrets() -> None:
    pay = InvoicePay()
    endpoint = pay.webhook_endpoints.create(url="https://shop.example/hooks", events=["*"])
    ann = pay.acting_as("ann")

    with pytest.raises(NotAllowed):
        ann.webhook_endpoints.secret(endpoint)
    with pytest.raises(NotFound):
        ann.webhook_endpoints.get(endpoint)
    with pytest.raises(NotAllowed):
        ann.webhook_endpoints.list()
    with pytest.raises(NotAllowed):
        ann.webhook_endpoints.create(url="https://evil.example", events=["*"])


@pytest.mark.parametrize(
    "url",
    [
        *(f"https://{host}/hooks" for host in SPELLINGS_OF_THIS_MACHINE),
        "http://shop.example/hooks",
        "https://user:hunter2@shop.example/hooks",
        "https://shop.example:22/hooks",
        "ftp://shop.example/hooks",
        "http://127.0.0.1:8000/hooks",
        "",
    ],
)
def test_an_inside_address_is_no_endpoint(url: str) -> None:
    pay = InvoicePay()

    with pytest.raises(InvalidInput) as refusal:
        pay.webhook_endpoints.create(url=url, events=["*"])

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1.evil.example/", "http://10.0.0.7/", "http://user@127.0.0.1/", "http://0.0.0.0/"]
)
def test_what_is_allowed_for_trying_out_is_this_machine_and_nothing_else(url: str) -> None:
    with pytest.raises(InvalidInput):
        local().webhook_endpoints.create(url=url, events=["*"])


def test_an_endpoint_made_for_trying_out_is_not_told_where_that_is_not_allowed(there: Receiver) -> None:
    """Say, after a copy of the database was restored elsewhere: the URL is checked again at each post."""
    message = OutgoingWebhook(url=there.url, id="evt_1", at=datetime.now(UTC), body=b"{}", secrets=())

    answer = run_blocking(HttpWebhookSender().post(message))

    assert not answer.is_taken
    assert not there.received


def test_a_name_that_leads_inside_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "looked_up", lambda host, port: ["169.254.169.254"])
    monkeypatch.setattr(outside.PublicAddresses.__init__, "__defaults__", (outside.looked_up,))
    pay = InvoicePay()
    endpoint = pay.webhook_endpoints.create(url="https://rebound.example/hooks", events=["*"])

    answer = pay.webhook_endpoints.test(endpoint)

    assert answer.error == "its name leads to an address that is not public"


def test_production_refuses_endpoints_on_this_machine() -> None:
    with pytest.raises(ConfigurationError, match="allow_local_webhooks"):
        Settings(environment="production", allow_local_webhooks=True)


def test_a_short_secret_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        InvoicePay(webhook_secret=b"hunter2")

    assert "hunter2" not in str(refusal.value) + refusal.value.hint


def test_a_silent_endpoint_costs_a_call_at_most_its_time(there: Receiver) -> None:
    """An endpoint is left alone after it did not answer, so that inline dispatch goes on at once."""
    pay = local()
    pay.webhook_endpoints.create(url=f"http://127.0.0.1:{free_port()}/hooks", events=["*"])
    pay.webhook_endpoints.create(url=there.url, events=["invoice.created"])

    began = time.monotonic()
    for _ in range(5):
        issue(pay)

    assert time.monotonic() - began < 5
    assert there.names == ["invoice.created"] * 5


def test_two_workers_on_one_database_send_each_delivery_once(postgres_url: str) -> None:
    migrate(postgres_url)
    options = {"webhook_secret": SECRET, "allow_local_webhooks": True, "dispatch": "deferred"}
    with (
        receiver() as there,
        InvoicePay(postgres_url, **options) as one,  # type: ignore[arg-type]
        InvoicePay(postgres_url, **options) as other,  # type: ignore[arg-type]
        ThreadPoolExecutor(4) as pool,
    ):
        one.webhook_endpoints.create(url=there.url, events=["party.registered"])
        for number in range(40):
            one.parties.register(f"user-{number}")

        list(pool.map(lambda worker: worker.run_pending(), [one, other, one, other]))
        one.run_pending()

        told = [json.loads(each.body)["data"]["id"] for each in there.received]
        assert sorted(told) == sorted(f"user-{number}" for number in range(40))
        assert one.invariants.check() == ()


def test_a_transaction_that_is_open_is_told_of_once_it_is_committed(there: Receiver, tmp_path: Path) -> None:
    with closing(local(store=f"sqlite:///{tmp_path / 'pay.db'}", webhook_secret=SECRET)) as pay:
        pay.parties.register("acme", kind="enterprise")
        pay.parties.register("ann")
        endpoint = pay.webhook_endpoints.create(url=there.url, events=["invoice.finalized"])

        with pay.transaction() as tx:
            issue(tx)
            with pytest.raises(InsideTransaction):
                tx.webhook_endpoints.test(endpoint)
            assert not there.received

        assert there.names == ["invoice.finalized"]


def test_a_trial_run_tells_nobody(there: Receiver) -> None:
    pay = local()
    pay.webhook_endpoints.create(url=there.url, events=["invoice.*"])

    with pay.dry_run() as trial:
        issue(trial)
    pay.run_pending()

    assert not there.received
    assert not pay.webhook_deliveries.list()


def test_what_was_decided_first_and_committed_last_is_told(there: Receiver, postgres_url: str) -> None:
    """Two writers with audit streams of their own: ids, and so times, say nothing of the order of commits."""
    migrate(postgres_url)
    settings = Settings(
        store=postgres_url, webhook_secret=SECRET, allow_local_webhooks=True, dispatch="deferred"
    )
    with (
        closing(InvoicePay.from_settings(replace(settings, audit_stream="one"))) as one,
        closing(InvoicePay.from_settings(replace(settings, audit_stream="two"))) as two,
    ):
        two.webhook_endpoints.create(url=there.url, events=["party.registered"])
        with one.transaction() as tx:
            tx.parties.register("early")
            two.parties.register("late")
            two.run_pending()
            assert len(there.received) == 1

        two.run_pending()

    told = [json.loads(each.body)["data"]["id"] for each in there.received]
    first, second = (each.headers["webhook-id"] for each in there.received)
    assert told == ["late", "early"]
    assert second < first
