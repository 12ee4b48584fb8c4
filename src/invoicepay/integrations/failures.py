"""What a web host logs of an error that it answered with."""

from __future__ import annotations

import logging

from invoicepay.errors import InvoicePayError

log: logging.Logger = logging.getLogger("invoicepay.integrations")

PROBLEM_JSON = "application/problem+json"


def log_failure(error: InvoicePayError, method: str, path: str) -> None:
    """Log what is nobody's request at fault, so that it does not end with the answer alone.

    What a caller did wrong is the caller's to know.
    """
    if error.http_status >= 500:
        level = logging.WARNING if error.retryable else logging.ERROR
        log.log(level, "%s %s: %s", method, path, error.code, exc_info=error)
