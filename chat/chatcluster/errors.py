"""What can go wrong with a cluster; each is one clear line for who typed the command."""

from __future__ import annotations


class ClusterError(Exception):
    """The command could not be carried out."""


class UsageError(ClusterError):
    """The command itself makes no sense: an unknown node, a number out of range."""
