"""The simulator in one object: its application, its clock, and the knobs a test turns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from starlette.applications import Starlette

from invoicepay.testing.simulators.circle.app import PRODUCTS, circle_app
from invoicepay.testing.simulators.circle.book import OUTSIDE
from invoicepay.testing.simulators.circle.chains import native_unit, place
from invoicepay.testing.simulators.circle.clock import VirtualClock
from invoicepay.testing.simulators.circle.keys import entity_key, sns_certificate_pem
from invoicepay.testing.simulators.circle.mint import linked_bank, receive_wire
from invoicepay.testing.simulators.circle.mint_moves import receiver, send_back
from invoicepay.testing.simulators.circle.notifications import Delivery, Subscription
from invoicepay.testing.simulators.circle.orders import transaction_of
from invoicepay.testing.simulators.circle.state import MASTER, Fate, Keys, Knobs, World


class CircleSimulator:
    """Circle's wallets and Mint as one service that keeps its own books.

    Time is virtual: `advance` and `finish` let states move. Everything here may be called while the
    application serves requests in another thread.

    Args:
        keys: the credentials it accepts.
        start: its first instant; now, when left out.
        speed: virtual seconds per real second, for a service that runs by itself.
        seed: makes the ids; two simulators of one seed make the same.

    Examples:
        >>> circle = CircleSimulator()
        >>> circle.knobs.approves_recipients = True
        >>> circle.fail_next("FAILED_ON_CHAIN")
        >>> circle.violations()
        []
    """

    def __init__(
        self, keys: Keys | None = None, *, start: datetime | None = None, speed: float = 0, seed: int = 1
    ) -> None:
        self.world: World = World(keys or Keys(), VirtualClock(start, speed=speed), seed)
        self.world.arrivals.append(receiver(self.world))

    @property
    def keys(self) -> Keys:
        """The credentials it accepts."""
        return self.world.keys

    @property
    def knobs(self) -> Knobs:
        """What may be bent; see `Knobs`."""
        return self.world.knobs

    @property
    def certificate_pem(self) -> bytes:
        """The certificate that its SNS messages are signed under."""
        return sns_certificate_pem()

    def app(self, products: Iterable[str] = PRODUCTS) -> Starlette:
        """The ASGI application of both hosts, or of one."""
        entity_key()  # made before anybody waits for it: that may take longer than a client's patience
        return circle_app(self.world, products)

    def now(self) -> datetime:
        """Its instant, UTC."""
        with self.world.lock:
            return self.world.now()

    def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        with self.world.lock:
            self.world.clock.advance(seconds)

    def finish(self) -> None:
        """Let virtual time pass until nothing moves by itself any more."""
        with self.world.lock:
            self.world.clock.run_out()

    def fund(self, blockchain: str, address: str, *, usdc: int = 0, native: int = 0) -> None:
        """Give an address money from outside: millionths of a USDC, 10^-18 of the native coin."""
        with self.world.lock:
            account = place(blockchain, address)
            self.world.book.move("USDC", OUTSIDE, account, usdc, "funding")
            self.world.book.move(native_unit(blockchain), OUTSIDE, account, native, "funding")

    def fund_mint(self, usdc: int) -> None:
        """Give the Mint account millionths of a USDC from outside."""
        with self.world.lock:
            self.world.book.move("USDC", OUTSIDE, MASTER, usdc, "funding")

    def holds(self, blockchain: str, address: str) -> int:
        """Millionths of a USDC at an address."""
        with self.world.lock:
            return self.world.book.balance(place(blockchain, address), "USDC")

    def fail_next(self, reason: str, *, after: str = "SENT") -> None:
        """The next transaction fails for this `errorReason`, once it was in the state `after`."""
        self._ordain("transaction", Fate("FAILED", reason, after))

    def deny_next(self) -> None:
        """The next transaction is denied by screening."""
        self._ordain("transaction", Fate("DENIED", after="INITIATED"))

    def stick_next(self) -> None:
        """The next transaction stays STUCK until it is accelerated or cancelled."""
        self._ordain("transaction", Fate("STUCK"))

    def reorganise_next(self) -> None:
        """The block of the next transaction is undone before it is final."""
        self._ordain("transaction", Fate("FAILED", "FAILED_REORG", "CONFIRMED"))

    def fail_next_at_mint(self, kind: str, reason: str) -> None:
        """The next `transfer`, `payout` or `deposit` of Mint fails for this `errorCode` or risk reason."""
        self._ordain(kind, Fate("failed", reason))

    def _ordain(self, kind: str, fate: Fate) -> None:
        with self.world.lock:
            self.world.knobs.ordain(kind, [fate])

    def freeze(self, wallet_id: str, *, is_frozen: bool = True) -> None:
        """Freeze a wallet, or let it live again."""
        with self.world.lock:
            self.world.wallets[wallet_id].state = "FROZEN" if is_frozen else "LIVE"

    def link_bank(self) -> str:
        """A person links the operator's bank account in the console; returns its id."""
        address = {"city": "Boston", "country": "US", "line1": "1 Main Street", "district": "MA"}
        details = {
            "billingDetails": {"name": "The operator", "postalCode": "01234", **address},
            "bankAddress": {"bankName": "THE BANK", **address},
        }
        with self.world.lock:
            return linked_bank(self.world, "THE BANK", "12340010", details).id

    def approve_recipient(self, id: str) -> None:
        """What an administrator does in the console."""
        with self.world.lock:
            self.world.recipients[id].status = "active"

    def wire_in(self, bank_id: str, usd: int) -> str:
        """A wire of millionths of a dollar arrives from a linked bank; returns the deposit's id."""
        with self.world.lock:
            return receive_wire(self.world, bank_id, usd).id

    def return_payout(self, id: str, reason: str = "R03", *, fee: int = 0) -> None:
        """The bank sends a complete payout back, keeping a fee of so many millionths."""
        with self.world.lock:
            send_back(self.world, self.world.payouts[id], reason, fee)

    def state_of(self, transaction_id: str) -> str:
        """The state of a transaction."""
        with self.world.lock:
            return transaction_of(self.world, transaction_id).state

    def outbound(self) -> int:
        """How many transactions were ordered so far."""
        with self.world.lock:
            return sum(not one.is_inbound for one in self.world.transactions.values())

    def subscribe(self, version: int, endpoint: str) -> Subscription:
        """Subscribe an endpoint without asking over HTTP; version 1 is confirmed at once."""
        with self.world.lock:
            subscription = self.world.postbox.subscribe(version, endpoint)
            subscription.arns = dict.fromkeys(subscription.arns, "confirmed")
            subscription.tokens.clear()
            return subscription

    def confirm(self, url: str) -> bool:
        """What a visit of a SubscribeURL does; whether it was known."""
        with self.world.lock:
            return self.world.postbox.confirm(url)

    def deliveries(self, reorder: Callable[[list[Delivery]], list[Delivery]] = list) -> list[Delivery]:
        """Take the webhooks that wait to be delivered."""
        with self.world.lock:
            return self.world.postbox.drain(reorder)

    def duplicate(self, copies: int) -> None:
        """Send each webhook so often from now on; 0 loses them."""
        with self.world.lock:
            self.world.postbox.copies = copies

    def violations(self) -> list[str]:
        """What is wrong with its own books; nothing, if all is well."""
        with self.world.lock:
            return self.world.book.violations()
