"""Drives a coroutine to its end in one step, for hosts that block."""

from __future__ import annotations

from invoicepay.adapters.hosts import run_blocking

__all__ = ["run_blocking"]
