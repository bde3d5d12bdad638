"""The timer tutorial of Boost.Asio, as in muduo: `-m examples.asio_timer [2-6 [SECONDS]]`.

2: wait once. 3: repeat, with an argument. 4: repeat, with the methods of an object. 5 and 6: two
loops that count together, in `_two_loops`. There is no 1, because Asio's first timer blocks its
thread, and a loop has no such timer.
"""

import sys
from functools import partial

from examples import _run
from examples._two_loops import LockedPrinter, QuickPrinter, two_loops
from muduopy import EventLoop


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
    """Counts in one loop. All of it runs in the loop's thread, so there is no lock."""

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


TIMERS = {
    "2": timer2,
    "3": timer3,
    "4": timer4,
    "5": partial(two_loops, LockedPrinter),
    "6": partial(two_loops, QuickPrinter),
}


def main() -> None:
    timer = TIMERS.get(_run.text(1, "2")) or sys.exit(__doc__)
    with EventLoop() as loop:
        timer(loop, float(_run.text(2, "1")))


if __name__ == "__main__":
    main()
