"""One thing that `doctor` looked at, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from invoicepay.cli.output import Misuse
from invoicepay.errors import InvoicePayError

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen.

    Attributes:
        name: what was looked at; short and stable.
        status: `ok`, `warn` for what needs a look soon, `fail` for what keeps work from being done.
        detail: what was seen; never a secret.
        next_step: empty when nothing is to be done.
    """

    name: str
    status: str
    detail: str
    next_step: str = ""


def failed(name: str, error: InvoicePayError | Misuse) -> Finding:
    """What could not be looked at."""
    if isinstance(error, InvoicePayError):
        return Finding(name, FAIL, error.message, error.hint)
    return Finding(name, FAIL, str(error), "Correct the command line or the module that it names.")
