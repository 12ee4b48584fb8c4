"""The same as the command `invoicepay`: `python -m invoicepay.cli worker --app shop.money:pay`."""

from invoicepay.cli import main

raise SystemExit(main())
