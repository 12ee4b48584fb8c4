"""A Django application whose migrations bring our tables along."""
