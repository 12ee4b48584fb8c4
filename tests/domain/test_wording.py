"""Every posting rule and every account can be told in words."""

import re
from pathlib import Path

from invoicepay.domain import postings
from invoicepay.domain.accounts import PER_PARTY, Code, account
from invoicepay.domain.wording import ACCOUNTS, RULES, account_words


def test_every_posting_rule_has_words() -> None:
    posted = set(re.findall(r"P-\d\d", Path(postings.__file__).read_text("utf-8")))

    assert RULES.keys() == posted
    assert len(set(RULES.values())) == len(RULES)


def test_every_account_has_words_of_its_own() -> None:
    assert ACCOUNTS.keys() == set(Code)
    assert len(set(ACCOUNTS.values())) == len(ACCOUNTS)


def test_the_words_of_an_account_name_the_party_where_there_is_one() -> None:
    naming = {code for code in Code if "zoe" in account_words(account(code, "USD", "zoe"))}

    assert naming == PER_PARTY


def test_an_id_that_looks_like_a_placeholder_is_a_name() -> None:
    assert account_words(account(Code.AVAILABLE, "USD", "{party}")) == "spendable tokens of {party}"
