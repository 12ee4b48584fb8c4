"""HTTP for adapters: a sender for both kinds of host, and what its answers mean."""

from invoicepay.adapters.http.classify import judge, retry_after_seconds
from invoicepay.adapters.http.messages import Answer, Limits, Request
from invoicepay.adapters.http.redaction import Redactor
from invoicepay.adapters.http.sender import Sender, together

__all__ = ["Answer", "Limits", "Redactor", "Request", "Sender", "judge", "retry_after_seconds", "together"]
