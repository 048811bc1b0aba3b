"""Stores: SQLite for the ledger."""
