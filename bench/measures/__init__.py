"""The measures; importing this package registers them."""

from bench.measures import batches as batches
from bench.measures import before as before
from bench.measures import embedded as embedded
from bench.measures import groups as groups
from bench.measures import imports as imports
from bench.measures import others as others
from bench.measures import servers as servers
from bench.measures import singles as singles
