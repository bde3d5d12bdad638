"""What muduopy raises.

    MuduoError
    ├── WrongThreadError    a loop-only method was called from another thread
    ├── LoopError           an event loop was used against its life cycle
    └── StateError          an illegal state transition; nothing was changed

Operating system errors (bind, listen, connect) stay ``OSError``: their type and number say
more than a wrapper could.
"""

from __future__ import annotations


class MuduoError(Exception):
    """Root of muduopy's own exceptions."""


class WrongThreadError(MuduoError):
    """A loop-only method was called from a thread that does not own the loop."""


class LoopError(MuduoError):
    """A second loop in one thread, a loop run twice at once, or one used after close()."""


class StateError(MuduoError):
    """An object was asked for a transition that its state does not allow."""
