"""Settings come from a mapping that the host passes; misspelt ones are refused, secrets are not shown."""

import pytest

from invoicepay import Settings
from invoicepay.errors import ConfigurationError
from invoicepay.settings import settings_from


def test_only_our_entries_are_read() -> None:
    settings = settings_from({"INVOICEPAY_STORE": "sqlite:///pay.db", "STORE": "elsewhere", "HOME": "/"})

    assert settings == Settings(store="sqlite:///pay.db")


def test_a_misspelt_entry_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="INVOICEPAY_STOER"):
        settings_from({"INVOICEPAY_STOER": "sqlite:///pay.db"})


def test_another_way_of_dispatch_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="inline, deferred"):
        Settings(dispatch="sometimes")


def test_earlier_secrets_are_separated_by_spaces() -> None:
    new, old, older = "n" * 32, "o" * 32, "p" * 32

    settings = settings_from({"INVOICEPAY_QR_SECRET": new, "INVOICEPAY_QR_OLD_SECRETS": f"{old} {older}"})

    assert settings.qr_secret == new.encode()
    assert settings.qr_old_secrets == (old.encode(), older.encode())


def test_secrets_are_not_shown() -> None:
    settings = Settings(qr_secret=b"n" * 32, qr_old_secrets=(b"o" * 32,))

    assert "nnn" not in repr(settings)
    assert "ooo" not in repr(settings)
