"""The short way to a bank of your own: `HttpRails` sends, judges, verifies and waits; you spell and read."""

from invoicepay.adapters.http_rails.rails import HttpRails

__all__ = ["HttpRails"]
