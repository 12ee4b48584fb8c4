"""Encrypts single texts of stored rows, with keys that the host keeps apart from the database."""

from __future__ import annotations

from typing import Protocol


class FieldCipher(Protocol):
    """Seals and opens texts, each bound to its place, so that it cannot be read anywhere else (S-26).

    Called inside transactions, several times for each row: use a key that is at hand, never a network call.
    `invoicepay.adapters.sealed.FieldKeys` is one on AES-256-GCM; one of yours may unwrap its keys from a KMS
    when it starts.
    """

    def seal(self, text: str, *, about: str) -> str:
        """The text as printable ASCII that tells nothing about it but its length.

        Two calls give different results for equal texts. The result names its key, so that `open` finds it.

        Args:
            about: tenant, kind, row and column; authenticated, not stored.
        """
        ...

    def open(self, sealed: str, *, about: str) -> str:
        """The text that was sealed for this place.

        Raises:
            InvariantViolated: changed, cut, or sealed for another place.
            ConfigurationError: its key is not among the keys.
        """
        ...
