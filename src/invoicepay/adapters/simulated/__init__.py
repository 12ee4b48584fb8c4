"""A bank and a token issuer in the process, told by calls what to do next."""

from invoicepay.adapters.simulated.bank import SimulatedRails
from invoicepay.adapters.simulated.chain import SimulatedTokens
from invoicepay.adapters.simulated.control import SimControl
from invoicepay.adapters.simulated.weather import Delivery

__all__ = ["Delivery", "SimControl", "SimulatedRails", "SimulatedTokens"]
