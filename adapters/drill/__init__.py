"""The drill: a hub that lies in every way that we know of, real programs around it, and who notices.

Nothing here is a part of the exchange. The liar works only in folders that the drill itself has made, under an origin
that no other ledger has, and is started by `pprd drill` and by nothing else.
"""
