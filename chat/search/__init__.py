"""Search in the log of messages: folded texts, filters that skip most of them, and the finder."""
