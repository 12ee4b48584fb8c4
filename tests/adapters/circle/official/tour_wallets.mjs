// A tour with Circle's Node client of developer-controlled wallets, unmodified.
// Usage: node tour_wallets.mjs URL API_KEY ENTITY_SECRET FOLDER KEY_ID

import {
  initiateDeveloperControlledWalletsClient,
  registerEntitySecretCiphertext,
} from '@circle-fin/developer-controlled-wallets'
import { randomUUID } from 'node:crypto'
import { call, expect, refused, until } from './telling.mjs'

const [baseUrl, apiKey, entitySecret, folder, keyId] = process.argv.slice(2)
const chain = 'BASE-SEPOLIA'
const usdc = 'bdf128b4-827b-5267-8f9e-243694989b5f'

await call('registerEntitySecretCiphertext', () =>
  registerEntitySecretCiphertext({ apiKey, entitySecret, baseUrl, recoveryFileDownloadPath: folder }),
)
const client = initiateDeveloperControlledWalletsClient({ apiKey, entitySecret, baseUrl })

await call('getPublicKey', () => client.getPublicKey())
const made = await call('createWalletSet', () => client.createWalletSet({ name: 'tour' }))
const walletSetId = made.data.walletSet.id
await call('getWalletSet', () => client.getWalletSet({ id: walletSetId }))
await call('listWalletSets', () => client.listWalletSets({ pageSize: 5 }))
const answer = await call('createWallets', () =>
  client.createWallets({ walletSetId, blockchains: [chain], count: 2, accountType: 'EOA' }),
)
const [first, second] = answer.data.wallets
await call('listWallets', () => client.listWallets({ walletSetId, pageSize: 1 }))
await call('getWallet', () => client.getWallet({ id: first.id }))
await call('updateWallet', () => client.updateWallet({ id: second.id, name: 'bob' }))
await call('deriveWallet', () => client.deriveWallet({ id: first.id, blockchain: 'ETH-SEPOLIA' }))
await call('requestTestnetTokens', () =>
  client.requestTestnetTokens({ address: first.address, blockchain: chain, usdc: true, native: true }),
)
const held = await call('getWalletTokenBalance', () => client.getWalletTokenBalance({ id: first.id }))
expect('20 USDC of the faucet', held.data.tokenBalances.some((one) => one.amount === '20'))
await call('getWalletsWithBalances', () => client.getWalletsWithBalances({ blockchain: chain }))
await call('getToken', () => client.getToken({ id: usdc }))
await call('validateAddress', () => client.validateAddress({ address: second.address, blockchain: chain }))
await call('estimateTransferFee', () =>
  client.estimateTransferFee({
    amount: ['1'],
    destinationAddress: second.address,
    tokenId: usdc,
    walletId: first.id,
  }),
)

const order = (amount, idempotencyKey = randomUUID(), walletId = first.id) =>
  client.createTransaction({
    amount: [amount],
    destinationAddress: second.address,
    tokenId: usdc,
    walletId,
    idempotencyKey,
    refId: 'tour',
    fee: { type: 'level', config: { feeLevel: 'MEDIUM' } },
  })
const look = async (id) => (await client.getTransaction({ id })).data.transaction

const key = randomUUID()
const sent = await call('createTransaction', () => order('2.5', key))
const again = await call('the same transfer under the same key', () => order('2.5', key))
expect('the first transfer again', again.data.id === sent.data.id)
const seen = await call('getTransaction', () =>
  until(() => look(sent.data.id), (one) => one.state === 'COMPLETE'),
)
expect('a complete transfer with a hash', seen.state === 'COMPLETE' && seen.txHash)
await call('listTransactions', () => client.listTransactions({ walletIds: [first.id], pageSize: 5 }))
await refused('a transfer of too much', () => order('1000'), 400, 155205)
await refused('a transfer without gas', () => order('1', randomUUID(), second.id), 400, 155201)
await refused('a wallet that is not there', () => client.getWallet({ id: randomUUID() }), 404, 156002)
const contract = {
  walletId: first.id,
  contractAddress: `0x${'a'.repeat(40)}`,
  abiFunctionSignature: 'approve(address,uint256)',
  abiParameters: [second.address, '1'],
}
const called = await call('createContractExecutionTransaction', () =>
  client.createContractExecutionTransaction({
    ...contract,
    fee: { type: 'level', config: { feeLevel: 'LOW' } },
  }),
)
await call('estimateContractExecutionFee', () =>
  client.estimateContractExecutionFee({
    contractAddress: contract.contractAddress,
    abiFunctionSignature: contract.abiFunctionSignature,
    abiParameters: contract.abiParameters,
    source: { walletId: first.id },
  }),
)
await until(() => look(called.data.id), (one) => one.state === 'COMPLETE')
const stopped = await order('0.1')
await until(() => look(stopped.data.id), (one) => one.state === 'SENT') // while it is CLEARED none can
await call('cancelTransaction', () => client.cancelTransaction({ id: stopped.data.id }))
const slow = await order('0.2')
await until(() => look(slow.data.id), (one) => one.state === 'SENT')
await call('accelerateTransaction', () => client.accelerateTransaction({ id: slow.data.id }))
const hook = await call('createSubscription', () =>
  client.createSubscription({ endpoint: 'https://host.example/hooks' }),
)
await call('getSubscription', () => client.getSubscription(hook.data.id))
await call('listSubscriptions', () => client.listSubscriptions())
await call('updateSubscription', () =>
  client.updateSubscription({ id: hook.data.id, name: 'ours', enabled: false }),
)
await call('deleteSubscription', () => client.deleteSubscription(hook.data.id))
const signed = await call('getNotificationSignature', () => client.getNotificationSignature(keyId))
expect('an ECDSA key', signed.data.algorithm === 'ECDSA_SHA_256')
