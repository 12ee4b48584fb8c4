"""What the simulated service says instead of doing: HTTP status, integer code, message, faults of fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Refusal(Exception):
    """A request that is not carried out; nothing changed.

    Attributes:
        status: the HTTP status.
        code: Circle's number for the reason.
        errors: one entry per field at fault, where fields are.
    """

    status: int
    code: int
    message: str
    errors: tuple[dict[str, Any], ...]

    def __init__(self, status: int, code: int, message: str, errors: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.errors = status, code, message, tuple(errors)

    def envelope(self) -> dict[str, Any]:
        """The body that is sent."""
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        return {**body, "errors": list(self.errors)} if self.errors else body


INVALID = 2
"""The code of a request whose fields are wrong."""


def invalid(errors: Sequence[dict[str, Any]]) -> Refusal:
    """One or more fields cannot be used."""
    return Refusal(400, INVALID, "API parameter invalid", errors)


def fault(error: str, location: str, message: str, value: object = None) -> dict[str, Any]:
    """One entry of `errors`: the kind of fault, where it is, and the value that was sent."""
    entry = {"error": error, "message": f"{location} {message}", "location": location}
    return entry if value is None else {**entry, "invalidValue": value}


def not_authorized() -> Refusal:
    """No key, or not one of ours."""
    return Refusal(401, 401, "Malformed authorization. Is the authorization type missing?")


def not_found(code: int = 404, message: str = "Resource not found") -> Refusal:
    """There is nothing under this id."""
    return Refusal(404, code, message)
