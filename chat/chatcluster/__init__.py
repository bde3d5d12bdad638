"""bin/chatcluster: a whole cluster on one machine, of real processes, for trying and for tests."""
