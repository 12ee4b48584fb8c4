"""Circle's two hosts, wallets and Mint, as a service of our own that speaks their wire.

Needs `invoicepay[simulators]`. What it plays is listed in `routes.ENTRIES`; how it can be bent in `Knobs`.
"""

from invoicepay.testing.simulators.circle.notifications import Delivery as Delivery
from invoicepay.testing.simulators.circle.simulator import CircleSimulator as CircleSimulator
from invoicepay.testing.simulators.circle.state import Fate as Fate
from invoicepay.testing.simulators.circle.state import Keys as Keys
from invoicepay.testing.simulators.circle.state import Knobs as Knobs

__all__ = ["CircleSimulator", "Delivery", "Fate", "Keys", "Knobs"]
