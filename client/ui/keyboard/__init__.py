"""The key bindings: which command each key calls, depending on the part of the screen."""
