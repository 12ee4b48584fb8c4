"""A month of business in seconds: a small town on simulated processes, with crashes and lost answers.

Open it with jupytext, or paste a cell at a time into any notebook. It runs as a script too.
"""

# %%
from invoicepay.testing.simulation.month import month

found = month(seed=7, steps=1_500)  # 50,000 steps are about a month
print(f"{found.run.days:.0f} days, {found.run.commits} transactions, seed {found.run.seed}")
assert found.run.broken == ()

# %%
# What went wrong on the way, and how often.
for fault, times in sorted(found.troubles.items()):
    print(f"{times:5}  {fault}")

# %%
# Tokens and what backs them are one line: they never differ, whatever happens.
backing = found.backing()
print(backing)
backing

# %%
found.wallets()

# %%
# Orders whose outcome nobody knew: each comes down again, by asking and never by guessing.
found.unknowns()

# %%
# The same seed gives the same month, on every machine.
assert month(seed=7, steps=1_500).run.trace == found.run.trace
