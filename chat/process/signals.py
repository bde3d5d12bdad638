"""Signals of the server.

    SIGINT, SIGTERM   the first one stops the server, the second one ends it at once
    SIGHUP            the server reads its settings again. But if its terminal has closed, it stops

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

ENDS = frozenset((signal.SIGINT, signal.SIGTERM))
SIGNALS = ENDS | {signal.SIGHUP}


def block_signals() -> None:
    """Block them in this thread and in all that it starts. Main thread, before any other exists."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def watch_signals(stop: Callable[[], object], reload: Callable[[], object]) -> None:
    """Wait for signals in a thread of its own. Main thread.

    The first signal that ends calls ``stop``, the second one exits. SIGHUP calls ``reload``.
    """
    # nohup ignores SIGHUP: such a server runs on when its terminal closes.
    in_terminal = signal.getsignal(signal.SIGHUP) != signal.SIG_IGN and _has_terminal()
    arguments = (stop, reload, in_terminal)
    threading.Thread(target=_wait, args=arguments, name="signals", daemon=True).start()


def _wait(stop: Callable[[], object], reload: Callable[[], object], in_terminal: bool) -> None:
    stopping = False
    while True:
        number = signal.sigwait(SIGNALS)
        ends = number in ENDS or (in_terminal and not _has_terminal())
        if not ends:
            log.info("SIGHUP: reading the settings again")
            reload()
        elif not stopping:
            log.info("%s: stopping", signal.Signals(number).name)
            stopping = True
            stop()
        elif number in ENDS:
            os._exit(128 + number)


def _has_terminal() -> bool:
    """Has the process a controlling terminal? It loses the terminal when that closes."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
