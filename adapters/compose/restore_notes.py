"""What stands in `RESTORE.md` of a backup."""

from typing import Final

RESTORE_NOTES: Final = """\
# How to use this backup

It holds the ledger of a hub as it stood at one commit (`backup.json` says which): entries, everything derived from
them, and sealed payloads as ciphertext. It is a file, also where the hub keeps its ledger in a database. It holds no
wrapped content key and no key file. Nobody can open a payload with it, and nobody can with it and the key files of the
hub.

## Look whether it is whole

    sha256sum hub/ledger.sqlite          # is `sha256` of backup.json
    pprd audit .                         # 0 unexplained; the keys are named as not checked

## To read and to prove

`pprd audit`, `pprd replay`, `pprd receipt`, `pprd ledger export` and `pprd ledger serve` work on this folder as on any.

## To go on with it as the hub

1. Never, if the hub has signed a checkpoint after this one that anybody has seen: a second history would be a fork,
   and witnesses, gateways and auditors keep it as evidence. Compare `size` in backup.json with what the witnesses
   cosigned last and with what the regions hold. If there is a later one, this ledger is closed: keep it to be audited
   and begin a new one (`pprd init`).
2. Otherwise put the folder in the hub's place, bring `hub/keys/` from where the key files are kept, and start the hub.
   It goes on in the file. Where its ledger was in a database, leave `hub/ledger.postgres` out (a folder with both is
   refused), and let nobody start a hub on the old schema again.
   Producers send again what was not answered; relay, projections and broker are rebuilt from the ledger.
3. Content whose keys were lost cannot be opened any more (`PAYLOAD_UNKNOWN`). The office that sealed it has it in its
   own register and sends it again where the matter still needs it.

## After an erasure, and when retention ends

The keys of what was destroyed are in no backup, so ciphertext in an older backup cannot be opened any more. It has to
go all the same: after an order to erase make a new backup and destroy those before it, and keep none longer than the
deployment's policy says (at most 30 days is advised). A restored backup that is older than an order does not know of
it: point 1 keeps it from being served.
"""
