"""The timer tutorial of Boost.Asio, as muduo has it: `-m examples.asio_timer [2-6 [SECONDS]]`.

2: wait once, 3: again and again with an argument, 4: the same as methods of an object, 5: two
loops that share a counter under a lock, 6: the same with less inside the lock. (Asio's first
timer blocks its thread; a loop has none of that kind.)
"""

import os
import sys
import threading
from functools import partial

from examples import _run
from muduopy import EventLoop, EventLoopThread


def timer2(loop: EventLoop, seconds: float) -> None:
    def greet() -> None:
        print("Hello, world!", flush=True)
        loop.quit()

    loop.run_after(seconds, greet)
    _run.run(loop)


def timer3(loop: EventLoop, seconds: float) -> None:
    counts = [0]

    def tick(counts: list[int]) -> None:
        if counts[0] >= 5:
            loop.quit()
            return
        print(counts[0], flush=True)
        counts[0] += 1
        loop.run_after(seconds, partial(tick, counts))

    loop.run_after(seconds, partial(tick, counts))
    _run.run(loop)
    print("Final count is", counts[0], flush=True)


class Printer:
    """Counts in one loop: everything happens in its thread, so there is no lock."""

    def __init__(self, loop: EventLoop, seconds: float) -> None:
        self.count = 0
        self._loop = loop
        self._timer = loop.run_every(seconds, self._print)

    def _print(self) -> None:
        if self.count >= 5:
            self._loop.cancel(self._timer)
            self._loop.quit()
            return
        print(self.count, flush=True)
        self.count += 1


def timer4(loop: EventLoop, seconds: float) -> None:
    printer = Printer(loop, seconds)
    _run.run(loop)
    print("Final count is", printer.count, flush=True)


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
    """The same with a lock that is held for the counting only: a slow terminal stops no loop."""

    def tick(self, number: int) -> None:
        with self._lock:
            count, more = self.count, self.count < 10
            if more:
                self.count += 1
        if more:
            say(f"Timer {number + 1}: {count}")
        self._go_on(number, more)


def say(line: str) -> None:
    """One system call: print() writes the end of the line by another, and threads would mix."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def two_loops(kind: type[LockedPrinter], loop: EventLoop, seconds: float) -> None:
    thread = EventLoopThread("second")
    printer = kind([loop, thread.start_loop()], seconds)
    _run.run(loop)
    thread.stop()
    print("Final count is", printer.count, flush=True)


TIMERS = {
    "2": timer2,
    "3": timer3,
    "4": timer4,
    "5": partial(two_loops, LockedPrinter),
    "6": partial(two_loops, QuickPrinter),
}


def main() -> None:
    timer = TIMERS.get(_run.text(1, "2"))
    if timer is None:
        sys.exit(__doc__)
    with EventLoop() as loop:
        timer(loop, float(_run.text(2, "1")))


if __name__ == "__main__":
    main()
