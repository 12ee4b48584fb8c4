"""A middleware of Django's that answers every refusal with its problem document (RFC 9457)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from invoicepay.errors import InvoicePayError
from invoicepay.integrations.failures import PROBLEM_JSON, log_failure

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class ProblemMiddleware:
    """Turns an `InvoicePayError` that leaves a view into its status and its problem document.

    Put `"invoicepay.integrations.django.problems.ProblemMiddleware"` into `MIDDLEWARE`. What ends with a
    status of 500 or more is also logged to `invoicepay.integrations`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Let the view answer."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer for a view; None leaves any other error to Django."""
        if not isinstance(error, InvoicePayError):
            return None
        from django.http import JsonResponse

        log_failure(error, str(request.method), request.path)
        answer: Any = JsonResponse(error.to_problem(), status=error.http_status, content_type=PROBLEM_JSON)
        return answer
