"""Tempo: TIP-20 tokens on a chain, over JSON-RPC, with keys behind a `Signer`."""
