"""Audit trail, ledger and invariants: looking at what happened and checking that it is right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from invoicepay.client.base import Group, id_of, instant, optional_id, several
from invoicepay.domain.accounts import Booked
from invoicepay.domain.anchors import Anchor
from invoicepay.domain.audit import AuditRecord, Checkpoint
from invoicepay.domain.enterprise_book import EnterpriseBook
from invoicepay.domain.entity import Entity
from invoicepay.domain.events import Event
from invoicepay.domain.invariants import Violation
from invoicepay.domain.monitoring import Finding, Movement
from invoicepay.domain.operations import Operation
from invoicepay.domain.tables import Balances, Listing
from invoicepay.use_cases import books, queries
from invoicepay.use_cases.anchoring import anchored
from invoicepay.use_cases.looking import allow
from invoicepay.use_cases.monitoring import monitored
from invoicepay.use_cases.queries import Verification


class Audit(Group):
    """The tamper-evident trail of every command."""

    async def trail(self, entity_id: str | Entity) -> Listing[AuditRecord]:
        """Every audited command that changed one entity, in order; operators only."""
        return Listing(AuditRecord, await queries.trail(self._deps, id_of(entity_id)))

    async def operations(self, *, after_position: int = 0, limit: int = 200) -> Listing[Operation]:
        """The log of operations: what people of the operator decided, and every call that was denied.

        Each entry has the actor, the `reason`, and where there was one the second person (`approved_by`) or
        the code of the refusal (`denied`). What a person said lies beside the audit trail, which vouches for
        it with a digest, and can be erased. Operators only (S-36).

        Args:
            after_position: the `position` of the last record that was read already.
            limit: 1 to 200.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.parties.register("ann")
            >>> _ = pay.wallets.freeze("ann", "USD", reason="court order 7/26")
            >>> [(entry.actor, entry.action, entry.reason) for entry in pay.audit.operations()]
            [('host', 'parties.freeze_wallet', 'court order 7/26')]
        """
        return Listing(Operation, await queries.operations(self._deps, after=after_position, limit=limit))

    async def verify(self, *, anchors: Sequence[str | Anchor] = ()) -> Verification:
        """Recompute the hash chains and checkpoints from the beginning (INV-22); true when unbroken.

        Operators only.

        Args:
            anchors: what `anchor` gave and was kept outside. The chains show edits, gaps, insertions and
                reorderings by themselves; that the newest records were cut off, or that everything was
                rewritten, only an anchor shows.

        Raises:
            ProviderUnavailable: the service of the checkpoint keys was not reached.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> bool(pay.audit.verify())
            True
        """
        return await queries.verify_audit(self._deps, several(anchors, "anchors"))

    async def seal(self) -> Checkpoint | None:
        """Seal the current stream heads into the checkpoint chain; None when nothing is new.

        Operators only. `anchor` does the same, and signs it for keeping outside.
        """
        await allow(self._deps, "audit.seal")
        return await self._deps.repository.seal(self._deps.tenant_id, self._deps.clock.now())

    async def anchor(self) -> Anchor | None:
        """Seal what is new and sign the newest checkpoint; None while there is no record at all.

        Keep the anchor's `text` where the owner of the database cannot change it: in an object store that
        locks what it holds, with a time-stamping service, in an auditor's mailbox. Operators only.

        Raises:
            ConfigurationError: the client has no `checkpoint_keys`.
            ProviderUnavailable: the key service was not reached; ask again.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> from invoicepay.adapters.checkpoint_keys import Ed25519Key
            >>> pay = InvoicePay(checkpoint_keys=(Ed25519Key(bytes(range(32))),))
            >>> _ = pay.parties.register("ann")
            >>> kept = [pay.audit.anchor().text]
            >>> bool(pay.audit.verify(anchors=kept))
            True
        """
        return await anchored(self._deps)

    async def history(self, entity_id: str | Entity) -> Listing[Event]:
        """Every step of one entity, in order; operators only."""
        return Listing(Event, await queries.history(self._deps, id_of(entity_id)))

    async def findings(self, on: date, *, others: Sequence[Movement] = ()) -> Listing[Finding]:
        """Judge a bank's day by the reporting rules: currency reports, travel data; operators only.

        Deposits, payouts and transfers to addresses outside are judged; nothing is posted or held.

        Args:
            on: the day in New York.
            others: movements that the library does not see, such as cash over a counter.

        Raises:
            InvalidTime, InvalidInput: no date, or no movements.
            NotAllowed: the actor is no operator.

        Examples:
            >>> from datetime import date
            >>> from invoicepay import InvoicePay
            >>> InvoicePay().audit.findings(date(2026, 1, 5))
            ()
        """
        return Listing(Finding, await monitored(self._deps, on, several(others, "others")))


class Ledger(Group):
    """The issuer book: accounts, balances, transactions."""

    async def balances(self, *, party: str | None = None, at: datetime | None = None) -> Balances:
        """Every account that holds something, of one party or of all, now or as of an instant.

        Raises:
            InvalidTime: `at` is naive.
            NotAllowed: a party asks for more than its own.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD"))
            >>> {account.name: str(held) for account, held in pay.ledger.balances().items()}
            {'reserve:backing': '200.00 USD', 'wallet:available:ann': '200.00 USD'}
        """
        return await queries.balances(self._deps, party_id=party, at=instant(at, "at"))

    async def transactions(
        self, *, about: str | Entity | None = None, after: str = "", limit: int = 200
    ) -> Listing[Booked]:
        """Ledger transactions in order, after a transaction's id; operators only.

        Args:
            about: only those of one payment, deposit, withdrawal and so on.
            limit: 1 to 200.
        """
        found = await queries.transactions(self._deps, memo=optional_id(about), after=after, limit=limit)
        return Listing(Booked, found)

    async def enterprise_book(self, enterprise: str, asset: str = "USD") -> EnterpriseBook:
        """An enterprise's own journal and balances, derived from its invoices, payments and credits.

        Raises:
            NotFound, NotAllowed, UnknownAsset: nothing is shown.
        """
        return await books.enterprise_book(self._deps, enterprise, asset)

    async def enterprise_csv(self, enterprise: str, asset: str = "USD") -> str:
        """That journal as CSV; text cells are safe to open in a spreadsheet.

        Raises:
            NotFound, NotAllowed, UnknownAsset: nothing is written.
        """
        return await books.export_csv(self._deps, enterprise, asset)


class Invariants(Group):
    """INV-01 … INV-25 over the stored data."""

    async def check(self) -> Listing[Violation]:
        """Run them all; each violation names its rule and row. Empty when the books are right.

        Operators only.
        """
        return Listing(Violation, await queries.violations(self._deps))
