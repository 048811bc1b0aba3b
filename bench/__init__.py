"""Speed, as ratios within one run: this hub beside the one that a user would write instead."""
