"""SIGINT and SIGTERM: the first one stops the server, the second one ends it at once.

A thread waits for them. A signal handler would run in the middle of other code of the main thread,
which may hold a lock that the handler needs.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

SIGNALS = frozenset((signal.SIGINT, signal.SIGTERM))


def block_signals() -> None:
    """Block them in this thread and in all that it starts. Main thread, before any other exists."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def watch_signals(stop: Callable[[], object]) -> None:
    """Call ``stop`` at the first signal, in a thread of its own; at the second one exit."""
    threading.Thread(target=_wait, args=(stop,), name="signals", daemon=True).start()


def _wait(stop: Callable[[], object]) -> None:
    number = signal.sigwait(SIGNALS)
    log.info("%s: stopping", signal.Signals(number).name)
    stop()
    number = signal.sigwait(SIGNALS)
    os._exit(128 + number)
