"""Prints notices instead of sending them: for a notebook, a demo, a developer's terminal."""

from __future__ import annotations

import sys
from typing import TextIO

from invoicepay.ports.notifier import Notice


class ConsoleNotifier:
    """Writes each notice to standard output, or to a stream of the host's.

    Examples:
        >>> from invoicepay import Contact, InvoicePay, Notices
        >>> people = {"ann": Contact(email="ann@example.org", name="Ann")}
        >>> notices = Notices(ConsoleNotifier(), contacts=lambda party, tenant: people.get(party))
        >>> pay = InvoicePay(notices=notices)
        >>> request = pay.requests.create(requester="ben", payer="ann", amount="18.50 USD", note="Dinner")
        To: Ann <ann@example.org>
        Subject: ben asks you for 18.50 USD
        <BLANKLINE>
        Hello Ann,
        <BLANKLINE>
        ben asks you for 18.50 USD.
        Note: Dinner
        <BLANKLINE>
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def production_faults(self) -> tuple[str, ...]:
        return ("notices are printed, and reach nobody",)

    async def notify(self, notice: Notice) -> None:
        stream = self._stream or sys.stdout
        to = f"{notice.to.name} <{notice.to.email}>" if notice.to.name else notice.to.email
        files = "".join(f"Attached: {file.name} ({file.media_type})\n" for file in notice.attachments)
        text = "\n".join(map(_printable, notice.text.rstrip().splitlines()))
        stream.write(f"To: {_printable(to)}\nSubject: {_printable(notice.subject)}\n{files}\n{text}\n\n")
        stream.flush()


def _printable(line: str) -> str:
    """A line that cannot command a terminal."""
    return "".join(letter if letter.isprintable() else "�" for letter in line)
