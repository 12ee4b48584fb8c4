"""A host's own say in who may do what, beside the rules that always hold (S-01)."""

from __future__ import annotations

from typing import Protocol

from invoicepay.domain.authority import Access, Permission


class Authorizer(Protocol):
    """Forbids what the rules of `invoicepay.domain.authority` would allow; it cannot allow more than they do.

    It is asked for every command and look of a party or of the operator, not for the library's own work. For
    a command it runs inside the transaction, after the rows are locked and before anything is decided: so it
    answers from what it is shown and from what it holds in memory, the same each time, and waits for nobody.
    """

    def authorize(self, access: Access) -> Permission:
        """Whether the actor may.

        Whatever it raises, the call is refused with `AuthorizerUnavailable`: no answer is never a yes (S-30).
        `Permission.SECOND_PERSON` asks for another person's approval, which only commands that take
        `approved_by` can name; others are refused.

        Examples:
            >>> from invoicepay.domain.authority import Access, Permission
            >>> class SupportNeverVoids:
            ...     def authorize(self, access: Access) -> Permission:
            ...         is_support = access.actor.subject.startswith("support:")
            ...         forbidden = is_support and access.operation == "invoices.void"
            ...         return Permission.DENY if forbidden else Permission.ALLOW
        """
        ...
