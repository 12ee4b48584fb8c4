"""Promises that adapters keep, and the plain values that cross them."""
