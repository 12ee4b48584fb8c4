"""The whole money loop on one SQLite file, told step by step."""
