"""The promises of `Notifier`, as tests that any adapter runs by subclassing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

import pytest

from invoicepay.errors import InvoicePayError, ProviderRejected, ProviderUnavailable
from invoicepay.ports.notifier import Attachment, Contact, Notice, Notifier
from invoicepay.testing.contracts import Contract
from invoicepay.testing.hosts import AwaitingHost, Host

ANN = Contact(email="ann@example.org", name="Ann Lee")
NOTICE = Notice(
    id="evt_01k0000000e008000000000000",
    event="invoice.sent",
    tenant_id="default",
    to=ANN,
    subject="Invoice A-0001 from Acme",
    text="Hello Ann,\n\nTotal: 120.00 USD\n",
    html="<p>Hello Ann,</p><p>Total: 120.00 USD</p>",
    at=datetime(2026, 1, 5, 9, tzinfo=UTC),
    reply_to=Contact(email="billing@acme.example", name="Acme & Sons, Ltd."),
    attachments=(
        Attachment(
            name="invoice-A-0001.html", media_type="text/html", content="<p>ä</p>\r\n.\r\n\n".encode()
        ),
        Attachment(name="code.png", media_type="image/png", content=bytes(range(256))),
    ),
)
HOSTILE = (
    "\n.\nMAIL FROM:<eve@example.org>\nRCPT TO:<ben@example.org>\nDATA\nSubject: mine\n\nx\n.\n",
    "\r.\rQUIT\r",
    ".\n..\n...",
    "Subject: mine\n\nFrom: eve@example.org",
    "\x1b]0;mine\x07\x00",
    "a" * 5_000,
)
"""Texts that try to end the message, or to begin another."""


@dataclass(frozen=True, slots=True)
class Received:
    """A notice as it came out on the other side.

    Attributes:
        id: what a reader could recognise a repeat by.
        to: every address it went to.
        html, files: empty where they do not travel.
    """

    id: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


class NotifierSide(Protocol):
    """Where notices come out: a mail server, a push service. Call `pytest.skip` in what it cannot play."""

    def received(self) -> list[Received]:
        """What came out so far."""
        ...

    def refuse_next(self) -> None:
        """Say of the next notice that its recipient can never be reached."""
        ...

    def be_unreachable(self) -> None:
        """Take no connections."""
        ...

    def be_slow(self, seconds: float) -> None:
        """Answer late from now on."""
        ...


@dataclass(frozen=True, slots=True)
class NotifierBench:
    """An adapter under test and its far side."""

    notifier: Notifier
    far_side: NotifierSide


class NotifierContract(Contract):
    """Checks a `Notifier`; every test runs in both kinds of host.

    Examples:
        class TestAcmePush(NotifierContract):
            def make_bench(self, host: Host) -> NotifierBench:
                server = AcmeServer()
                return NotifierBench(AcmePush(server.url), server)
    """

    def make_bench(self, host: Host) -> NotifierBench:
        """A fresh adapter and far side, for one test."""
        raise NotImplementedError

    @pytest.fixture
    def bench(self, host: Host) -> NotifierBench:
        """A fresh adapter and far side."""
        return self.make_bench(host)

    def test_a_notice_comes_out_once_as_it_was_written(self, host: Host, bench: NotifierBench) -> None:
        host.run(bench.notifier.notify(NOTICE))

        (received,) = bench.far_side.received()
        assert received.to == ("ann@example.org",)
        assert received.subject == NOTICE.subject
        assert _lines(received.text) == _lines(NOTICE.text)

    def test_what_goes_with_it_comes_out_as_it_was(self, host: Host, bench: NotifierBench) -> None:
        host.run(bench.notifier.notify(NOTICE))

        (received,) = bench.far_side.received()
        if not (received.html or received.files):
            pytest.skip("neither HTML nor files travel")
        assert received.html.strip() == NOTICE.html
        assert received.files == {file.name: file.content for file in NOTICE.attachments}

    @pytest.mark.parametrize("text", ["Überfällig: 1.234,50 €", "未払い", "𝟙 ½", 'a, "b" <c> & \\d'])
    def test_words_of_every_script_come_out_as_they_were(
        self, host: Host, bench: NotifierBench, text: str
    ) -> None:
        host.run(bench.notifier.notify(replace(NOTICE, subject=text, text=text, to=replace(ANN, name=text))))

        (received,) = bench.far_side.received()
        assert (received.subject, received.text.strip()) == (text, text)
        assert received.to == ("ann@example.org",)

    def test_a_repeat_is_recognised_and_another_notice_is_not(self, host: Host, bench: NotifierBench) -> None:
        other = replace(NOTICE, id="evt_01k0000000e008000000000001")
        for notice in (NOTICE, NOTICE, other):
            host.run(bench.notifier.notify(notice))

        first, again, another = (received.id for received in bench.far_side.received())
        assert first == again
        assert first != another

    @pytest.mark.parametrize("text", HOSTILE)
    def test_no_text_ends_the_message_or_begins_another(
        self, host: Host, bench: NotifierBench, text: str
    ) -> None:
        host.run(bench.notifier.notify(replace(NOTICE, text=text)))

        (received,) = bench.far_side.received()
        assert (received.to, received.subject) == (("ann@example.org",), NOTICE.subject)
        words = [line.strip("\x1b\x07\x00\ufffd ") for line in _lines(text)]
        assert [line.strip("\x1b\x07\x00\ufffd ") for line in _lines(received.text)] == words

    def test_who_can_never_be_reached_is_rejected_and_not_named(
        self, host: Host, bench: NotifierBench
    ) -> None:
        bench.far_side.refuse_next()

        with pytest.raises(ProviderRejected) as caught:
            host.run(bench.notifier.notify(NOTICE))

        _names_nobody(caught.value)
        host.run(bench.notifier.notify(NOTICE))
        assert len(bench.far_side.received()) == 1

    def test_a_far_side_that_is_away_is_unavailable_and_nobody_is_named(
        self, host: Host, bench: NotifierBench
    ) -> None:
        bench.far_side.be_unreachable()

        for _ in range(2):
            with pytest.raises(ProviderUnavailable) as caught:
                host.run(bench.notifier.notify(NOTICE))
            _names_nobody(caught.value)

    def test_an_awaiting_host_goes_on_while_the_far_side_is_slow(
        self, host: Host, bench: NotifierBench
    ) -> None:
        if not isinstance(host, AwaitingHost):
            pytest.skip("a blocking host waits")
        bench.far_side.be_slow(0.5)

        # A loop that is held up makes one or two; fifty would be a machine with nothing else to do.
        assert host.run(_steps_beside(bench.notifier)) >= 5


async def _steps_beside(notifier: Notifier) -> int:
    """How often another task had its turn while a notice was on its way."""
    sending, steps = asyncio.ensure_future(notifier.notify(NOTICE)), 0
    while not sending.done():
        await asyncio.sleep(0.01)
        steps += 1
    await sending
    return steps


def _lines(text: str) -> list[str]:
    """The lines of a text however they end; what follows the last is no line."""
    return text.rstrip().splitlines()


def _names_nobody(error: InvoicePayError) -> None:
    told = f"{error} {error.details} {error.hint}"
    assert "ann" not in told.lower()
    assert "example.org" not in told
