"""The terminal: a view-model that is pure, its rendering, and the prompt_toolkit application.

Nothing here is imported unless a terminal is wanted; ``client.ui.app`` puts it together.
"""
