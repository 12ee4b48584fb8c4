"""A TilliPay gateway as we assume it to be: it speaks a profile, and proves nothing about the real one."""

from invoicepay.testing.simulators.tillipay.book import Payment
from invoicepay.testing.simulators.tillipay.gateway import TilliPaySimulator

__all__ = ["Payment", "TilliPaySimulator"]
