"""Sends notices over SMTP with the standard library; never in clear unless the host says so."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from typing import Literal, get_args

from invoicepay.adapters.hosts import is_blocking
from invoicepay.adapters.mail.message import message_of
from invoicepay.adapters.system import elapsed_seconds
from invoicepay.errors import ConfigurationError, ProviderRejected, ProviderUnavailable
from invoicepay.ports.notifier import Contact, Notice, is_address

Security = Literal["starttls", "tls", "none"]
PORTS: dict[str, int] = {"starttls": 587, "tls": 465, "none": 25}
REST_SECONDS = 30.0
"""How long a server that could not be reached is left alone: a queue must not wait for it at each notice."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class SmtpNotifier:
    """Hands each notice to a mail server of the host's.

    A refusal of the recipient or the message that the server calls lasting (5xx) is final; anything else is
    tried again with the next pending work. Awaiting hosts go on meanwhile: a thread does the talking.

    Args:
        host: the server's name, as its certificate has it.
        sender: whom mails come from; its domain also ends their `Message-ID`.
        port: 587, 465 or 25 by `security` when left out.
        username: where the server asks for it; only sent over TLS.
        password: goes with the name.
        security: `starttls` refuses to go on in clear, `tls` begins encrypted, `none` is for a relay on this
            machine.
        tls: your own context, for example with your company's certificates; the system's when left out.
        timeout_seconds: for each step of the talk.

    Raises:
        ConfigurationError: options contradict each other.

    Examples:
        >>> billing = Contact(email="billing@acme.example", name="Acme Billing")
        >>> SmtpNotifier("smtp.acme.example", sender=billing, username="acme", password="secret")
        <SmtpNotifier smtp.acme.example:587, starttls>
    """

    def __init__(
        self,
        host: str,
        *,
        sender: Contact,
        port: int | None = None,
        username: str = "",
        password: str = "",
        security: Security = "starttls",
        tls: ssl.SSLContext | None = None,
        timeout_seconds: float = 20,
    ) -> None:
        _check(security, sender, username, password, tls)
        self._host, self._port, self._sender = host, port or PORTS[security], sender
        self._username, self._password = username, password
        self._security, self._timeout_seconds = security, timeout_seconds
        self._tls = tls if tls is not None or security == "none" else ssl.create_default_context()
        self._rests_until = 0.0

    def __repr__(self) -> str:
        return f"<SmtpNotifier {self._host}:{self._port}, {self._security}>"

    def production_faults(self) -> tuple[str, ...]:
        if self._tls is None:
            return () if self._host in _LOOPBACK else ("mail leaves without TLS",)
        is_checked = self._tls.check_hostname and self._tls.verify_mode is ssl.CERT_REQUIRED
        return () if is_checked else ("the mail server's certificate is not checked",)

    async def notify(self, notice: Notice) -> None:
        message = message_of(notice, self._sender)
        if is_blocking():
            self._send(message, notice.to.email)
            return
        from asyncio import to_thread

        await to_thread(self._send, message, notice.to.email)

    def _send(self, message: EmailMessage, to: str) -> None:
        if (rest := self._rests_until - elapsed_seconds()) > 0:
            raise ProviderUnavailable(f"{self!r} could not be reached and rests for {rest:.0f} s more")
        try:
            server = self._connected()
            try:
                _hand_over(server, message, self._sender.email, to)
            finally:
                with suppress(OSError, smtplib.SMTPException):  # what was taken stays taken
                    server.quit()
        except (
            smtplib.SMTPResponseException
        ) as error:  # the server's own words may name people: only its code
            raise ProviderUnavailable(f"{self!r} answered {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException) as error:
            self._rests_until = elapsed_seconds() + REST_SECONDS
            raise ProviderUnavailable(f"{self!r} did not answer: {type(error).__name__}") from None

    def _connected(self) -> smtplib.SMTP:
        """A server that knows us, over TLS where that is wanted."""
        name = self._sender.email.partition("@")[2]
        if self._security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, name, timeout=self._timeout_seconds, context=self._tls
            )
        else:
            server = smtplib.SMTP(self._host, self._port, name, timeout=self._timeout_seconds)
        try:
            if self._security == "starttls":
                server.starttls(context=self._tls)
            if self._username:
                server.login(self._username, self._password)
        except BaseException:
            server.close()
            raise
        return server


def _hand_over(server: smtplib.SMTP, message: EmailMessage, sender: str, to: str) -> None:
    """Have the server take the mail for one recipient.

    Raises:
        ProviderRejected: it says that it never will.
    """
    try:
        server.send_message(message, sender, [to])
    except smtplib.SMTPRecipientsRefused as error:
        ((code, _),) = error.recipients.values()
        raise _refusal("the recipient", code) from None
    except smtplib.SMTPDataError as error:
        raise _refusal("the message", error.smtp_code) from None


def _refusal(what: str, code: int) -> ProviderRejected | ProviderUnavailable:
    kind = ProviderRejected if code >= 500 else ProviderUnavailable
    return kind(f"the mail server refused {what}: {code}")


def _check(security: str, sender: object, username: str, password: str, tls: ssl.SSLContext | None) -> None:
    if security not in get_args(Security):
        raise ConfigurationError(f"security is one of {', '.join(get_args(Security))}, not {security!r}")
    if not isinstance(sender, Contact) or not is_address(sender.email):
        raise ConfigurationError('sender is a contact with an email: Contact(email="billing@acme.example")')
    if bool(username) is not bool(password):
        raise ConfigurationError("username and password go together")
    if security == "none" and (username or tls is not None):
        raise ConfigurationError(
            "a password is not sent in clear", hint='Choose security="starttls" or "tls", or leave them out.'
        )
