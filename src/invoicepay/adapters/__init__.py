"""Implementations of the ports; strangers to each other."""
