"""A region's side of the exchange: its gateway, what it keeps, what waits for its offices.

The gateway checks a draft against the same contracts as the hub, seals, signs, submits and checks every receipt. How
it reaches the hub is a role (`adapters.region.exchange`), filled in by `adapters.compose`.
"""
