"""The exceptions of muduopy.

    MuduoError
    ├── WrongThreadError    a loop-only method was called from another thread
    ├── LoopError           an event loop was used against its life cycle
    └── StateError          an illegal state transition; the object is unchanged

Errors of the operating system (bind, listen, connect) stay ``OSError``: its subclasses and numbers
are known to everyone.
"""

from __future__ import annotations


class MuduoError(Exception):
    """Root of muduopy's own exceptions."""


class WrongThreadError(MuduoError):
    """A loop-only method was called from a thread that does not own the loop."""


class LoopError(MuduoError):
    """A second loop in one thread, a loop that runs already, or a loop used after close()."""


class StateError(MuduoError):
    """A method was called in a state that does not allow it. The object is unchanged."""
