"""Telling people: whom, what, and what takes it there; who they are is known to the host alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from invoicepay.domain.ids import clean_text
from invoicepay.errors import InvalidText

LONGEST_ADDRESS = 254
LONGEST_NAME = 200
LONGEST_SUBJECT = 250
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_LONGEST_LOCAL_PART = 64
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_ID = re.compile(r"[\w.-]{1,200}", re.ASCII)
_FILE_NAME = re.compile(r"[\w][\w .()-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person or company as the host knows it; the library asks for it and stores nothing of it.

    Attributes:
        email: in ASCII, as it stands between `<` and `>`; empty where there is none.
        name: what letters call them; their id when empty.
        language: as the host writes it, for example "en" or "pt-BR"; what we ship speaks English.
        postal_address: lines for a document, for example street, town and tax number.

    Raises:
        InvalidText: no address, or a name that would break out of a header (S-18).

    Examples:
        >>> Contact(email="ann@example.org", name="Ann Lee").email
        'ann@example.org'
    """

    email: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    language: str = "en"
    postal_address: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.email != "" and not is_address(self.email):
            raise InvalidText("the email of a contact is a plain ASCII address")
        if not isinstance(self.language, str) or not _LANGUAGE.fullmatch(self.language):
            raise InvalidText('the language of a contact is a tag such as "en" or "pt-BR"')
        object.__setattr__(self, "name", clean_text(self.name, LONGEST_NAME, "the name of a contact"))
        lines = tuple(clean_text(line, LONGEST_NAME, "a line of an address") for line in self.postal_address)
        object.__setattr__(self, "postal_address", lines)


def is_address(text: object) -> bool:
    r"""Whether a text is one plain address: no name, no list, no quotes, nothing but ASCII.

    Examples:
        >>> is_address("ann@example.org"), is_address("ann@example.org\nBcc: all@example.org")
        (True, False)
    """
    return (
        isinstance(text, str)
        and len(text) <= LONGEST_ADDRESS
        and _ADDRESS.fullmatch(text) is not None
        and len(text.partition("@")[0]) <= _LONGEST_LOCAL_PART
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a notice.

    Raises:
        InvalidText: a name or type that would break out of a header.
    """

    name: str
    media_type: str
    content: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not _FILE_NAME.fullmatch(self.name) or not _MEDIA_TYPE.fullmatch(self.media_type):
            raise InvalidText("an attachment has a plain file name and a media type such as text/html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message to one person about one event.

    Attributes:
        id: the same each time that the event is told, so that a repeat can be recognised; letters, digits,
            `_`, `-` and `.` only.
        event: for example `invoice.paid`.
        to: has an email.
        reply_to: whom an answer goes to; None where nobody should be written to.
        at: when it happened, UTC.
        html: the same as `text`, for those who see it; may be empty.

    Raises:
        InvalidText: an id or a subject that would break out of a header (S-18).
    """

    id: str
    event: str
    tenant_id: str
    to: Contact
    subject: str = field(repr=False)
    text: str = field(repr=False)
    at: datetime
    html: str = field(default="", repr=False)
    reply_to: Contact | None = None
    attachments: tuple[Attachment, ...] = ()

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise InvalidText("the id of a notice is made of letters, digits, _, - and .")
        object.__setattr__(self, "subject", clean_text(self.subject, LONGEST_SUBJECT, "the subject"))
        if not self.subject.strip():
            raise InvalidText("a notice has a subject")


class Notifier(Protocol):
    """Takes notices to people; called after the commit, at least once for each event, by workers too."""

    async def notify(self, notice: Notice) -> None:
        """Send it, or hand it to what will; an event that is told again brings the same `Notice.id`.

        Raises:
            ProviderRejected: nobody can be reached there; it is logged and not tried again.
            ProviderUnavailable: not now; it is offered again until it is too old to be of use.
        """
        ...
