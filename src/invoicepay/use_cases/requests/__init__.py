"""Payment requests and transfers between parties: asking, answering, moving, codes (spec 4.6)."""

from invoicepay.use_cases.requests.answering import (
    ApproveRequest,
    RevokeApproval,
    approve_request,
    revoke_approval,
)
from invoicepay.use_cases.requests.asking import (
    CreateRequest,
    Split,
    SplitRequest,
    create_request,
    split_request,
)
from invoicepay.use_cases.requests.codes import (
    Scanned,
    approve_scanned,
    invoice_code,
    payee_code,
    request_code,
    scan,
    send_scanned,
)
from invoicepay.use_cases.requests.ending import (
    CancelRequest,
    DeclineRequest,
    ExpireRequest,
    cancel_request,
    decline_request,
    expire_due,
    expire_request,
)
from invoicepay.use_cases.requests.moving import (
    ReceiveFromOutside,
    SendOutside,
    SendTransfer,
    receive_from_outside,
    send_outside,
    send_transfer,
)
from invoicepay.use_cases.requests.outcomes import execute_due, fold_needs, fold_transfer

__all__ = [
    "ApproveRequest",
    "CancelRequest",
    "CreateRequest",
    "DeclineRequest",
    "ExpireRequest",
    "ReceiveFromOutside",
    "RevokeApproval",
    "Scanned",
    "SendOutside",
    "SendTransfer",
    "Split",
    "SplitRequest",
    "approve_request",
    "approve_scanned",
    "cancel_request",
    "create_request",
    "decline_request",
    "execute_due",
    "expire_due",
    "expire_request",
    "fold_needs",
    "fold_transfer",
    "invoice_code",
    "payee_code",
    "receive_from_outside",
    "request_code",
    "revoke_approval",
    "scan",
    "send_outside",
    "send_scanned",
    "send_transfer",
    "split_request",
]
