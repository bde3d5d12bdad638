"""Poller: asks the kernel which file descriptors are ready.

Masks are the bits of epoll on every platform, so only this module translates. Polling is
level-triggered: a descriptor with unread data is reported again.
"""

from __future__ import annotations

import select
import selectors
from typing import Protocol

READ = 0x001
WRITE = 0x004
ERROR = 0x008  # always reported, never asked for
HANGUP = 0x010  # both directions are closed; always reported, never asked for

MAX_EVENTS = 1024
"""Most descriptors that one poll reports. The others stay ready for the next poll."""


class Poller(Protocol):
    """The kernel's side of an event loop. Loop thread only."""

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        """Wait up to ``timeout`` seconds; the ready descriptors as (fd, mask)."""
        ...

    def add(self, fd: int, events: int) -> None: ...

    def modify(self, fd: int, events: int) -> None: ...

    def remove(self, fd: int) -> None: ...

    def close(self) -> None: ...


class EpollPoller:
    """Linux: plain ``select.epoll``. Unlike ``selectors`` it makes no key object per event."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self.add = self._epoll.register
        self.modify = self._epoll.modify
        self.remove = self._epoll.unregister
        self.close = self._epoll.close

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        return self._epoll.poll(timeout, MAX_EVENTS)


class SelectorPoller:
    """Other systems: the best mechanism that ``selectors`` finds (kqueue, poll, select)."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        return [
            (
                key.fd,
                (READ if ready & selectors.EVENT_READ else 0)
                | (WRITE if ready & selectors.EVENT_WRITE else 0),
            )
            for key, ready in self._selector.select(timeout)
        ]

    def add(self, fd: int, events: int) -> None:
        self._selector.register(fd, _selector_events(events))

    def modify(self, fd: int, events: int) -> None:
        self._selector.modify(fd, _selector_events(events))

    def remove(self, fd: int) -> None:
        self._selector.unregister(fd)

    def close(self) -> None:
        self._selector.close()


def _selector_events(events: int) -> int:
    read = selectors.EVENT_READ if events & READ else 0
    write = selectors.EVENT_WRITE if events & WRITE else 0
    return read | write


def new_default_poller() -> Poller:
    """An EpollPoller where the system has epoll, else a SelectorPoller."""
    return EpollPoller() if hasattr(select, "epoll") else SelectorPoller()
