"""AdminError: the answer to a command that cannot be carried out."""

from __future__ import annotations


class AdminError(Exception):
    """A command failed, and changed nothing. The text says what to do next."""
