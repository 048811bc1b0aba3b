"""The page of an evidence pack: one HTML file with its own verifier, that asks no network (docs/adr/0055)."""
