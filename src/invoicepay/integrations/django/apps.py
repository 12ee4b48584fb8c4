"""What Django asks of an installed application."""

from django.apps import AppConfig


class _Config(AppConfig):  # type: ignore[misc] # Django comes without types, so this is no public name
    """No models and no migrations: the tables are the library's, and it makes them itself."""

    name = "invoicepay.integrations.django"
    label = "invoicepay"
    verbose_name = "Invoices and payments"
