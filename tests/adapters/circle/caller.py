"""A plain HTTP client of the simulator, for tests that speak to it without the adapter."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from invoicepay.testing.simulators.circle import CircleSimulator
from invoicepay.testing.simulators.circle.keys import OAEP
from invoicepay.testing.simulators.server import App, Served

CHAIN = "BASE-SEPOLIA"
USDC = "bdf128b4-827b-5267-8f9e-243694989b5f"
W3S = "/v1/w3s"
ACCOUNT = "/v1/businessAccount"
Json = dict[str, Any]


def fresh_key() -> str:
    """An idempotency key."""
    return str(uuid.uuid4())


class Caller:
    """Speaks both products' wire; every call returns the response, whatever its status."""

    def __init__(self, url: str, circle: CircleSimulator) -> None:
        self.circle = circle
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False)
        self._key: rsa.RSAPublicKey | None = None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def call(self, method: str, path: str, json: Json | None = None, **query: str) -> httpx.Response:
        """Ask with the key of the product that has the path."""
        is_wallets = path.startswith(("/v1/w3s", "/v2/", "/v1/faucet"))
        key = self.circle.keys.wallets if is_wallets else self.circle.keys.mint
        return self.bare(method, path, json, authorization=f"Bearer {key}", **query)

    def bare(
        self, method: str, path: str, json: Json | None = None, *, authorization: str = "", **query: str
    ) -> httpx.Response:
        """Ask with other credentials, or none."""
        headers = {"Authorization": authorization} if authorization else {}
        return self._http.request(method, path, json=json, params=query, headers=headers)

    def raw(self, method: str, path: str, content: bytes) -> httpx.Response:
        """Ask Mint with a body as it is."""
        headers = {"Authorization": f"Bearer {self.circle.keys.mint}", "Content-Type": "application/json"}
        return self._http.request(method, path, content=content, headers=headers)

    def get(self, path: str, **query: str) -> Any:
        """The `data` of an answer."""
        answer = self.call("GET", path, None, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def ciphertext(self, secret: bytes | None = None) -> str:
        """The entity secret under the service's key, new each time."""
        if self._key is None:
            pem = self.get(f"{W3S}/config/entity/publicKey")["publicKey"]
            key = serialization.load_pem_public_key(pem.encode())
            assert isinstance(key, rsa.RSAPublicKey)
            self._key = key
        plain = bytes.fromhex(self.circle.keys.entity_secret or "5a" * 32) if secret is None else secret
        return base64.b64encode(self._key.encrypt(plain, OAEP)).decode()

    def order(self, path: str, **fields: Any) -> httpx.Response:
        """A writing request of the wallets product: fresh ciphertext, and a fresh key unless one is given."""
        body = {"idempotencyKey": fresh_key(), "entitySecretCiphertext": self.ciphertext(), **fields}
        return self.call("POST", f"{W3S}{path}", body)

    def post(self, path: str, **fields: Any) -> httpx.Response:
        """A writing request of Mint: a fresh key unless one is given."""
        return self.call("POST", path, {"idempotencyKey": fresh_key(), **fields})

    def wallets(self, count: int = 2, *, usdc: int = 100_000_000, kind: str = "EOA") -> list[Json]:
        """Wallets on one test network; the first has USDC and gas."""
        made = self.order("/developer/walletSets", name="tests").json()["data"]["walletSet"]
        wallets: list[Json] = self.order(
            "/developer/wallets", walletSetId=made["id"], blockchains=[CHAIN], count=count, accountType=kind
        ).json()["data"]["wallets"]
        self.circle.fund(CHAIN, wallets[0]["address"], usdc=usdc, native=10**18)
        return wallets

    def transfer(
        self, source: Json, target: Json | str, amount: str = "1.5", **fields: Any
    ) -> httpx.Response:
        """Order a transfer of USDC."""
        body: Json = {
            "walletId": source["id"],
            "destinationAddress": target if isinstance(target, str) else target["address"],
            "amounts": [amount],
            "tokenId": USDC,
            "feeLevel": "MEDIUM",
        }
        sent = {name: value for name, value in (body | fields).items() if value is not None}
        return self.order("/developer/transactions/transfer", **sent)

    def bank(self) -> Json:
        """A linked bank account, complete."""
        linked: Json = self.post(f"{ACCOUNT}/banks/wires", **US_BANK).json()["data"]
        self.circle.finish()
        return linked


US_BANK: Json = {
    "accountNumber": "12340010",
    "routingNumber": "121000248",
    "billingDetails": {
        "name": "Acme Inc",
        "city": "Boston",
        "country": "US",
        "line1": "100 Money Street",
        "district": "MA",
        "postalCode": "01234",
    },
    "bankAddress": {
        "bankName": "SAN FRANCISCO BANK",
        "city": "SAN FRANCISCO",
        "country": "US",
        "district": "CA",
    },
}


@contextmanager
def calling(circle: CircleSimulator, app: App | None = None) -> Iterator[Caller]:
    """The simulator served over HTTP, and a caller of it."""
    with Served(app or circle.app()) as server:
        caller = Caller(server.url, circle)
        try:
            yield caller
        finally:
            caller.close()
