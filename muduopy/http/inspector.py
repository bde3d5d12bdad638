"""Inspector: shows a running process over HTTP: ``curl 127.0.0.1:9000/proc/threads``."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import TypeAlias, TypeVar

from muduopy.address import Address
from muduopy.errors import LoopError
from muduopy.event_loop import EventLoop
from muduopy.event_loop_thread_pool import EventLoopThreadPool
from muduopy.http.http_request import HttpRequest
from muduopy.http.http_response import HttpResponse
from muduopy.http.http_server import HttpServer
from muduopy.http.loop_inspector import LoopInspector
from muduopy.http.process_inspector import PROCESS_COMMANDS
from muduopy.http.system_inspector import SYSTEM_COMMANDS
from muduopy.tcp_server import DRAIN_SECONDS
from muduopy.thread_pool import ThreadPool

T = TypeVar("T")

InspectorCommand: TypeAlias = "Callable[[str, tuple[str, ...]], str]"
"""Makes a page of plain text from (method, the words of the path after the command)."""

ASK_SECONDS = 1.0
"""The time that a page waits for a loop. A loop that is busy for so long shows as such."""

MAX_WAITING = 16
"""Most requests that wait for the one thread that makes pages. Others are answered with 503."""

OVERVIEW = "overview"


class Inspector:
    """Pages of plain text about this process, its loops, and pages of the program.

        inspector = Inspector(loop, InetAddress.loopback(9000), "inspector")
        inspector.watch_pool(server.thread_pool)
        inspector.start()

    ``/`` lists all pages. ``/module/command`` is a page, and ``/module`` is the module's "overview"
    or the list of its commands. Every client can read everything, including stacks and the command
    line: bind it to a loopback address or a Unix socket, and use ssh to reach it from elsewhere.

    Pages are made in a thread of their own, one at a time, so they block no loop. It owns its
    server and that thread, not the objects that it shows. Constructor, ``start`` and
    ``watch_pool``: base loop's thread. All other methods: any thread.

    Attributes:
        address: the bound address, with the port that the kernel chose for port 0.
    """

    def __init__(self, loop: EventLoop, address: Address, name: str = "inspector") -> None:
        """Raises OSError when the address cannot be bound."""
        self._server = HttpServer(loop, address, name)
        self._server.set_http_callback(self._on_request)
        self.address = self._server.address
        self._name = name
        self._worker: ThreadPool | None = None
        self._loops = LoopInspector(ASK_SECONDS)
        self._commands_lock = threading.Lock()  # guards _commands
        self._commands: dict[str, dict[str, tuple[InspectorCommand, str]]] = {}
        self._add_all("proc", PROCESS_COMMANDS)
        self._add_all("sys", SYSTEM_COMMANDS)
        self.add("loops", OVERVIEW, self._loops.overview, "passes, queue, load of watched loops")

    def __repr__(self) -> str:
        return f"<Inspector {self._name} at {self.address}>"

    def start(self) -> None:
        """Start to answer. Idempotent. Raises OSError. Base loop's thread."""
        if self._worker is None:
            self._worker = ThreadPool(1, f"{self._name}-worker", MAX_WAITING)
        self._server.start()

    def stop(
        self, drain_seconds: float = DRAIN_SECONDS, stopped: Callable[[], object] | None = None
    ) -> None:
        """As ``HttpServer.stop``; then end the thread. Any thread."""

        def end() -> None:
            # Waits for the page that is being made, at most about ASK_SECONDS.
            if self._worker is not None:
                self._worker.stop(drain=False)
            if stopped is not None:
                stopped()

        self._server.stop(drain_seconds, end)

    # ------------------------------------------------------------------ pages

    def add(self, module: str, command: str, callback: InspectorCommand, help: str = "") -> None:
        """Add or replace the page ``/module/command``. Any thread.

        ``callback`` runs in the inspector's own thread; it uses ``ask`` for values that belong to
        a loop. If it raises, the exception is logged and the page is an error 500. Raises
        ValueError for names that are no words of a path.
        """
        for word in (module, command):
            if not word or "/" in word:
                raise ValueError(f"{word!r} is not a word of a path")
        with self._commands_lock:
            self._commands.setdefault(module, {})[command] = (callback, help)

    def remove(self, module: str, command: str) -> None:
        """Undo ``add``. Idempotent. Any thread; the callback may be running at this moment."""
        with self._commands_lock:
            commands = self._commands.get(module, {})
            commands.pop(command, None)
            if not commands:
                self._commands.pop(module, None)

    def ask(self, loop: EventLoop, function: Callable[[], T], seconds: float = ASK_SECONDS) -> T:
        """Run a function in a loop and wait for its result. For the callbacks of pages.

        Raises the function's exception, and TimeoutError if the loop did not run it in time; then
        it may run later. Any other thread: in the loop's own it raises LoopError, because the loop
        would wait for itself.
        """
        if loop.is_in_loop_thread:
            raise LoopError("ask() in the loop's own thread: call the function instead")
        return loop.submit(function).result(seconds)

    # ------------------------------------------------------------------ loops

    def watch(self, name: str, loop: EventLoop) -> None:
        """Show a loop on ``/loops``, until ``unwatch``. Any thread."""
        self._loops.watch(name, loop)

    def watch_pool(self, pool: EventLoopThreadPool) -> None:
        """Watch the loops of a pool that has started. Thread of the pool's base loop."""
        for number, loop in enumerate(pool.get_all_loops()):
            self.watch(f"{pool.name}{number}", loop)

    def unwatch(self, name: str) -> None:
        """Undo ``watch``. Idempotent. Any thread."""
        self._loops.unwatch(name)

    # ------------------------------------------------------------------ answering

    def _on_request(self, request: HttpRequest, response: HttpResponse) -> None:
        response.defer()
        response.set_header("Cache-Control", "no-store")
        worker = self._worker
        if worker is None or not worker.try_run(lambda: self._make_page(request, response)):
            response.set_text("too many requests at a time\n", 503)
            response.finish()

    def _make_page(self, request: HttpRequest, response: HttpResponse) -> None:
        """In the worker."""
        try:
            page = self._page(request)
            response.set_text(*((page, 200) if page is not None else (_no_page(request), 404)))
        except BaseException as exc:
            response.set_text(f"{type(exc).__name__}: {exc}\n", 500)
            raise  # the pool logs it
        finally:
            response.finish()

    def _page(self, request: HttpRequest) -> str | None:
        words = [word for word in request.path.split("/") if word]
        if not words:
            return self._list(f"{self._name}, pid {os.getpid()}\n")
        with self._commands_lock:
            commands = dict(self._commands.get(words[0], {}))
        if not commands:
            return None
        if len(words) == 1 and OVERVIEW not in commands:
            return self._list("", words[0])
        found = commands.get(words[1] if len(words) > 1 else OVERVIEW)
        if found is None:
            return None
        text = found[0](request.method, tuple(words[2:]))
        return text if text.endswith("\n") else text + "\n"

    def _list(self, title: str, only: str | None = None) -> str:
        with self._commands_lock:
            pages = [
                (f"/{module}/{command}", help)
                for module, commands in sorted(self._commands.items())
                if only in (None, module)
                for command, (_, help) in sorted(commands.items())
            ]
        width = max(len(path) for path, _ in pages) if pages else 0
        return title + "".join(f"{path:<{width}}  {help}".rstrip() + "\n" for path, help in pages)

    def _add_all(self, module: str, table: Mapping[str, tuple[Callable[[], str], str]]) -> None:
        for command, (function, help) in table.items():
            self.add(module, command, _without_arguments(function), help)


def _without_arguments(function: Callable[[], str]) -> InspectorCommand:
    return lambda method, arguments: function()


def _no_page(request: HttpRequest) -> str:
    return f"no page {request.path!r}; / lists all\n"
