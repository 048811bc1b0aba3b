"""Evidence over bytes: tree, tiles, notes, checkpoints, batches, entries, proofs, receipts, heads and policies.

Everything here is pure: it takes bytes and values, returns bytes and values, and raises errors of `contracts.errors`
when a proof or a form does not hold. The formats are those of C2SP and RFC 6962, so that a ledger can be checked with
software that is not this. What the bytes mean for a matter stands in `hub`, where they are kept in `adapters`.
"""
