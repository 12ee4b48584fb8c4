"""All that the simulated service knows, and the knobs that bend what it does."""

from __future__ import annotations

import random
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from invoicepay.testing.simulators.circle.book import Book
from invoicepay.testing.simulators.circle.clock import VirtualClock
from invoicepay.testing.simulators.circle.keys import EntitySecrets, NotificationKeys
from invoicepay.testing.simulators.circle.notifications import Postbox
from invoicepay.testing.simulators.circle.replays import Replays

if TYPE_CHECKING:
    from invoicepay.testing.simulators.circle.mint import Deposit, Recipient, Wire
    from invoicepay.testing.simulators.circle.mint_moves import Payout, Transfer
    from invoicepay.testing.simulators.circle.transactions import Transaction
    from invoicepay.testing.simulators.circle.wallets import Wallet, WalletSet

MASTER = "mint:available"
"""The Mint account's spendable balance in the book."""
UNSETTLED = "mint:unsettled"
"""Money of deposits that are not complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The credentials that the simulated service accepts; made up, and worth nothing elsewhere.

    Attributes:
        wallets: of developer-controlled wallets; `TEST_API_KEY:ID:SECRET`.
        mint: of Mint.
        entity_secret: 32 bytes in hex; None until somebody registers one.
    """

    wallets: str = "TEST_API_KEY:11111111111111111111111111111111:22222222222222222222222222222222"
    mint: str = "SAND_API_KEY:33333333333333333333333333333333:44444444444444444444444444444444"
    entity_secret: str | None = "5a" * 32


@dataclass(frozen=True, slots=True)
class Fate:
    """What is to become of the next transaction, transfer, payout or deposit.

    Attributes:
        end: the state it ends in: FAILED, DENIED, STUCK, CANCELLED, or `failed` at Mint.
        reason: its `errorReason` or `errorCode`, also one that nobody knows yet.
        after: the state from which it goes there; FAILED after CONFIRMED is a reorganised chain.
    """

    end: str
    reason: str = ""
    after: str = ""


@dataclass(slots=True)
class Knobs:
    """How the service behaves beyond what was asked of it.

    Attributes:
        pace: factor on every wait; 0 lets all happen at once, 10 is a slow day.
        delays: extra virtual seconds before a state is reached, by state.
        fates: what becomes of the next ones, by kind: transaction, transfer, payout, deposit.
        approves_recipients: whether a recipient address is active without an administrator.
        sponsors_gas: whether a Gas Station policy pays for smart contract wallets.
        payout_limit: the largest payout in millionths; None is no limit.
        words: states and statuses to be replaced on the wire, as after a change of vocabulary.
        is_dated: whether deposits and transfers are told in the words of the older specification.
        wraps_screening: whether a screening is told under `data`; the specification has it bare.
    """

    pace: float = 1
    delays: dict[str, float] = field(default_factory=dict[str, float])
    fates: dict[str, deque[Fate]] = field(default_factory=dict[str, deque[Fate]])
    approves_recipients: bool = False
    sponsors_gas: bool = True
    payout_limit: int | None = None
    words: dict[str, str] = field(default_factory=dict[str, str])
    is_dated: bool = False
    wraps_screening: bool = False

    def fate(self, kind: str) -> Fate | None:
        """What becomes of this one; used up by asking."""
        waiting = self.fates.get(kind)
        return waiting.popleft() if waiting else None

    def ordain(self, kind: str, fates: Iterable[Fate]) -> None:
        """Say what becomes of the next ones of a kind."""
        self.fates.setdefault(kind, deque()).extend(fates)


class Ids:
    """Random UUIDs of version 4 that a seed repeats."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - ids of a simulator guard nothing

    def new(self) -> str:
        """Another id."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def digits(self, count: int) -> str:
        """A number of so many digits."""
        return "".join(self._random.choices("0123456789", k=count))

    def digest(self) -> str:
        """64 hexadecimal digits, as of a transaction or a block."""
        return f"{self._random.getrandbits(256):064x}"


class World:
    """The state that both products share; whoever touches it holds `lock`.

    Attributes:
        wallet_sets, wallets, transactions: of the wallets product, by id, oldest first.
        wires, recipients, deposits, transfers, payouts: of Mint, by id, oldest first.
        deposit_addresses: by their `chain:…` account in the book.
        arrivals: told of USDC that a block brought to an address: account, millionths, network, hash.
    """

    keys: Keys
    clock: VirtualClock
    ids: Ids
    knobs: Knobs
    book: Book
    entity_id: str
    master_wallet: str

    def __init__(self, keys: Keys, clock: VirtualClock, seed: int) -> None:
        self.lock: threading.RLock = threading.RLock()
        self.keys, self.clock, self.ids = keys, clock, Ids(seed)
        self.knobs, self.book = Knobs(), Book()
        self.entity_id, self.master_wallet = self.ids.new(), self.ids.digits(10)
        self.secrets: EntitySecrets = EntitySecrets(keys.entity_secret)
        self.notification_keys: NotificationKeys = NotificationKeys()
        self.postbox: Postbox = Postbox(self)
        self.wallets_replays: Replays = Replays(replay_status=200, compares=False)
        self.mint_replays: Replays = Replays(replay_status=None, compares=True)
        self.wallet_sets: dict[str, WalletSet] = {}
        self.wallets: dict[str, Wallet] = {}
        self.transactions: dict[str, Transaction] = {}
        self.wires: dict[str, Wire] = {}
        self.recipients: dict[str, Recipient] = {}
        self.deposits: dict[str, Deposit] = {}
        self.transfers: dict[str, Transfer] = {}
        self.payouts: dict[str, Payout] = {}
        self.deposit_addresses: dict[str, dict[str, str]] = {}
        self.arrivals: list[Callable[[str, int, str, str], None]] = []
        self.drips = 0
        self.block = 1_000_000

    def now(self) -> datetime:
        """The virtual instant."""
        return self.clock.now()

    def wait(self, state: str, seconds: float) -> float:
        """Virtual seconds until a state is reached, as the knobs have it."""
        return seconds * self.knobs.pace + self.knobs.delays.get(state, 0)

    def word(self, state: str) -> str:
        """A state as it is told on the wire."""
        return self.knobs.words.get(state, state)


def whole_seconds(at: datetime) -> str:
    """An instant as the wallets product writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def with_millis(at: datetime) -> str:
    """An instant as Mint writes it."""
    return f"{at.strftime('%Y-%m-%dT%H:%M:%S')}.{at.microsecond // 1000:03d}Z"
