"""The regular jobs of a server on its database. Retention is the one that deletes old messages."""
