// A tour with Circle's Node client of Mint, unmodified.
// Usage: node tour_mint.mjs URL API_KEY ADDRESS, where ADDRESS may be made a recipient.

import sdk from '@circle-fin/circle-sdk'
import { randomUUID } from 'node:crypto'
import { call, expect, refused, until } from './telling.mjs'

const [url, apiKey, address] = process.argv.slice(2)
const circle = new sdk.Circle(apiKey, url)
const usd = (amount) => ({ amount, currency: 'USD' })
const data = (answer) => answer.data.data

await call('ping', () => circle.health.ping())
await call('getAccountConfig', () => circle.management.getAccountConfig())
await call('listStablecoins', () => circle.stablecoins.listStablecoins())
await call('listBusinessBalances', () => circle.balances.listBusinessBalances())
const linked = await call('createBusinessWireAccount', () =>
  circle.wires.createBusinessWireAccount({
    idempotencyKey: randomUUID(),
    accountNumber: '12340010',
    routingNumber: '121000248',
    billingDetails: {
      name: 'Acme Inc',
      city: 'Boston',
      country: 'US',
      line1: '100 Money Street',
      district: 'MA',
      postalCode: '01234',
    },
    bankAddress: { bankName: 'SAN FRANCISCO', city: 'SAN FRANCISCO', country: 'US', district: 'CA' },
  }),
)
const bank = data(linked).id
await call('getBusinessWireAccount', () => circle.wires.getBusinessWireAccount(bank))
await call('listBusinessWireAccounts', () => circle.wires.listBusinessWireAccounts())
const told = await call('getBusinessWireAccountInstructions', () =>
  circle.wires.getBusinessWireAccountInstructions(bank),
)
await call('createMockWirePayment', () =>
  circle.payments.createMockWirePayment({
    trackingRef: data(told).trackingRef,
    amount: usd('5000.00'),
    beneficiaryBank: { accountNumber: data(told).beneficiaryBank.accountNumber },
  }),
)
const deposits = await call('listBusinessDeposits', () =>
  until(() => circle.deposits.listBusinessDeposits(), (seen) => data(seen)[0]?.status === 'complete'),
)
expect('one complete deposit', data(deposits).length === 1 && data(deposits)[0].status === 'complete')
const allowed = await call('createBusinessRecipientAddress', () =>
  circle.addresses.createBusinessRecipientAddress({
    idempotencyKey: randomUUID(),
    address,
    chain: 'ETH',
    currency: 'USD',
    description: 'treasury',
  }),
)
await call('listBusinessRecipientAddresses', () => circle.addresses.listBusinessRecipientAddresses())
const move = {
  idempotencyKey: randomUUID(),
  destination: { type: 'verified_blockchain', addressId: data(allowed).id },
  amount: usd('250.00'),
}
const sent = await call('createBusinessTransfer', () => circle.transfers.createBusinessTransfer(move))
const again = await call('the same transfer again', () => circle.transfers.createBusinessTransfer(move))
expect('the first transfer again', data(sent).id === data(again).id)
await refused(
  'the key with another body',
  () => circle.transfers.createBusinessTransfer({ ...move, amount: usd('251.00') }),
  409,
  1083,
)
await refused(
  'a transfer of too much',
  () =>
    circle.transfers.createBusinessTransfer({
      ...move,
      amount: usd('900000.00'),
      idempotencyKey: randomUUID(),
    }),
  400,
  5006,
)
await call('getBusinessTransfer', () => circle.transfers.getBusinessTransfer(data(sent).id))
await call('listBusinessTransfers', () => circle.transfers.listBusinessTransfers())
await call('createBusinessDepositAddress', () =>
  circle.addresses.createBusinessDepositAddress({
    idempotencyKey: randomUUID(),
    currency: 'USD',
    chain: 'ETH',
  }),
)
await call('getBusinessDepositAddress', () => circle.addresses.getBusinessDepositAddress())
const paid = await call('createBusinessPayout', () =>
  circle.payouts.createBusinessPayout({
    idempotencyKey: randomUUID(),
    destination: { type: 'wire', id: bank },
    amount: usd('100.00'),
  }),
)
const seen = await call('getBusinessPayout', () =>
  until(
    () => circle.payouts.getBusinessPayout(data(paid).id),
    (one) => data(one).status === 'complete',
  ),
)
expect('a complete payout', data(seen).status === 'complete')
await call('listBusinessPayouts', () => circle.payouts.listBusinessPayouts())
const hook = await call('createSubscription', () =>
  circle.subscriptions.createSubscription({ endpoint: 'https://host.example/hooks' }),
)
await call('listSubscriptions', () => circle.subscriptions.listSubscriptions())
await refused(
  'deleting a subscription with an open confirmation',
  () => circle.subscriptions.deleteSubscription(data(hook).id),
  400,
  2,
)
await call('deleteBusinessRecipientAddress', () =>
  circle.addresses.deleteBusinessRecipientAddress(data(allowed).id),
)
