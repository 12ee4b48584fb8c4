"""Seals people's texts on their way into any store."""

from invoicepay.adapters.sealed.keys import FieldKeys
from invoicepay.adapters.sealed.repository import SealedRepository

__all__ = ["FieldKeys", "SealedRepository"]
