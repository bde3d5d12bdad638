"""The model as lines, windows and bytes for the terminal."""
