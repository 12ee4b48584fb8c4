"""The measures; importing this package registers them, in this order."""

from bench.measures import batches as batches
from bench.measures import groups as groups
from bench.measures import singles as singles

from bench.measures import embedded as embedded  # isort: skip
from bench.measures import before as before  # isort: skip
from bench.measures import imports as imports  # isort: skip
