"""What signs webhooks is told to its receiver's operator, and seen nowhere else (S-16)."""

from __future__ import annotations

from pathlib import Path

from invoicepay import Settings
from invoicepay.domain.webhook_secrets import endpoint_secret
from tests.adapters.http.wire import free_port
from tests.security.canaries import Trap, bytes_canary
from tests.security.drive import driving
from tests.support.receiver import receiver

MASTER, OLD_MASTER = bytes_canary("webhooks"), bytes_canary("old webhooks")


def test_the_secrets_behind_signatures_are_not_seen_again(tmp_path: Path) -> None:
    trap = Trap()
    trap.plant("master", MASTER)
    trap.plant("old master", OLD_MASTER)
    parts = {"webhook_secret": MASTER, "webhook_old_secrets": (OLD_MASTER,), "allow_local_webhooks": True}
    with receiver() as there, driving(trap, tmp_path, **parts) as drive:
        pay, endpoints = drive.pay, drive.pay.webhook_endpoints
        pay.parties.register("acme", kind="enterprise")
        pay.parties.register("ann")
        lines = [("Seat", "9.00 USD")]
        for url in (there.url, f"http://127.0.0.1:{free_port()}/nobody"):
            made = drive.attempt("create", lambda url=url: endpoints.create(url=url, events=["*"]))  # type: ignore[misc]
            for generation in (1, 2):
                for master in (MASTER, OLD_MASTER):
                    secret = endpoint_secret(master, "default", made.id, generation)
                    trap.plant(f"{made.id} {generation}", secret.removeprefix("whsec_"))
            for status in (204, 500, 302, 410):
                there.status = status
                drive.attempt(
                    "issue",
                    lambda: pay.invoices.issue(enterprise="acme", customer="ann", lines=lines),
                )
                drive.attempt("test", lambda made=made: endpoints.test(made))  # type: ignore[misc]
            drive.attempt("rotate", lambda made=made: endpoints.rotate_secret(made))  # type: ignore[misc]
            drive.attempt("enable", lambda made=made: endpoints.enable(made))  # type: ignore[misc]
        trap.see("endpoints", list(endpoints.list()))
        trap.see("deliveries", [each.to_dict() for each in pay.webhook_deliveries.list()])
        drive.attempt("wrong url", lambda: endpoints.create(url="http://10.0.0.7/", events=["*"]))
        assert len(there.received) > 5
        rotated = next(each for each in endpoints.list() if each.url == there.url)
        assert endpoints.secret(rotated) == endpoint_secret(MASTER, "default", rotated.id, 2)
        drive.end()

    assert trap.found() == []
    assert drive.failures > 1


def test_settings_hide_what_webhooks_are_signed_with() -> None:
    trap = Trap()
    trap.plant("master", MASTER)

    trap.see("settings", Settings(webhook_secret=MASTER, webhook_old_secrets=(MASTER,)))

    assert trap.found() == []
