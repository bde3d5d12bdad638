"""The errors of chatctl, and its exit statuses.

CtlError
├── UsageError       2: the arguments are wrong
├── NoServerError    3: no server answers
└── RefusedError     1: the server could not carry out the command
"""

from __future__ import annotations

DONE, FAILED, WRONG_ARGUMENTS, NO_SERVER = 0, 1, 2, 3


class CtlError(Exception):
    """Root of the errors. The text says what to do next."""

    status = FAILED


class UsageError(CtlError):
    """The arguments are wrong."""

    status = WRONG_ARGUMENTS


class NoServerError(CtlError):
    """No server answers."""

    status = NO_SERVER


class RefusedError(CtlError):
    """The server has refused the command, or could not carry it out."""
