"""FastAPI: every refusal becomes a problem document (RFC 9457), in answers and in the OpenAPI description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from invoicepay.errors import InvoicePayError, MissingExtra
from invoicepay.integrations.failures import PROBLEM_JSON, log_failure

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

SCHEMA_NAME = "InvoicePayProblem"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

_TEXT = {"type": "string"}
PROBLEM_SCHEMA: dict[str, Any] = {
    "title": SCHEMA_NAME,
    "description": "Why a request was refused, or what failed (RFC 9457).",
    "type": "object",
    "properties": {
        "type": _TEXT | {"format": "uri", "examples": ["urn:invoicepay:error:insufficient_funds"]},
        "title": _TEXT | {"description": "What this kind of error means."},
        "status": {"type": "integer", "examples": [402]},
        "detail": _TEXT | {"description": "What happened this time, for people; the words may change."},
        "code": _TEXT | {"description": "The stable name to branch on.", "examples": ["insufficient_funds"]},
        "retryable": {
            "type": "boolean",
            "description": "Whether the same request with the same idempotency key may succeed later.",
        },
        "hint": _TEXT | {"description": "The next step."},
        "details": {"type": "object", "description": "Facts: ids, amounts as text, allowed choices."},
    },
    "required": ["type", "title", "status", "detail", "code", "retryable", "hint", "details"],
}
"""What `InvoicePayError.to_problem` writes, as OpenAPI describes it."""


def install_error_handlers(app: FastAPI) -> None:
    """Answer every `InvoicePayError` with its status and its problem document, whichever client raised it.

    The OpenAPI description names that document as the default response of each operation. What ends with a
    status of 500 or more is also logged to `invoicepay.integrations`.

    Args:
        app: yours, before or after its routes are added.

    Raises:
        MissingExtra: FastAPI is not installed.

    Examples:
        >>> from fastapi import FastAPI
        >>> from fastapi.testclient import TestClient
        >>> from invoicepay import Invoice, InvoicePay
        >>> pay, app = InvoicePay(), FastAPI()
        >>> install_error_handlers(app)
        >>> @app.get("/invoices/{id}")
        ... def read(id: str) -> Invoice:
        ...     return pay.invoices.get(id)
        >>> answer = TestClient(app).get("/invoices/inv_unknown")
        >>> answer.status_code, answer.headers["content-type"], answer.json()["code"]
        (404, 'application/problem+json', 'not_found')
    """
    try:
        from fastapi.responses import JSONResponse
    except ImportError as error:
        raise MissingExtra("fastapi", needed_for="install_error_handlers") from error

    async def refuse(request: Request, error: InvoicePayError) -> Response:
        log_failure(error, str(request.scope.get("method", "")), request.url.path)
        return JSONResponse(error.to_problem(), error.http_status, media_type=PROBLEM_JSON)

    handler: Any = refuse  # Starlette's type wants a handler of any exception
    app.add_exception_handler(InvoicePayError, handler)
    _describe(app)


def _describe(app: FastAPI) -> None:
    """Add the problem document to whatever description the application gives of itself."""
    generate = app.openapi

    def described() -> dict[str, Any]:
        document = generate()
        document.setdefault("components", {}).setdefault("schemas", {}).setdefault(
            SCHEMA_NAME, PROBLEM_SCHEMA
        )
        for path in document.get("paths", {}).values():
            for method in path.keys() & set(METHODS):
                path[method].setdefault("responses", {}).setdefault("default", _refused())
        return document

    app.openapi = described  # type: ignore[method-assign] # as FastAPI documents it


def _refused() -> dict[str, Any]:
    return {
        "description": "Refused, or failed: the code says why, the hint what to do next.",
        "content": {PROBLEM_JSON: {"schema": {"$ref": f"#/components/schemas/{SCHEMA_NAME}"}}},
    }
