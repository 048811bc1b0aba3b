"""Everything outside the core: transports, stores, keys, settings, logs and the program.

Thin: parse, call one use case, format. Adapters do not import each other; `adapters.compose` is the one place that
knows them all. Generated code stays in `_generated/`, untouched (`make proto`).
"""
