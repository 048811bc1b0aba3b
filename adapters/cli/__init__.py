"""The command `pprd`: one file a group of verbs, each parsing, calling one use case and printing what came of it."""
