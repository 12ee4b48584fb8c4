"""What Django asks of an installed application."""

from django.apps import AppConfig


class InvoicePayConfig(AppConfig):  # type: ignore[misc] # Django comes without types
    """No models and no migrations: the tables are the library's, and it makes them itself."""

    name = "invoicepay.integrations.django"
    label = "invoicepay"
    verbose_name = "Invoices and payments"
