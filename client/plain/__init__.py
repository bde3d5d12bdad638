"""The line mode: the original's menu and commands, and one message from a script."""
