"""TilliPay as a rails provider: a profile that is data, and an adapter that reads it."""

from invoicepay.adapters.tillipay.accounts import (
    AccountKind,
    AccountToken,
    BankDetails,
    CardDetails,
    HolderKind,
    Payer,
)
from invoicepay.adapters.tillipay.credentials import ChannelCredentials
from invoicepay.adapters.tillipay.parts import Fact, Grade
from invoicepay.adapters.tillipay.profile import TilliPayProfile
from invoicepay.adapters.tillipay.provider import TilliPay

__all__ = [
    "AccountKind",
    "AccountToken",
    "BankDetails",
    "CardDetails",
    "ChannelCredentials",
    "Fact",
    "Grade",
    "HolderKind",
    "Payer",
    "TilliPay",
    "TilliPayProfile",
]
