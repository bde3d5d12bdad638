"""Channel: the wanted events of one file descriptor, and the callbacks for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from muduopy.checks import check_callback
from muduopy.poller import ERROR, HANGUP, READ, WRITE


def _ignore() -> None:
    pass


class ChannelLoop(Protocol):
    """The loop of a channel. EventLoop is one."""

    def update_channel(self, channel: Channel, events: int) -> None: ...


class Channel:
    """Dispatches a descriptor's events to callbacks.

    It does not own the descriptor. Loop thread only, construction excepted.

    A channel without interest is not registered with the poller. The kernel reports hang-ups even
    for an empty mask, again and again, and that would spin the loop.

    Attributes:
        events: the mask of wanted events; 0 means unregistered.
        read_callback, write_callback: for a descriptor that is readable or writable.
        close_callback: for a hang-up with nothing left to read. Without it the read or the write
            callback is called, and its system call finds the end.
        error_callback: for a pending socket error. Without it, the same happens as without
            ``close_callback``.
    """

    __slots__ = (
        "close_callback",
        "error_callback",
        "events",
        "fd",
        "loop",
        "read_callback",
        "write_callback",
    )

    def __init__(self, loop: ChannelLoop, fd: int) -> None:
        """``loop``: an EventLoop. ``fd``: the descriptor.

        Raises TypeError for a socket or a file: it takes their ``fileno()``.
        """
        if not isinstance(fd, int):
            raise TypeError(f"a descriptor is an int, not {type(fd).__name__}: use its fileno()")
        self.loop = loop
        self.fd = fd
        self.events = 0
        self.read_callback: Callable[[], object] = _ignore
        self.write_callback: Callable[[], object] = _ignore
        self.close_callback: Callable[[], object] = _ignore
        self.error_callback: Callable[[], object] = _ignore

    def __repr__(self) -> str:
        return f"<Channel fd={self.fd} events={self.events:#x}>"

    @property
    def is_reading(self) -> bool:
        return bool(self.events & READ)

    @property
    def is_writing(self) -> bool:
        return bool(self.events & WRITE)

    def enable_reading(self) -> None:
        """Raises TypeError if a callback is not a function, or is an ``async def`` function.

        So does ``enable_writing``. Both check the callbacks when there was no interest before.
        """
        self._update(self.events | READ)

    def disable_reading(self) -> None:
        self._update(self.events & ~READ)

    def enable_writing(self) -> None:
        self._update(self.events | WRITE)

    def disable_writing(self) -> None:
        self._update(self.events & ~WRITE)

    def disable_all(self) -> None:
        """Unregister from the poller. The descriptor may be closed after this."""
        self._update(0)

    def handle_event(self, mask: int) -> None:
        """Call the callbacks for the events that the kernel reported. For the loop."""
        if mask & HANGUP and not mask & READ:
            self._end_or_error(self.close_callback)
            return
        if mask & ERROR and not mask & READ:
            self._end_or_error(self.error_callback)
            return
        if mask & READ:
            self.read_callback()
        # Reading may have closed the descriptor or lost the interest in writing.
        if mask & WRITE and self.events & WRITE:
            self.write_callback()

    def _end_or_error(self, callback: Callable[[], object]) -> None:
        if callback is not _ignore:
            callback()
        # If no callback dealt with the end, epoll would report it at once again and spin the loop.
        elif self.events & READ:
            self.read_callback()
        else:
            self.write_callback()

    def _update(self, events: int) -> None:
        if events == self.events:
            return
        if not self.events:
            self._check_callbacks()
        self.loop.update_channel(self, events)

    def _check_callbacks(self) -> None:
        check_callback(self.read_callback, "a channel's read callback")
        check_callback(self.write_callback, "a channel's write callback")
        check_callback(self.close_callback, "a channel's close callback")
        check_callback(self.error_callback, "a channel's error callback")
