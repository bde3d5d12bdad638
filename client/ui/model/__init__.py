"""The state of the terminal and the language of its input line, without a terminal. Pure."""
