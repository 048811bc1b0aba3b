"""The one place that knows all adapters: builds the hub, the relay and a region's gateway, starts and stops them.

    data/hub/{ledger.sqlite or ledger.postgres,keys/}   data/relay/relay.sqlite
    data/regions/<code>/{region.sqlite,keys/}

Each program is an async context whose parts stop in the reverse order of their start, so that whatever was taken is
finished by a part that still runs. One process writes a folder at a time: a lock on the folder says so. Not here: what
the parts do, how a program is called (`adapters.cli`).

Import a program from its own module: who needs one does not wait for the others to be loaded.
"""
