"""A quarter of a small business on a clock of its own: balances, receivables by age, and backing as plots.

Open it with jupytext, or paste a cell at a time into any notebook. It runs as a script too. The plots need
matplotlib, the data frames `invoicepay[dataframe]`.
"""

# ruff: noqa: B018 - the last value of a cell is shown
# %%
from datetime import date

import pandas as pd
from matplotlib import pyplot as plt

from invoicepay import AgeingBucket, Every, InvoicePay, Line
from invoicepay.testing import FrozenClock

clock = FrozenClock("2026-01-01T09:00:00Z")
pay = InvoicePay(clock=clock)

plans = {"ann": "29.00 USD", "ben": "49.00 USD", "eve": "99.00 USD"}
for customer, price in plans.items():
    pay.sim.settle(pay.deposits.initiate(customer, "150.00 USD"))
    pay.schedules.create(
        enterprise="acme",
        customer=customer,
        lines=[Line.of("Plan", price)],
        every=Every.week(),
        start_on=date(2026, 1, 1),
        due_in_days=7,
    )
pay.schedules.list()

# %%
# Thirteen weeks: ann pays at once, ben half of each invoice, eve in the week after a deposit.
weeks, audits = [], []
for week in range(13):
    issued = pay.schedules.run_due()
    if week % 4 == 0 and week:
        for customer in plans:
            pay.sim.settle(pay.deposits.initiate(customer, "180.00 USD"))
        pay.invoices.pay_several(payer="eve", amount="150.00 USD", enterprise="acme")
    for invoice in issued:
        amount = {"ann": invoice.total, "ben": invoice.total.split(2)[0]}.get(invoice.customer_id)
        if amount and pay.wallets.get(invoice.customer_id).available >= amount:
            pay.invoices.pay(invoice, payer=invoice.customer_id, amount=amount)
    weeks.append(clock.now())
    audits.append(pay.reserves.audit().to_df())
    clock.advance(days=7)

invoices = pay.invoices.list().to_df()
invoices.groupby(["customer_id", "status"])["total"].agg(["count", "sum"])

# %%
# Balances over time: the ledger answers for any instant that is over.
held = pd.DataFrame(
    {
        party: [float(pay.wallets.get(party, at=week).available.amount) for week in weeks]
        for party in ("acme", *plans)
    },
    index=pd.DatetimeIndex(weeks),
)
figure, axes = plt.subplots(figsize=(8, 3))
held.plot(ax=axes, drawstyle="steps-post", xlabel="", ylabel="USD", title="Spendable tokens")
figure

# %%
# Receivables by age: what is open of acme's invoices, and for how long it has been due.
ageing = pay.invoices.ageing("acme")["USD"]
figure, axes = plt.subplots(figsize=(8, 3))
axes.bar([bucket.value for bucket in AgeingBucket], [float(ageing[bucket].amount) for bucket in AgeingBucket])
axes.set(title="Open invoices by days past due", ylabel="USD")
figure

# %%
# Backing: a row for each weekly audit. Tokens and what stands behind them are one line.
backing = pd.concat(audits).set_index("as_of")[["tokens", "backing"]]
assert (backing["tokens"] == backing["backing"]).all()  # to the cent: the amounts are decimals
figure, axes = plt.subplots(figsize=(8, 3))
backing.astype(float).plot(ax=axes, style=["-", "--"], drawstyle="steps-post", xlabel="", ylabel="USD")
axes.set_title("Tokens and what backs them")
figure

# %%
print(pay.reserves.audit().explain())
print(pay.invoices.list(customer="ben"))
