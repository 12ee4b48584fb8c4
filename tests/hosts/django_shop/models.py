"""What the host keeps itself."""

from django.db import models


class Order(models.Model):  # type: ignore[misc] # Django comes without types
    """An order."""

    item = models.CharField(max_length=40)

    class Meta:
        app_label = "django_shop"
