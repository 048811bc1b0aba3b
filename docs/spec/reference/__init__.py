"""A second reader of the ledger, written from the pages of `docs/spec` alone, to be read by who writes a third.

    python -m docs.spec.reference OUT [--vkey KEY] [--contracts FOLDER]

It uses the standard library, the library `cryptography`, and the *data* of the folder `contracts` (schemas, procedures
and divisions, which are part of the specification); none of the code that it checks. It is written to be understood,
not to be fast: it holds a whole ledger in memory.

Read the files in this order: `tree`, `note`, `avro`, `records`, `log_keys`, `export`, `directory`, `matter`, `routing`,
`audit`; then, for who sends and receives, `sealing` and `broker`.
"""
