"""The terminal: text and model (pure), view, commands, and the application that joins them.

Imports point down:

    app ─▶ keyboard ─▶ commands ─▶ view ─▶ model ─▶ text

``client.main`` imports ``client.ui.app`` only when it starts the terminal.
"""
