"""What the ledger means for people: work lists, office indicators, statistics. Pure; everything here can be rebuilt."""
