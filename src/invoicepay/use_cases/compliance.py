"""Screening: asked before the transaction, its verdict travels in the command (spec 10)."""

from __future__ import annotations

from invoicepay.domain.money import Money
from invoicepay.errors import ComplianceBlocked, ComplianceReview, InvoicePayError, ProviderUnavailable
from invoicepay.ports.screening import Screened, Subject, Verdict
from invoicepay.use_cases.perform import Deps

ALLOWED = Screened(verdict=Verdict.ALLOW)


async def screened(
    deps: Deps, action: str, *, party_id: str, counterparty_id: str = "", amount: Money
) -> Screened:
    """The verdict on what is about to start; `Subject` lists the actions.

    Keep it in a field of the command with `compare=False`: a repeated call is the same call, whatever the
    verdict is by then.

    Raises:
        ProviderUnavailable: no answer, or none that can be understood; nothing starts (S-30).
    """
    if deps.screening is None:
        return ALLOWED
    subject = Subject(action=action, party_id=party_id, counterparty_id=counterparty_id, amount=amount)
    try:
        answer = await deps.screening.screen(subject)
        return Screened(verdict=Verdict(answer.verdict), reason=answer.reason)
    except InvoicePayError:
        raise
    except Exception as error:
        raise ProviderUnavailable(f"screening gave no verdict: {type(error).__name__}") from error


def require_allowed(verdict: Screened) -> None:
    """Refuse what screening did not let through.

    Raises:
        ComplianceBlocked: for good; nothing is moved.
        ComplianceReview: a person has to look first.
    """
    if verdict.verdict is Verdict.BLOCK:
        raise ComplianceBlocked(reason=verdict.reason)
    if verdict.verdict is Verdict.REVIEW:
        raise ComplianceReview(reason=verdict.reason)
