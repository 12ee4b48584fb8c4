"""The whole SDK in a simulated world: several processes, virtual time, faults and crashes, from one seed.

`python -m invoicepay.testing.simulation --seeds 100 --steps 10000` searches; see `run` for one run.
"""

from invoicepay.testing.simulation.simulation import Run, run
from invoicepay.testing.simulation.workload import stage as standard

__all__ = ["Run", "run", "standard"]
