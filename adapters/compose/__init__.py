"""The one place that knows all adapters: builds the hub, the relay and a region's gateway, starts and stops them.

    data/hub/{ledger.sqlite,keys/}   data/relay/relay.sqlite   data/regions/<code>/{region.sqlite,keys/}

Each program is an async context whose parts stop in the reverse order of their start, so that whatever was taken is
finished by a part that still runs. One process writes a folder at a time: a lock on the folder says so. Not here: what
the parts do, how a program is called (`adapters.cli`).
"""

from adapters.compose.hub_program import HubProgram, create_ledger, opened_hub
from adapters.compose.parts import LEDGER_FILE, REGION_FILE, SystemClock, contracts_in_force
from adapters.compose.region_program import RegionProgram, region_identity
from adapters.compose.relay_program import RelayProgram
from adapters.compose.running import until_told

__all__ = [
    "LEDGER_FILE",
    "REGION_FILE",
    "HubProgram",
    "RegionProgram",
    "RelayProgram",
    "SystemClock",
    "contracts_in_force",
    "create_ledger",
    "opened_hub",
    "region_identity",
    "until_told",
]
