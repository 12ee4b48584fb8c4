"""Notices as mail over SMTP, or printed where a developer sees them."""

from invoicepay.adapters.mail.console import ConsoleNotifier
from invoicepay.adapters.mail.smtp import SmtpNotifier

__all__ = ["ConsoleNotifier", "SmtpNotifier"]
