"""A notice as a mail: headers that repeat exactly, plain text, HTML and files."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from invoicepay.ports.notifier import Contact, Notice


def message_of(notice: Notice, sender: Contact) -> EmailMessage:
    """The mail; the same notice gives the same `Message-ID` and `Date`, so a repeat can be recognised.

    `Auto-Submitted` keeps absence notes from answering (RFC 3834).
    """
    domain = sender.email.partition("@")[2]
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = f"<{notice.id}@{domain}>"
    message["Date"] = notice.at
    message["From"] = _address(sender)
    message["To"] = _address(notice.to)
    if notice.reply_to is not None and notice.reply_to.email:
        message["Reply-To"] = _address(notice.reply_to)
    message["Subject"] = notice.subject
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notice.text)
    if notice.html:
        message.add_alternative(notice.html, subtype="html")
    for file in notice.attachments:
        kind, _, subtype = file.media_type.partition("/")
        message.add_attachment(file.content, kind, subtype, filename=file.name)
    return message


def _address(contact: Contact) -> Address:
    """An address whose display name is quoted and encoded as it needs to be."""
    return Address(display_name=contact.name, addr_spec=contact.email)
