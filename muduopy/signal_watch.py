"""SignalWatch: Unix signals as events of one loop.

The kernel may deliver a signal to any thread. Python runs handlers in the main thread only, between
two instructions. A loop asleep in the main thread would not notice a signal that another thread
caught. So the interpreter's C handler writes the signal's number into a socket
(``signal.set_wakeup_fd``). The loop reads the number and calls the callback as for other events:
it interrupts no other callback, and may do anything.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any, Protocol

from muduopy.channel import Channel, ChannelLoop
from muduopy.errors import WrongThreadError
from muduopy.loop_thread import LoopThread

NUMBERS_AT_ONCE = 4096
"""Most signals that one read takes."""


class SignalLoop(ChannelLoop, LoopThread, Protocol):
    """The loop of a SignalWatch. EventLoop is one."""


class SignalWatch:
    """Sets the process's signal handlers and wake-up descriptor, and restores them at its close.

    It owns both ends of the socket, not the loop. Constructor and methods: the main thread, which
    must be the loop's. The constructor raises WrongThreadError in another thread.
    """

    def __init__(self, loop: SignalLoop) -> None:
        loop.assert_in_loop_thread()
        if threading.current_thread() is not threading.main_thread():
            raise WrongThreadError("only a loop of the main thread can handle signals")
        self._loop = loop
        self._callbacks: dict[int, Callable[[], object]] = {}
        self._previous: dict[int, Any] = {}  # the handlers before ours
        self._read_end, self._write_end = socket.socketpair()
        self._read_end.setblocking(False)
        self._write_end.setblocking(False)
        self._channel = Channel(loop, self._read_end.fileno())
        self._channel.read_callback = self._read
        self._channel.enable_reading()
        self._previous_fd = signal.set_wakeup_fd(
            self._write_end.fileno(), warn_on_full_buffer=False
        )

    def __len__(self) -> int:
        return len(self._callbacks)

    def add(self, signum: int, callback: Callable[[], object]) -> None:
        """Replace the handler of a signal. Raises ValueError, OSError (SIGKILL, SIGSTOP)."""
        if signum not in self._previous:
            self._previous[signum] = signal.signal(signum, _leave_it_to_the_loop)
            signal.siginterrupt(signum, False)  # the kernel restarts system calls of other threads
        self._callbacks[signum] = callback

    def remove(self, signum: int) -> bool:
        """Restore the handler from before ``add``. False if there was no ``add``."""
        if self._callbacks.pop(signum, None) is None:
            return False
        self._restore(signum)
        return True

    def close(self) -> None:
        """Restore all handlers and the wake-up descriptor."""
        self._callbacks.clear()
        self._channel.disable_all()
        self._release()

    def disown(self) -> None:
        """In a forked child: restore all handlers, without a change to the parent's loop."""
        self._callbacks.clear()
        self._previous_fd = -1
        self._release()

    def _release(self) -> None:
        for signum in list(self._previous):
            self._restore(signum)
        current = signal.set_wakeup_fd(-1)
        if current == self._write_end.fileno():
            current = self._previous_fd
        with contextlib.suppress(OSError, ValueError):  # the previous one has been closed meanwhile
            signal.set_wakeup_fd(current)
        self._read_end.close()
        self._write_end.close()

    def _restore(self, signum: int) -> None:
        previous = self._previous.pop(signum)
        if signal.getsignal(signum) is _leave_it_to_the_loop:  # else the program has replaced it
            # None is a handler of C code, which cannot be restored.
            signal.signal(signum, signal.SIG_DFL if previous is None else previous)

    def _read(self) -> None:
        try:
            numbers = self._read_end.recv(NUMBERS_AT_ONCE)
        except BlockingIOError:
            return
        for signum in numbers:
            callback = self._callbacks.get(signum)
            if callback is None:  # signals with other handlers wake the loop as well
                continue
            try:
                callback()
            except BaseException as exc:  # noqa: BLE001 - contained
                self._loop.contain(exc, "handler of signal %d raised", signum)


def _leave_it_to_the_loop(signum: int, frame: object) -> None:
    """A handler without effect: without any, the kernel would take the signal's default action."""
