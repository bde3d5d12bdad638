"""The version, for whoever may not import the whole package to learn it."""

__version__ = "0.1.0"
