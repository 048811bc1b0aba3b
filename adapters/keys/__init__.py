"""Private keys on disk: generated here, readable by their owner only, never sent anywhere."""
