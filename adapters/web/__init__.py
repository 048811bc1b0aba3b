"""HTTP: the ledger as files, the witness, and whoever asks them; why aiohttp: docs/adr/0031. Gives nobody a right."""
