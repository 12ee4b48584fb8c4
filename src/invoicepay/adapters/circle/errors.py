"""Circle's refusals in our three answers: refused for good, surely not done, may have happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType

from pydantic import ValidationError

from invoicepay.adapters.circle import wire
from invoicepay.adapters.http import Answer, judge
from invoicepay.errors import (
    IdempotencyConflict,
    InvoicePayError,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)


class Cause(StrEnum):
    """Why Circle refused, in the words that an operator acts on; told as `cause` in the error's details."""

    ACCESS = "access"  # key, permission, entity secret: an operator repairs it, the order waits
    INVALID = "invalid"
    PREFLIGHT = "preflight"
    STATE = "state"
    KEY_REUSED = "key_reused"
    EXISTS = "exists"
    NOT_FOUND = "not_found"
    FUNDS = "funds"
    GAS = "gas"
    RECIPIENT = "recipient_not_ready"
    FROZEN = "frozen"
    LIMIT = "limit"
    BUSY = "busy"
    CIPHERTEXT = "ciphertext_used"
    OUTAGE = "outage"
    UNKNOWN = "unknown"


def _codes(*parts: int | range) -> Iterator[int]:
    for part in parts:
        yield from part if isinstance(part, range) else (part,)


def _table(rows: Mapping[Cause, Iterable[int]]) -> Mapping[int, Cause]:
    table = dict[int, Cause]()
    for cause, codes in rows.items():
        for code in codes:
            assert table.setdefault(code, cause) is cause, f"code {code} stands in two rows"
    return MappingProxyType(table)


CODES: Mapping[int, Cause] = _table(
    {
        Cause.ACCESS: _codes(
            1, 3, 401, 155502, 156007, 156013, 156016, 156019, 175405, 175409, range(177604, 177607)
        ),
        Cause.INVALID: _codes(
            *(2, 1077, 1078, 1088, 1100, 1101, 1106, 1108, 1112, range(2005, 2010), 2020),
            *(5002, 5007, range(5011, 5018)),
            *(155211, range(155219, 155222), 155224, range(155226, 155229), range(155231, 155246)),
            *(155503, 156006, 156009, 156014, 156017, 156027, range(177010, 177018), 280001, 280002),
        ),
        Cause.PREFLIGHT: _codes(155206, range(155208, 155211), 177005, range(177007, 177010)),
        Cause.STATE: _codes(155215, 155229, range(1084, 1088), 1097),
        Cause.KEY_REUSED: _codes(1083, 500004, 156020, 175403, 177607),
        Cause.EXISTS: _codes(2003, 155601, 155101),
        Cause.NOT_FOUND: _codes(1089, 5001, 5004, 5005, range(156001, 156004), 156005, 156010, 156012),
        Cause.FUNDS: _codes(1093, 5006, 155205, 177003),
        Cause.GAS: _codes(155201, 155204, 155207, 177004, 177006),
        Cause.RECIPIENT: _codes(2004, 5003),
        Cause.FROZEN: _codes(155501, 177301),
        Cause.LIMIT: _codes(1107),
        Cause.BUSY: _codes(155202, 155264, 155505, 177001, 177303),
        Cause.CIPHERTEXT: _codes(156004, 177602),
        Cause.OUTAGE: _codes(-1, 175406, 175407),
    }
)
"""Circle's error codes by cause; a code that is not here is unknown, and so is what it means."""

FOR_GOOD = frozenset(
    {
        Cause.INVALID,
        Cause.PREFLIGHT,
        Cause.STATE,
        Cause.EXISTS,
        Cause.NOT_FOUND,
        Cause.FUNDS,
        Cause.FROZEN,
    }
)
"""The same request would be refused again."""

NOT_DONE = frozenset({Cause.ACCESS, Cause.GAS, Cause.RECIPIENT, Cause.LIMIT, Cause.BUSY, Cause.CIPHERTEXT})
"""Nothing was done, and the same request may succeed once an operator or time has helped."""

UNDECRYPTABLE = frozenset({156013, 177604})
"""The ciphertext is no entity secret of ours, or is encrypted to another key than Circle's."""

ACCESS_STATUS = (401, 403)


def cause_of(answer: Answer) -> tuple[Cause, int | None]:
    """Why an answer refuses, and Circle's code when it tells one.

    A code is believed where Circle refused; what failed inside (5xx) may have been done whatever its code. A
    404 without a code may come from anything between Circle and us.
    """
    code = _code(answer)
    if answer.status >= 500:
        return Cause.OUTAGE, code
    if code is not None and code in CODES:
        return CODES[code], code
    if answer.status in ACCESS_STATUS:
        return Cause.ACCESS, code
    if answer.status == 404 and code is not None:
        return Cause.NOT_FOUND, code
    if answer.status == 409:
        return Cause.KEY_REUSED, code
    return Cause.UNKNOWN, code


def is_locked_out(answer: Answer) -> bool:
    """Whether a 401 or 403 is about our key; Circle also refuses single orders by these statuses."""
    return cause_of(answer)[0] is Cause.ACCESS


def _code(answer: Answer) -> int | None:
    try:
        return wire.Fault.model_validate_json(answer.body).code
    except ValidationError:
        return None


def require_done(answer: Answer, *, operation: str, is_order: bool, waits_for_funds: bool = False) -> None:
    """Raise what an answer other than 2xx means.

    Args:
        is_order: it may move money, so what cannot be told apart is unknown.
        waits_for_funds: the money that lacks is the operator's: the order waits for a top-up.

    Raises:
        ProviderRejected: refused for good; nothing was done.
        ProviderUnavailable: surely not done; or a question without an answer.
        ProviderUnknown: an order that may have been done.
        IdempotencyConflict: the key belongs to another request; an operator has to look.
    """
    if answer.status in (200, 201, 204):
        return
    if answer.status == 429:
        judge(answer, is_order=is_order)
    cause, code = cause_of(answer)
    raise _error(cause, is_order=is_order, waits_for_funds=waits_for_funds)(
        f"Circle refused {operation}: {cause.replace('_', ' ')}",
        cause=cause.value,
        operation=operation,
        status=answer.status,
        code=code,
        request_id=answer.request_id,
    )


def _error(cause: Cause, *, is_order: bool, waits_for_funds: bool) -> type[InvoicePayError]:
    if cause is Cause.KEY_REUSED and is_order:
        return IdempotencyConflict
    if cause is Cause.FUNDS and waits_for_funds:
        return ProviderUnavailable
    if cause in NOT_DONE or not is_order:
        return ProviderUnavailable
    return ProviderRejected if cause in FOR_GOOD else ProviderUnknown


def unreadable(operation: str, answer: Answer, *, is_order: bool) -> ProviderError:
    """What Circle answered cannot be read; an order may have been done all the same."""
    kind = ProviderUnknown if is_order else ProviderUnavailable
    return kind(
        f"Circle answered {operation} with something that cannot be read",
        operation=operation,
        status=answer.status,
        request_id=answer.request_id,
    )
