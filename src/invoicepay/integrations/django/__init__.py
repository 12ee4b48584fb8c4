"""Django: its database and its transaction for a client, and the command `manage.py invoicepay`.

Put `"invoicepay.integrations.django"` into `INSTALLED_APPS` for the command; nothing else needs that.
"""

from invoicepay.integrations.django.places import database_url
from invoicepay.integrations.django.transaction import atomic, sqlalchemy_connection

__all__ = ["atomic", "database_url", "sqlalchemy_connection"]
