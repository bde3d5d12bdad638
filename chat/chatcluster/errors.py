"""The errors of chatcluster. Each message is one line for the user of the command."""

from __future__ import annotations


class ClusterError(Exception):
    """The command failed."""


class UsageError(ClusterError):
    """The arguments of the command are wrong: an unknown node, a number out of range."""
