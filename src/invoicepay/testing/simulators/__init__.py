"""Providers' wires over real HTTP, for tests and demos; each simulator is a module or package in here."""
