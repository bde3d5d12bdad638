"""New names that look like existing ones: their hashes, and how a database compares them."""
