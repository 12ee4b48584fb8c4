"""Blocks, receipts and logs as a Tempo node spells them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _quantity(told: object) -> object:
    """A number told in hexadecimal text."""
    return int(told, 16) if isinstance(told, str) and told.startswith("0x") else told


def _octets(told: object) -> object:
    """Bytes told in hexadecimal text."""
    return bytes.fromhex(told[2:]) if isinstance(told, str) and told.startswith("0x") else told


def _lower(told: object) -> object:
    """Hexadecimal text in the one spelling that we compare."""
    return told.lower() if isinstance(told, str) else told


Quantity = Annotated[int, BeforeValidator(_quantity), Field(ge=0, strict=True)]
Octets = Annotated[bytes, BeforeValidator(_octets), Field(strict=True)]
Hex = Annotated[str, BeforeValidator(_lower), Field(pattern=r"^0x[0-9a-f]*$")]


class _Wire(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Block(_Wire):
    """The head of a block.

    Attributes:
        timestamp: seconds since 1970, on the chain's own clock.
        base_fee: price of a unit of gas, in 10^-18 of the fee token's unit.
    """

    number: Quantity
    hash: Hex
    timestamp: Quantity
    base_fee: Quantity = Field(default=0, alias="baseFeePerGas")


class Log(_Wire):
    """One event of a transaction that is in a block."""

    address: Hex
    topics: tuple[Hex, ...]
    data: Octets
    block_number: Quantity = Field(alias="blockNumber")
    transaction_hash: Hex = Field(alias="transactionHash")
    index: Quantity = Field(alias="logIndex")
    is_removed: bool = Field(default=False, alias="removed")

    def party(self, place: int) -> str:
        """The address in topic `place`."""
        return "0x" + self.topics[place][-40:]

    @property
    def amount(self) -> int:
        """The first word of the data."""
        return int.from_bytes(self.data[:32], "big")


class Receipt(_Wire):
    """What became of a transaction.

    Attributes:
        is_success: a failed one moved nothing, used its slot and paid its fee.
        gas_price: what a unit of gas cost; see `fee`.
    """

    transaction_hash: Hex = Field(alias="transactionHash")
    block_number: Quantity = Field(alias="blockNumber")
    block_hash: Hex = Field(alias="blockHash")
    status: Quantity
    gas_used: Quantity = Field(alias="gasUsed")
    gas_price: Quantity = Field(default=0, alias="effectiveGasPrice")
    logs: tuple[Log, ...]

    @property
    def is_success(self) -> bool:
        """Whether every call of it took effect."""
        return self.status == 1


class RpcRefusal(_Wire):
    """The error object of JSON-RPC; its data is free, and for a revert it is the revert's own bytes."""

    code: int
    message: str
    data: Any = None
