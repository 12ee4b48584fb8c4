"""Transfers to our wallets that come from outside, found in the chain's logs page by page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from invoicepay.adapters.http.classify import REASONS
from invoicepay.adapters.tempo.addresses import TRANSFER, TRANSFER_WITH_MEMO, ZERO
from invoicepay.adapters.tempo.extra import keccak
from invoicepay.adapters.tempo.network import TempoToken
from invoicepay.adapters.tempo.rpc import TempoRpc
from invoicepay.adapters.tempo.wire import Log
from invoicepay.domain.money import Money
from invoicepay.errors import ProviderUnavailable

PAGE_BLOCKS: Final = 10_000
"""How many blocks a page covers at most; nodes take 100,000, which are about 14 hours."""
MOST_NAMED: Final = 200
"""Up to so many wallets are named in the question; of more, the node is asked for all and we choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One transfer of a token to a wallet, in a final block.

    Attributes:
        id: the same for ever: keep it as the unique key, never the memo, which anybody can repeat.
        sender, recipient: addresses.
        memo: 32 bytes as hexadecimal text; empty for a transfer without one.
    """

    id: str
    transaction_hash: str
    block_number: int
    sender: str
    recipient: str
    amount: Money
    memo: str

    @property
    def memo_text(self) -> str:
        """What the payer wrote, when the memo is text as `memo_for` makes it; else empty."""
        written = bytes.fromhex(self.memo).rstrip(b"\0")
        try:
            text = written.decode("utf-8")
        except UnicodeDecodeError:
            return ""
        return text if text.isprintable() else ""


@dataclass(frozen=True, slots=True)
class IncomingPage:
    """What a range of blocks holds.

    Attributes:
        cursor: pass it on the next call; keep it together with what was made of the transfers.
        is_caught_up: nothing more is final yet.
    """

    transfers: tuple[Incoming, ...]
    cursor: int
    is_caught_up: bool


def memo_for(text: str) -> str:
    """The memo that ties a payment to `text`, such as an invoice's id: itself, or its hash when it is long.

    Everybody can read it: it holds no personal data.

    Examples:
        >>> bytes.fromhex(memo_for("inv_7")).rstrip(bytes(1))
        b'inv_7'
    """
    written = text.encode("utf-8")
    return (written.ljust(32, b"\0") if len(written) <= 32 else keccak(written)).hex()


class IncomingScan:
    """Walks over the chain's final blocks once; the cursor is the next block that was not looked at.

    A page holds whole blocks, and only final ones, so nothing is told twice or left out whatever happens
    between pages. Mints are not told, for they come from the issuer, and neither is what moves between two
    of our wallets, for nobody but us can move that.
    """

    def __init__(self, rpc: TempoRpc, token: TempoToken, *, page_blocks: int = PAGE_BLOCKS) -> None:
        self._rpc, self._token, self._page_blocks = rpc, token, page_blocks

    async def page(self, wallets: Collection[str], cursor: int) -> IncomingPage:
        """The transfers to `wallets` from block `cursor` on, in the chain's order.

        Args:
            wallets: addresses of all wallets of the programme; one that is left out looks like a stranger's.

        Raises:
            ProviderUnavailable: ask again with the same cursor.
        """
        final = (await self._rpc.block("finalized")).number
        if cursor > final:
            return IncomingPage((), cursor, is_caught_up=True)
        logs, last = await self._logs(wallets, cursor, min(cursor + self._page_blocks - 1, final))
        return IncomingPage(
            tuple(self._transfers(logs, {wallet.lower() for wallet in wallets})),
            last + 1,
            is_caught_up=last == final,
        )

    async def _logs(self, wallets: Collection[str], first: int, last: int) -> tuple[tuple[Log, ...], int]:
        """The logs from `first` on, and the last block that they cover: fewer where the node asks for it."""
        topics: Sequence[str | list[str] | None] = [[TRANSFER, TRANSFER_WITH_MEMO], None, _named(wallets)]
        while True:
            try:
                return await self._rpc.logs(self._token.address, topics, first=first, last=last), last
            except ProviderUnavailable as error:
                if last == first or not _is_too_much(error):
                    raise
                last = first + (last - first) // 2

    def _transfers(self, logs: Sequence[Log], wallets: Collection[str]) -> Iterator[Incoming]:
        """One for each `Transfer`, with the memo of the `TransferWithMemo` right behind it, if any."""
        memos = {_place(log): log for log in logs if log.topics[0] == TRANSFER_WITH_MEMO}
        for log in logs:
            is_transfer = log.topics[0] == TRANSFER and not log.is_removed
            if is_transfer and log.party(2) in wallets and not _is_ours(log.party(1), wallets):
                told = memos.get((log.transaction_hash, log.index + 1))
                yield self._incoming(log, told.topics[3][2:] if told and _same(told, log) else "")

    def _incoming(self, log: Log, memo: str) -> Incoming:
        return Incoming(
            id=f"{log.transaction_hash}:{log.index}",
            transaction_hash=log.transaction_hash,
            block_number=log.block_number,
            sender=log.party(1),
            recipient=log.party(2),
            amount=Money.from_micros(log.amount, self._token.asset),
            memo=memo,
        )


def _is_ours(sender: str, wallets: Collection[str]) -> bool:
    """Whether only we can have sent it: a mint, or out of one of our wallets."""
    return sender == ZERO or sender in wallets


def _named(wallets: Collection[str]) -> list[str] | None:
    if len(wallets) > MOST_NAMED:
        return None
    return ["0x" + wallet.lower()[2:].rjust(64, "0") for wallet in wallets]


def _place(log: Log) -> tuple[str, int]:
    return log.transaction_hash, log.index


def _same(told: Log, moved: Log) -> bool:
    return (told.topics[1:3], told.amount) == (moved.topics[1:3], moved.amount)


def _is_too_much(error: ProviderUnavailable) -> bool:
    """Whether the node refused the range, or its answer was larger than we take; not that it is away."""
    return "node_said" in error.details or REASONS["TooLarge"] in error.message
