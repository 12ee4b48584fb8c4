"""What people said about their decisions: words beside the audit trail, which keeps only a digest (S-27)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

from invoicepay.domain.entity import Entity


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark(Entity):
    """A reason, as the actor said it.

    Attributes:
        about_id: the first thing that the decision changed.
        salt: nobody who has the digest can find short words by trying, once the salt is erased with them.
    """

    KIND: ClassVar[str] = "remark"

    about_id: str
    text: str
    salt: str

    @property
    def digest(self) -> str:
        """What the audit trail keeps of it."""
        return digest_of(self.text, self.salt)


def digest_of(text: str, salt: str) -> str:
    """A commitment to words: they cannot be exchanged under it, and cannot be read from it."""
    return hashlib.sha256(f"{len(salt)} {salt} {text}".encode()).hexdigest()
