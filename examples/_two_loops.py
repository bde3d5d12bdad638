"""Two loops in two threads that share a counter. For asio_timer."""

import os
import sys
import threading
from functools import partial

from examples import _run
from muduopy import EventLoop, EventLoopThread


class LockedPrinter:
    """Two loops count together, up to ten; the lock is held while a line is printed."""

    def __init__(self, loops: list[EventLoop], seconds: float) -> None:
        self.count = 0
        self._lock = threading.Lock()  # guards count
        self._loops = loops
        self._seconds = seconds
        for number in range(len(loops)):
            self._again(number)

    def _again(self, number: int) -> None:
        self._loops[number].run_after(self._seconds, partial(self.tick, number))

    def tick(self, number: int) -> None:
        with self._lock:
            more = self.count < 10
            if more:
                say(f"Timer {number + 1}: {self.count}")
                self.count += 1
        self._go_on(number, more)

    def _go_on(self, number: int, more: bool) -> None:
        if more:
            self._again(number)
        else:
            self._loops[number].quit()


class QuickPrinter(LockedPrinter):
    """The same, but the lock is held while counting only, so a slow terminal stops no loop."""

    def tick(self, number: int) -> None:
        with self._lock:
            count, more = self.count, self.count < 10
            if more:
                self.count += 1
        if more:
            say(f"Timer {number + 1}: {count}")
        self._go_on(number, more)


def say(line: str) -> None:
    """Print by one system call. print() makes two, and the lines of two threads could mix."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def two_loops(kind: type[LockedPrinter], loop: EventLoop, seconds: float) -> None:
    thread = EventLoopThread("second")
    printer = kind([loop, thread.start_loop()], seconds)
    _run.run(loop)
    thread.stop()
    print("Final count is", printer.count, flush=True)
