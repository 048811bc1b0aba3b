"""The demonstration: eleven regions on one machine, played from published statistics with identities nobody can hold.

`plan` draws what happens, the stories say how each kind of matter goes, `player` is the staff of one region, `worker`
its process, `conductor` starts and ends everything, `tally` reads what happened back from the ledger.
"""
