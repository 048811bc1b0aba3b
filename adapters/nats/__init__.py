"""The broker: runs of notifications out, receipts of regions back. Nothing here is the record (docs/adr/0004)."""
