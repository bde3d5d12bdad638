"""Keys and commands, carried out on the model and the chat client."""
