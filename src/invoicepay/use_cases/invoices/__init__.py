"""Invoices from the first draft to payment, refund or void: each file one stretch of the way (spec 4.1)."""

from invoicepay.domain.issuing import InvoiceTerms
from invoicepay.use_cases.invoices.closing import (
    MarkUncollectible,
    VoidInvoice,
    mark_uncollectible,
    void_invoice,
)
from invoicepay.use_cases.invoices.credit_notes import (
    IssueCreditNote,
    RefundInvoice,
    issue_credit_note,
    refund_invoice,
)
from invoicepay.use_cases.invoices.draft import (
    DeleteDraft,
    UpdateDraft,
    create_draft,
    delete_draft,
    update_draft,
)
from invoicepay.use_cases.invoices.expiry import (
    ExpireInvoice,
    ReopenInvoice,
    expire_due,
    expire_invoice,
    reopen_invoice,
)
from invoicepay.use_cases.invoices.issue import (
    FinalizeInvoice,
    SendInvoice,
    finalize_draft,
    issue_invoice,
    send_invoice,
)
from invoicepay.use_cases.invoices.many import finalize_many, issue_many
from invoicepay.use_cases.invoices.overdue import tell_overdue
from invoicepay.use_cases.invoices.void_credit_note import VoidCreditNote, void_credit_note

__all__ = [
    "DeleteDraft",
    "ExpireInvoice",
    "FinalizeInvoice",
    "InvoiceTerms",
    "IssueCreditNote",
    "MarkUncollectible",
    "RefundInvoice",
    "ReopenInvoice",
    "SendInvoice",
    "UpdateDraft",
    "VoidCreditNote",
    "VoidInvoice",
    "create_draft",
    "delete_draft",
    "expire_due",
    "expire_invoice",
    "finalize_draft",
    "finalize_many",
    "issue_credit_note",
    "issue_invoice",
    "issue_many",
    "mark_uncollectible",
    "refund_invoice",
    "reopen_invoice",
    "send_invoice",
    "tell_overdue",
    "update_draft",
    "void_credit_note",
    "void_invoice",
]
