"""Everything in the process's memory: for tests, notebooks and trying out."""

from invoicepay.adapters.memory.repository import MemoryRepository

__all__ = ["MemoryRepository"]
