"""The chat protocol on the client's side: one connection, its requests and its events."""
