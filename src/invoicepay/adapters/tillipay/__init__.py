"""TilliPay as a rails provider: a profile that is data, and an adapter that reads it."""
