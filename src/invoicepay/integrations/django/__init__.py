"""Django: its connection and its transaction for a client, and the command `manage.py invoicepay`.

Put `"invoicepay.integrations.django"` into `INSTALLED_APPS` for the command; `atomic` needs no app.
"""

from invoicepay.integrations.django.transaction import atomic, sqlalchemy_connection

__all__ = ["atomic", "sqlalchemy_connection"]
