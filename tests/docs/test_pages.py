"""The pages say what the code says: pictures, tables, lists and paths."""

import re
from importlib.util import find_spec
from inspect import getmembers, isclass
from pathlib import Path

import pytest

from dev import HELP
from invoicepay import InvoicePay, errors
from invoicepay.adapters.sql.schema import schema_of
from invoicepay.domain import postings
from invoicepay.errors import InvoicePayError
from tools.gen_docs import BLOCK, BLOCKS, groups, lifecycles, outdated

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
RECORDS = sorted((DOCS / "adr").glob("0*.md"))
WISHED = [
    "generateInvoice",
    "sendInvoiceToCustomer",
    "trackInvoiceStatus",
    "handleRecurringInvoices",
    "payInvoice",
    "handlePartialPayment",
    "handleOverpayment",
    "applyCustomerCredit",
    "recordDeposit",
    "releaseReserve",
    "reconcileReserves",
    "auditReserveBalance",
    "mintTokens",
    "burnTokens",
    "validateReserveBacking",
    "createPaymentRequest",
    "approveRequest",
    "declineRequest",
    "generateQRCode",
    "initiateDeposit",
    "initiateWithdrawal",
    "getDepositStatus",
    "webhookHandler",
    "fiat_reserves",
    "token_mints",
    "token_burns",
    "invoice_payments",
    "customer_credits",
    "payment_requests",
    "invoices",
    "consumer_wallets",
]
SECTIONS = ["Situation", "Decision", "Cost", "Left aside", "Check"]
# A word in backticks that names a file or folder of the checkout.
PATH = re.compile(r"`((?:src|tests|tools|docs|examples)/[\w./-]+|[\w-]+\.(?:toml|py|md))`")


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_generated_parts_are_what_the_code_says_now() -> None:
    assert list(outdated()) == []


def test_every_generated_part_is_in_one_page() -> None:
    found = [match[2] for page in DOCS.rglob("*.md") for match in BLOCK.finditer(page.read_text("utf-8"))]

    assert sorted(found) == sorted(BLOCKS)


def test_every_state_machine_is_drawn() -> None:
    page = read("reference/states.md")

    assert [table.entity for table in lifecycles() if table.mermaid() not in page] == []


def test_every_error_is_listed_with_its_code() -> None:
    page = read("reference/errors.md")
    kinds = [kind for _, kind in getmembers(errors, isclass) if issubclass(kind, InvoicePayError)]

    assert [kind.__name__ for kind in kinds if f"| `{kind.code}` |" not in page] == []


def test_the_wish_list_is_on_the_page_of_names() -> None:
    verbs = re.findall(r"^\| `(\w+)` \|", read("reference/names.md"), re.MULTILINE)

    assert [verb for verb in WISHED if verb not in verbs] == []


def test_every_table_is_on_the_page_of_names() -> None:
    _, _, tables = read("reference/names.md").partition("## Tables")

    assert [name for name in sorted(schema_of().metadata.tables) if f"`{name}`" not in tables] == []


def test_every_posting_is_explained() -> None:
    posted = set(re.findall(r"P-\d\d", Path(postings.__file__).read_text("utf-8")))
    explained = set(re.findall(r"^\| (P-\d\d) ", read("explanation/money-and-ledger.md"), re.MULTILINE))

    assert explained == posted


def test_every_call_that_a_page_names_exists() -> None:
    pages = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
    named = {call for page in pages for call in re.findall(r"\bpay\.(\w+)\.(\w+)\(", page.read_text("utf-8"))}
    assert [call for call in sorted(named) if not hasattr(groups().get(call[0]), call[1])] == []


def test_every_example_is_on_the_page_of_pieces() -> None:
    page = read("tutorial/pieces.md")
    programs = [f"`examples/{path.name}`" for path in sorted((ROOT / "examples").glob("*.py"))]
    pieces = [
        f"generated: snippet_{path.stem} " for path in sorted((ROOT / "examples/snippets").glob("*.py"))
    ]

    assert [name for name in (*programs, *pieces) if name not in page] == []


def test_every_group_of_calls_has_a_place_on_the_page_of_calls() -> None:
    page = read("reference/client.md")

    assert [name for name in groups() if f"## `pay.{name}`" not in page] == []
    others = [name for name in vars(InvoicePay) if not name.startswith("_") and name not in groups()]
    assert [name for name in others if f'"{name}"' not in page] == []


def test_every_command_of_a_checkout_that_a_page_names_exists() -> None:
    text = "".join(page.read_text("utf-8") for page in [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))])
    scripts = {f"python3 dev.py {name}" for name in re.findall(r"python3 dev\.py ([a-z]\w*)", text)}
    modules = set(re.findall(r"python -m ((?:tests|tools|bench|invoicepay)\b[\w.]*)", text))

    assert [name for name in sorted(scripts) if not re.search(rf"{name}\b", HELP)] == []
    assert [name for name in sorted(modules) if find_spec(name) is None] == []


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem[:4])
def test_a_decision_says_what_was_chosen_why_and_at_what_cost(record: Path) -> None:
    text = record.read_text(encoding="utf-8")

    assert re.match(rf"# {record.stem[:4]} \w", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert f"]({record.name})" in read("adr/README.md")


@pytest.mark.parametrize(
    "page", sorted(DOCS.rglob("*.md")), ids=lambda path: path.relative_to(DOCS).as_posix()
)
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = PATH.findall(page.read_text(encoding="utf-8"))
    known = {path.name for path in (ROOT / "src").rglob("*.py")} | {path.name for path in ROOT.glob("*.*")}
    known |= {"manage.py", "env.py"}  # of every project with Django, and with Alembic

    assert [name for name in named if name not in known and not (ROOT / name).exists()] == []
