"""`python -m docs.spec.reference OUT`: audit an exported ledger, say what was found, exit 0 or 1."""

import argparse
import sys
from pathlib import Path

from docs.spec.reference.audit import Contracts, audit
from docs.spec.reference.unproved import UnprovedError
from docs.spec.reference.witness import parse_policy


def main() -> int:
    """Run the audit that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m docs.spec.reference", description="Audit an exported ledger.")
    parser.add_argument("folder", type=Path, help="OUT, as `pprd ledger export` writes it")
    parser.add_argument("--vkey", help="the log's verifier key, from a source of your own")
    parser.add_argument("--policy", type=Path, help="a policy file of your own: whose cosignatures must be there")
    parser.add_argument("--contracts", type=Path, default=Path("contracts"), help="schemas, procedures and divisions")
    asked = parser.parse_args()
    try:
        policy = None if asked.policy is None else parse_policy(asked.policy.read_bytes())
        report = audit(asked.folder, Contracts.of(asked.contracts), asked.vkey, policy)
    except UnprovedError as error:
        print(f"this does not hold: {error}")
        return 1
    print(f"{report.origin}: {report.size} entries, root {report.root.hex()}")
    print(f"{sum(report.events.values())} events, {sum(report.refusals.values())} refused")
    print(f"{report.checkpoints} earlier checkpoints, {report.receipts} receipts, {report.openings} openings")
    for name, seconds in (report.cosigned or {}).items():
        print(f"cosigned by {name} at {seconds}")
    for point, (n, head) in sorted(report.heads.items()):
        print(f"{point}  {n}  {head.hex()}")
    print("everything holds")
    return 0


sys.exit(main())
