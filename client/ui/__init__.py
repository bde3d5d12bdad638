"""The terminal: text and model (pure), view, commands, and the application that joins them.

Nothing here is imported unless a terminal is wanted; ``client.ui.app`` puts it together.
"""
