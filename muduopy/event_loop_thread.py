"""EventLoopThread: a thread that owns an event loop."""

from __future__ import annotations

import threading

from muduopy.callbacks import ThreadInitCallback
from muduopy.checks import check_callback
from muduopy.errors import LoopError
from muduopy.event_loop import EventLoop, escalate_to_main_thread


class EventLoopThread:
    """Starts a thread, makes a loop in it and runs the loop until ``stop``.

    Exceptions of callbacks do not end the loop. SystemExit and its like are raised by the ``loop``
    method of the main loop: the base loop, if there is one, else the loop of the main thread.

    All methods: the thread that created the object.
    """

    def __init__(
        self,
        name: str = "loop",
        init: ThreadInitCallback | None = None,
        turns: threading.Lock | None = None,
        base_loop: EventLoop | None = None,
    ) -> None:
        """``init(loop)`` runs in the thread before the loop; ``turns`` as in EventLoop.

        ``base_loop``: for pools, the main loop. A loop that has one cannot be quit by itself.
        """
        if init is not None:
            check_callback(init, "the init callback")
        self._init = init
        self._turns = turns
        self._in_pool = base_loop is not None
        self._escalate = escalate_to_main_thread if base_loop is None else base_loop.escalate
        self._loop: EventLoop | None = None
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start_loop(self) -> EventLoop:
        """Start the thread; returns its loop, which accepts functions and ``quit``.

        Raises the exception of the init callback or of the loop's constructor.
        """
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        assert self._loop is not None
        return self._loop

    @property
    def loop(self) -> EventLoop | None:
        """Its loop; None before ``start_loop``."""
        return self._loop

    def stop(self, timeout: float | None = None) -> bool:
        """Quit the loop and join the thread. Idempotent; it may be called before the start.

        Returns False if the thread still runs after ``timeout`` seconds: it is in a callback, and
        will end after that. Raises LoopError in the thread itself, which would wait for itself.
        """
        if threading.current_thread() is self._thread:
            raise LoopError("stop() in the thread itself: call loop.quit(), or stop() elsewhere")
        if self._loop is not None:
            self._loop._end()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            loop = EventLoop(self._turns, self._escalate)
        except BaseException as exc:  # noqa: BLE001 - handed to start_loop
            self._failure = exc
            self._ready.set()
            return
        loop._in_pool = self._in_pool
        with loop:
            try:
                if self._init is not None:
                    self._init(loop)
            except BaseException as exc:  # noqa: BLE001 - handed to start_loop
                self._failure = exc
                return
            finally:
                self._loop = loop
                self._ready.set()
            loop.loop()
