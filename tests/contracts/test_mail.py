"""Notices over SMTP, in clear, with STARTTLS and over TLS, and on a console keep what the port promises."""

from __future__ import annotations

import email
import email.policy
import io
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from invoicepay import Contact, InvoicePay, Notices
from invoicepay.adapters.mail import ConsoleNotifier, SmtpNotifier
from invoicepay.adapters.mail.smtp import Security
from invoicepay.bridge import run_blocking
from invoicepay.errors import ConfigurationError, ProviderRejected, ProviderUnavailable
from invoicepay.testing.hosts import Host
from invoicepay.testing.notifier_contract import NOTICE, NotifierBench, NotifierContract, Received
from tests.adapters.http.wire import certificate, trusting

SENDER = Contact(email="billing@acme.example", name="Acme, Billing")


class MailServer:
    """A real SMTP server on this machine, and what it took."""

    def __init__(self, security: Security, files: tuple[str, str] | None = None, **options: Any) -> None:
        self.taken = list[tuple[tuple[str, ...], bytes]]()
        self.answers = list[str]()
        self._delay_seconds = 0.0
        tls = None
        if files is not None and security != "none":
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(*files)
        with closing(socket.create_server(("127.0.0.1", 0))) as probe:
            self.port = probe.getsockname()[1]
        if security == "starttls":
            options |= {"tls_context": tls, "require_starttls": True}
        if security == "tls":
            options["ssl_context"] = tls
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)
        self._controller.start()

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self._delay_seconds:
            time.sleep(self._delay_seconds)  # in the thread of the server
        self.taken.append((tuple(envelope.rcpt_tos), envelope.content))
        return "250 taken"

    def received(self) -> list[Received]:
        return [received(to, content) for to, content in self.taken]

    def refuse_next(self) -> None:
        self.answers.append("550 no such user ann@example.org here")

    def be_slow(self, seconds: float) -> None:
        self._delay_seconds = seconds

    def be_unreachable(self) -> None:
        self.stop()

    def stop(self) -> None:
        with suppress(AssertionError):  # it is stopped already
            self._controller.stop()


def parsed(content: bytes) -> email.message.EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    assert not any(part.defects for part in message.walk())
    return message


def content_of(part: email.message.EmailMessage) -> bytes:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def received(to: tuple[str, ...], content: bytes) -> Received:
    message = parsed(content)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    files = {str(part.get_filename()): content_of(part) for part in message.iter_attachments()}
    assert plain is not None
    return Received(
        id=message["Message-ID"],
        to=to,
        subject=message["Subject"],
        text=plain.get_content(),
        html=html.get_content() if html else "",
        files=files,
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return certificate(tmp_path_factory.mktemp("tls"))


class SmtpContract(NotifierContract):
    security: Security

    @pytest.fixture
    def bench(self, host: Host, files: tuple[str, str]) -> Iterator[NotifierBench]:
        server = MailServer(self.security, files)
        tls = None if self.security == "none" else trusting(files[0])
        notifier = SmtpNotifier("localhost", port=server.port, sender=SENDER, security=self.security, tls=tls)
        yield NotifierBench(notifier, server)
        server.stop()


class TestInClear(SmtpContract):
    security = "none"


class TestStartTls(SmtpContract):
    security = "starttls"


class TestTls(SmtpContract):
    security = "tls"


class Screen:
    """What a console shows."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def received(self) -> list[Received]:
        shown = re.split(r"^(?=To: .* <ann@example\.org>$)", self.stream.getvalue(), flags=re.MULTILINE)[1:]
        return [self._read(text) for text in shown]

    def _read(self, text: str) -> Received:
        head, _, body = text.partition("\n\n")
        subject = re.search("^Subject: (.*)$", head, re.MULTILINE)
        assert subject
        return Received(id="", to=("ann@example.org",), subject=subject[1], text=body)

    def refuse_next(self) -> None:
        pytest.skip("a console refuses nobody")

    be_unreachable = refuse_next

    def be_slow(self, seconds: float) -> None:
        pytest.skip("a console is not slow")


class TestConsole(NotifierContract):
    def make_bench(self, host: Host) -> NotifierBench:
        screen = Screen()
        return NotifierBench(ConsoleNotifier(screen.stream), screen)

    def test_a_repeat_is_recognised_and_another_notice_is_not(self, host: Host, bench: NotifierBench) -> None:
        pytest.skip("whoever looks at a console sees it")


@pytest.fixture
def server() -> Iterator[MailServer]:
    server = MailServer("none")
    yield server
    server.stop()


def notifier_for(server: MailServer, **options: Any) -> SmtpNotifier:
    options = {"security": "none", **options}
    return SmtpNotifier("localhost", port=server.port, sender=SENDER, **options)


def test_the_headers_repeat_exactly_and_ask_for_no_automatic_answer(server: MailServer) -> None:
    notifier = notifier_for(server)
    for _ in range(2):
        run_blocking(notifier.notify(NOTICE))

    first, again = (parsed(content) for _, content in server.taken)
    for name in ("Message-ID", "Date", "From", "To", "Reply-To", "Subject"):
        assert first.get_all(name) == again.get_all(name), name
        assert len(first.get_all(name, [])) == 1
    assert first["Message-ID"] == f"<{NOTICE.id}@acme.example>"
    assert first["Date"].datetime == NOTICE.at
    assert first["From"].addresses[0].display_name == "Acme, Billing"
    assert first["Reply-To"].addresses[0].addr_spec == "billing@acme.example"
    assert first["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("450 later", ProviderUnavailable),
        ("451 greylisted", ProviderUnavailable),
        ("550 nobody", ProviderRejected),
        ("554 never", ProviderRejected),
    ],
)
def test_what_the_server_calls_lasting_is_final_and_the_rest_is_not(
    server: MailServer, answer: str, error: type[Exception]
) -> None:
    server.answers.append(answer)
    notifier = notifier_for(server)

    with pytest.raises(error, match=answer[:3]):
        run_blocking(notifier.notify(NOTICE))
    run_blocking(notifier.notify(NOTICE))  # and the next one is not held up

    assert len(server.taken) == 1


def test_a_server_without_tls_is_told_nothing(server: MailServer) -> None:
    notifier = notifier_for(server, security="starttls", username="acme", password="s3cret-s3cret")

    with pytest.raises(ProviderUnavailable, match="SMTPNotSupportedError") as caught:
        run_blocking(notifier.notify(NOTICE))

    assert server.taken == []
    assert "s3cret" not in repr(caught.value) + repr(notifier)


def test_a_certificate_that_nobody_vouches_for_is_not_talked_to(files: tuple[str, str]) -> None:
    server = MailServer("tls", files)
    with pytest.raises(ProviderUnavailable, match="SSLCertVerificationError"):
        run_blocking(notifier_for(server, security="tls").notify(NOTICE))
    server.stop()

    assert server.taken == []


def test_a_password_is_shown_to_the_server_and_to_nobody_else(files: tuple[str, str]) -> None:
    seen = list[bytes]()

    def known(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        seen.append(data.password)
        return AuthResult(success=data.password == b"right-word", handled=False)

    server = MailServer("starttls", files, authenticator=known, auth_required=True)
    options = {"security": "starttls", "tls": trusting(files[0]), "username": "acme"}
    run_blocking(notifier_for(server, **options, password="right-word").notify(NOTICE))
    with pytest.raises(ProviderUnavailable, match="answered 535") as caught:
        run_blocking(notifier_for(server, **options, password="wrong-word").notify(NOTICE))
    server.stop()

    assert len(server.taken) == 1
    assert set(seen) == {b"right-word", b"wrong-word"}
    assert "wrong-word" not in f"{caught.value!r} {caught.value.details}"


def test_a_server_that_is_away_is_asked_once_and_then_left_alone_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, now = MailServer("none"), [1_000.0]
    server.stop()
    monkeypatch.setattr("invoicepay.adapters.mail.smtp.elapsed_seconds", lambda: now[0])
    notifier = notifier_for(server)

    told = list[str]()
    for now[0] in (1_000.0, 1_029.0, 1_030.0):
        with pytest.raises(ProviderUnavailable) as caught:
            run_blocking(notifier.notify(NOTICE))
        told.append(caught.value.message)

    assert ["rests for" in message for message in told] == [False, True, False]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"security": "ssl"}, "starttls, tls, none"),
        ({"sender": "billing@acme.example"}, "contact with an email"),
        ({"sender": Contact(name="Acme")}, "contact with an email"),
        ({"username": "acme"}, "go together"),
        ({"security": "none", "username": "acme", "password": "word"}, "in clear"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        SmtpNotifier("mail.acme.example", **{"sender": SENDER, **options})


def test_production_takes_no_mail_in_clear_and_no_unchecked_certificate() -> None:
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    faults = [
        SmtpNotifier(host, sender=SENDER, **options).production_faults()
        for host, options in (
            ("mail.acme.example", {"security": "none"}),
            ("mail.acme.example", {"tls": unchecked}),
            ("localhost", {"security": "none"}),
            ("mail.acme.example", {}),
        )
    ]

    assert [bool(fault) for fault in faults] == [True, True, False, False]


def test_an_invoice_is_mailed_from_the_call_to_the_inbox(server: MailServer) -> None:
    ann = Contact(email="ann@example.org", name="Änn")
    notices = Notices(notifier_for(server), contacts=lambda party, tenant: ann if party == "ann" else None)
    with InvoicePay(notices=notices) as pay:
        lines = [("Hosting", "120.00 USD")]
        pay.invoices.send(pay.invoices.issue(enterprise="acme", customer="ann", lines=lines))

    ((to, content),) = server.taken
    mail = received(to, content)
    assert (mail.to, mail.subject) == (("ann@example.org",), "Invoice A-0001 from acme")
    assert b"<svg" in mail.files["invoice-A-0001.html"]


def test_a_mail_server_that_was_away_gets_the_mail_once_it_is_back(server: MailServer) -> None:
    people = {"ann": Contact(email="ann@example.org"), "ben": Contact(email="ben@example.org")}
    notices = Notices(notifier_for(server), contacts=lambda party, tenant: people.get(party))
    with InvoicePay(notices=notices, dispatch="deferred") as pay:
        for payer in ("ann", "ben"):
            pay.requests.create(requester="carl", payer=payer, amount="5.00 USD")
        server.answers.append("451 not now")
        first = pay.run_pending(until_quiet=False)
        second = pay.run_pending()

    assert (len(first.undelivered), len(second.undelivered)) == (1, 0)
    assert sorted(to for to, _ in server.taken) == [("ann@example.org",), ("ben@example.org",)]
